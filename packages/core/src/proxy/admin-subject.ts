/** Requests to the admin server as access logs see them. */
import type { ServedRequest } from '../admin/index.ts';
import type { LogSubject } from '../api/access-log.ts';
import type { StreamConnection, StreamInfo } from '../api/http-stream.ts';
import type { ObserverContext } from '../api/observer.ts';
import { RequestHead, ResponseHead } from '../headers/header-map.ts';

let nextId = 1;

/** What a log is told of `served`, whose answer has been written or whose client is gone. */
export function adminSubject(served: ServedRequest, context: ObserverContext): LogSubject {
  const connection = connectionOf(served);
  return {
    id: nextId++,
    requestHeaders: requestHead(served, connection, context.node.localIp),
    responseHeaders: responseHead(served),
    requestTrailers: undefined,
    responseTrailers: undefined,
    route: undefined,
    connection,
    info: infoOf(served, connection, context),
    clusters: context.clusters,
    timers: context.timers,
    runtime: context.runtime,
    random: context.random(),
  };
}

function connectionOf({ request }: ServedRequest): StreamConnection {
  const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = request.socket;
  return {
    id: 0,
    remoteIp: plainIp(remoteAddress),
    remotePort,
    localIp: plainIp(localAddress),
    localPort,
    secure: false,
  };
}

function requestHead({ request }: ServedRequest, { remoteIp }: StreamConnection, localIp: string): RequestHead {
  const head = new RequestHead();
  head.rawMethod = request.method ?? 'GET';
  head.rawPath = request.url ?? '/';
  head.rawAuthority = request.headers.host ?? '';
  head.minor = request.httpVersionMinor;
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    const name = (request.rawHeaders[at] as string).toLowerCase();
    if (name !== 'host') head.append(name, request.rawHeaders[at + 1] as string);
  }
  // As Envoy's admin server does: whoever asks from this machine is this machine's address.
  if (remoteIp !== '') head.append('x-forwarded-for', isLoopback(remoteIp) ? localIp : remoteIp);
  return head;
}

function responseHead({ response }: ServedRequest): ResponseHead | undefined {
  if (!response.headersSent) return undefined;
  const head = new ResponseHead();
  head.rawStatus = response.statusCode;
  for (const [name, value] of Object.entries(response.getHeaders())) head.append(name, String(value));
  return head;
}

function infoOf(served: ServedRequest, { remoteIp }: StreamConnection, { timers }: ObserverContext): StreamInfo {
  const endMs = timers.nowMs();
  const startMs = endMs - served.durationMs;
  return {
    startMs,
    startWallMs: served.startWallMs,
    requestCompleteMs: startMs,
    upstreamFirstByteMs: 0,
    endMs,
    flags: 0,
    details: served.response.headersSent ? 'admin_filter_response' : '',
    bytesReceived: served.bytesReceived,
    bytesSent: served.bytesSent,
    clientIp: remoteIp,
    upstreamHost: undefined,
    upstreamCluster: '',
    attempts: 0,
    metadata: new Map(),
    filterState: new Map(),
  };
}

/** An IPv4 peer of a socket that takes both. */
function plainIp(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

function isLoopback(ip: string): boolean {
  return ip === '::1' || ip.startsWith('127.');
}
