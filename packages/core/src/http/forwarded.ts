/** Who the client is and what its word is worth: x-forwarded-for, x-envoy-*, request ids (Envoy's `mutateRequestHeaders`). */
import type { StreamConnection } from '../api/http-stream.ts';
import { type RequestHead, Seen } from '../headers/header-map.ts';
import { applyClientCert } from './client-cert.ts';
import { appendForwarded, forwardedEntry, forwardedList } from './forwarded-list.ts';
import type { Detection, OriginDetector } from './origin.ts';
import { newRequestId, withoutTraceReason } from './request-id.ts';
import { sanitize } from './sanitize.ts';
import type { HttpSettings } from './settings.ts';

/** What the trust rules found out about a request. */
export interface Origin {
  /** Address that counts as the client. */
  clientIp: string;
  internal: boolean;
  /** Not 0: the client's address could not be told, and the request is refused with this status. */
  rejectStatus: number;
}

/** Rules beside the settings; compiled once per connection manager. */
export interface TrustRules {
  /** Field names that external clients may not send, besides Envoy's own. */
  readonly internalOnly: readonly string[];
  readonly detectors: readonly OriginDetector[] | undefined;
}

const NO_RULES: TrustRules = { internalOnly: [], detectors: undefined };

/** Applies the rules to `head`; `origin` is filled and returned, so that nothing is allocated. */
export function applyForwarded(
  head: RequestHead,
  connection: StreamConnection,
  settings: HttpSettings,
  origin: Origin,
  rules: TrustRules = NO_RULES,
): Origin {
  const hadForwarded = (head.seen & Seen.forwardedFor) !== 0;
  let mayBeInternal: boolean;
  origin.rejectStatus = 0;
  if (settings.useRemoteAddress) {
    mayBeInternal = !hadForwarded;
    remoteAddress(head, connection, settings, origin, hadForwarded);
  } else {
    mayBeInternal = false;
    origin.clientIp = connection.remoteIp;
    if (rules.detectors !== undefined) {
      mayBeInternal = detect(head, connection, rules.detectors, origin);
      if (origin.rejectStatus !== 0) return origin;
    } else if (hadForwarded) {
      const list = forwardedList(head);
      origin.clientIp = forwardedEntry(list, settings.xffNumTrustedHops) ?? connection.remoteIp;
      mayBeInternal = list.length === 1 && settings.xffNumTrustedHops === 0;
    }
    if ((head.seen & Seen.forwardedProto) === 0) addProtocol(head, connection);
    else takeScheme(head);
  }
  origin.internal = mayBeInternal && settings.isInternalAddress(origin.clientIp);
  const edge = settings.useRemoteAddress && !origin.internal;
  sanitize(head, origin.internal, edge, rules.internalOnly);
  if (origin.internal) head.fields.push('x-envoy-internal', 'true');
  if (edge && origin.clientIp !== '') head.put('x-envoy-external-address', origin.clientIp);
  requestId(head, settings, edge);
  if (settings.clientCert !== undefined) applyClientCert(head, connection, settings.clientCert);
  else if ((head.seen & Seen.clientCert) !== 0) head.drop('x-forwarded-client-cert');
  return origin;
}

function remoteAddress(
  head: RequestHead,
  connection: StreamConnection,
  settings: HttpSettings,
  origin: Origin,
  hadForwarded: boolean,
): void {
  const hops = settings.xffNumTrustedHops;
  const trusted = hops > 0 && hadForwarded ? forwardedEntry(forwardedList(head), hops - 1) : undefined;
  origin.clientIp = trusted ?? connection.remoteIp;
  if (!settings.skipXffAppend) appendPeer(head, connection.remoteIp, hadForwarded);
  const seenProto = (head.seen & Seen.forwardedProto) !== 0;
  if (!seenProto) addProtocol(head, connection);
  else if (hops === 0) head.put('x-forwarded-proto', protocol(connection));
  else takeScheme(head);
}

function appendPeer(head: RequestHead, remoteIp: string, hadForwarded: boolean): void {
  // A unix socket has no address.
  if (remoteIp === '') return;
  if (hadForwarded) appendForwarded(head, remoteIp);
  else head.fields.push('x-forwarded-for', remoteIp);
}

const found: Detection = { ip: undefined, trusted: false, append: false };

/** Asks the detectors in order; true when the address may be an internal one. */
function detect(
  head: RequestHead,
  connection: StreamConnection,
  detectors: readonly OriginDetector[],
  origin: Origin,
): boolean {
  let append = false;
  let trusted = false;
  for (const detector of detectors) {
    detector.detect(head, connection.remoteIp, found);
    append = found.append;
    if (found.ip !== undefined) {
      origin.clientIp = found.ip;
      trusted = found.trusted;
      break;
    }
    if (detector.rejectStatus !== undefined) {
      origin.rejectStatus = detector.rejectStatus;
      return false;
    }
  }
  if (append) appendPeer(head, connection.remoteIp, (head.seen & Seen.forwardedFor) !== 0);
  return trusted;
}

/** A proxy in front that is believed says how the client came; an absolute target has said so itself. */
function takeScheme(head: RequestHead): void {
  if ((head.seen & Seen.scheme) !== 0) return;
  const scheme = head.value('x-forwarded-proto')?.toLowerCase();
  if (scheme === 'http' || scheme === 'https') head.scheme = scheme;
}

/** Nobody has said how the client came: as its connection is, which then is the scheme of the request. */
function addProtocol(head: RequestHead, connection: StreamConnection): void {
  const scheme = protocol(connection);
  head.fields.push('x-forwarded-proto', scheme);
  if ((head.seen & Seen.scheme) === 0) head.scheme = scheme;
}

function protocol(connection: StreamConnection): 'http' | 'https' {
  return connection.secure ? 'https' : 'http';
}

function requestId(head: RequestHead, settings: HttpSettings, edge: boolean): void {
  if (!settings.generateRequestId) return;
  if ((head.seen & Seen.requestId) === 0) {
    head.fields.push('x-request-id', newRequestId());
    return;
  }
  if (head.value('x-request-id') === '') head.put('x-request-id', newRequestId());
  else if (!edge) return;
  else if (!settings.preserveExternalRequestId) head.put('x-request-id', newRequestId());
  else if (settings.packTraceReason) {
    head.put('x-request-id', withoutTraceReason(head.getAll('x-request-id').join(',')));
  }
}
