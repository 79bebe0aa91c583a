/** Who the client is and what its word is worth: x-forwarded-for, x-envoy-*, request ids (Envoy's `mutateRequestHeaders`). */
import { isIP } from 'node:net';
import type { StreamConnection } from '../api/http-stream.ts';
import { type RequestHead, Seen } from '../headers/header-map.ts';
import { newRequestId } from './request-id.ts';
import type { HttpSettings } from './settings.ts';

/** Fields that only an internal client may send. */
const EXTERNAL_REMOVED = [
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-force-trace',
  'x-envoy-ip-tags',
  'x-envoy-original-url',
  'x-envoy-hedge-on-per-try-timeout',
] as const;

/** Fields that an edge proxy removes as well. */
const EDGE_REMOVED = [
  'x-envoy-decorator-operation',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-original-path',
  'x-envoy-original-host',
] as const;

/** What the trust rules found out about a request. */
export interface Origin {
  /** Address that counts as the client. */
  clientIp: string;
  internal: boolean;
}

/** Applies the rules to `head`; `origin` is filled and returned, so that nothing is allocated. */
export function applyForwarded(
  head: RequestHead,
  connection: StreamConnection,
  settings: HttpSettings,
  origin: Origin,
): Origin {
  const hadForwarded = (head.seen & Seen.forwardedFor) !== 0;
  let mayBeInternal: boolean;
  if (settings.useRemoteAddress) {
    mayBeInternal = !hadForwarded;
    remoteAddress(head, connection, settings, origin, hadForwarded);
  } else {
    mayBeInternal = false;
    origin.clientIp = connection.remoteIp;
    if (hadForwarded) {
      const list = forwardedList(head);
      origin.clientIp = trustedAddress(list, settings.xffNumTrustedHops) ?? connection.remoteIp;
      mayBeInternal = list.length === 1 && settings.xffNumTrustedHops === 0;
    }
    if ((head.seen & Seen.forwardedProto) === 0) head.fields.push('x-forwarded-proto', protocol(connection));
  }
  origin.internal = mayBeInternal && settings.isInternalAddress(origin.clientIp);
  const edge = settings.useRemoteAddress && !origin.internal;
  sanitize(head, origin.internal, edge);
  if (origin.internal) head.fields.push('x-envoy-internal', 'true');
  if (edge && origin.clientIp !== '') head.put('x-envoy-external-address', origin.clientIp);
  requestId(head, settings, edge);
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
  const trusted = hops > 0 && hadForwarded ? trustedAddress(forwardedList(head), hops - 1) : undefined;
  origin.clientIp = trusted ?? connection.remoteIp;
  if (!settings.skipXffAppend && connection.remoteIp !== '') appendForwarded(head, connection.remoteIp, hadForwarded);
  const seenProto = (head.seen & Seen.forwardedProto) !== 0;
  if (!seenProto) head.fields.push('x-forwarded-proto', protocol(connection));
  else if (hops === 0) head.put('x-forwarded-proto', protocol(connection));
}

/** Envoy joins with a bare comma and keeps a single field. */
function appendForwarded(head: RequestHead, ip: string, hadForwarded: boolean): void {
  if (!hadForwarded) {
    head.fields.push('x-forwarded-for', ip);
    return;
  }
  const joined = head.getAll('x-forwarded-for').join(',');
  head.put('x-forwarded-for', joined === '' ? ip : `${joined},${ip}`);
}

function forwardedList(head: RequestHead): string[] {
  const values = head.getAll('x-forwarded-for').join(',');
  return values === '' ? [] : values.split(',');
}

/** The entry that is `fromRight` places from the right end, when it is an address. */
function trustedAddress(list: readonly string[], fromRight: number): string | undefined {
  const entry = list[list.length - 1 - fromRight]?.trim();
  return entry !== undefined && isIP(entry) !== 0 ? entry : undefined;
}

function protocol(connection: StreamConnection): 'http' | 'https' {
  return connection.secure ? 'https' : 'http';
}

function sanitize(head: RequestHead, internal: boolean, edge: boolean): void {
  if ((head.seen & Seen.clientCert) !== 0) head.drop('x-forwarded-client-cert');
  if ((head.seen & Seen.referer) !== 0) dropBadReferer(head);
  if ((head.seen & Seen.envoy) === 0) return;
  head.drop('x-envoy-internal');
  if (internal) return;
  for (const name of EXTERNAL_REMOVED) head.drop(name);
  if (!edge) return;
  for (const name of EDGE_REMOVED) head.drop(name);
}

/** A referer that is no URL, or two of them, would be an open door for log and policy tricks. */
function dropBadReferer(head: RequestHead): void {
  const values = head.getAll('referer');
  if (values.length === 1 && /^[a-z][a-z0-9+.-]*:\/\/[^\s]+$/i.test(values[0] as string)) return;
  head.drop('referer');
}

function requestId(head: RequestHead, settings: HttpSettings, edge: boolean): void {
  if (!settings.generateRequestId) return;
  if ((head.seen & Seen.requestId) === 0) head.fields.push('x-request-id', newRequestId());
  else if (edge && !settings.preserveExternalRequestId) head.put('x-request-id', newRequestId());
}
