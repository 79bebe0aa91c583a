/** What the targets on `node:http` share: ports from the command line, server limits, and the headers of a proxied request. */
import { randomUUID } from 'node:crypto';

/** Ports given as `node target.mjs LISTEN_PORT UPSTREAM_PORT`. */
export function ports() {
  const [listenPort, upstreamPort] = process.argv.slice(2, 4).map(Number);
  if (!listenPort || !upstreamPort) throw new Error('usage: node <target>.mjs LISTEN_PORT UPSTREAM_PORT');
  return { listenPort, upstreamPort };
}

/** Idle connections stay open as they do in the other proxies; the default of 5 s would close them under the memory test. */
export const KEEP_ALIVE_MS = 3_600_000;

/** Upstream sockets: more than the load generator opens, so that no request ever waits for one. */
export const UPSTREAM_SOCKETS = 256;

/** Agent options that suit a proxy best: every socket kept, the warmest one reused first. */
export const agentOptions = /** @type {const} */ ({
  keepAlive: true,
  maxSockets: UPSTREAM_SOCKETS,
  maxFreeSockets: UPSTREAM_SOCKETS,
  scheduling: 'lifo',
  noDelay: true,
});

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** @param {string} name lower-case field name */
export function isHopByHop(name) {
  return HOP_BY_HOP.has(name);
}

/** Request headers to send upstream, as a flat array. @param {import('node:http').IncomingMessage} request */
export function forwardedHeaders(request) {
  const raw = request.rawHeaders;
  const out = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = /** @type {string} */ (raw[i]).toLowerCase();
    if (!HOP_BY_HOP.has(name)) out.push(name, /** @type {string} */ (raw[i + 1]));
  }
  out.push(
    'x-forwarded-for',
    request.socket.remoteAddress ?? '',
    'x-forwarded-proto',
    'http',
    'x-request-id',
    randomUUID(),
  );
  return out;
}
