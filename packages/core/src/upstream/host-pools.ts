/** Which pool of a host serves a request: by priority, by protocol, and by what the request asks of its connection. */
import type { Priority, TransportOptions, UpstreamRequest } from '../api/upstream.ts';
import { DEFAULT_HTTP2_OPTIONS } from '../http2/options.ts';
import type { UpstreamHost } from './host.ts';
import type { HttpPool, PoolContext } from './pool.ts';
import { AlpnPool } from './pool-alpn.ts';
import { Http1Pool } from './pool-http1.ts';
import { Http2Pool } from './pool-http2.ts';
import type { UpstreamProtocol } from './settings.ts';

/** What connections offer by ALPN when neither the transport nor the request names anything. */
const FALLBACK: Readonly<Record<'http1' | 'http2' | 'alpn', TransportOptions>> = {
  http1: { fallbackProtocols: ['http/1.1'] },
  http2: { fallbackProtocols: ['h2'] },
  alpn: { fallbackProtocols: ['h2', 'http/1.1'] },
};

/** A pool for what the cluster speaks to everybody. Not for `downstream`. */
export function plainPool(host: UpstreamHost, context: PoolContext): HttpPool {
  return newPool(host, context, fixedProtocol(context.settings.protocol), undefined);
}

/** The pool for a request that asks for more, or whose client decides the protocol. Made when needed, gone when empty. */
export function specialPool(
  host: UpstreamHost,
  context: PoolContext,
  request: UpstreamRequest,
  priority: Priority,
): HttpPool {
  const { transport, downstreamHttp2 } = request;
  const { protocol } = context.settings;
  const used = protocol === 'downstream' ? (downstreamHttp2 === true ? 'http2' : 'http1') : fixedProtocol(protocol);
  const key = `${priority} ${used}${transport === undefined ? '' : transportKey(transport)}`;
  host.specialPools ??= new Map();
  const pools = host.specialPools;
  let pool = pools.get(key);
  if (pool === undefined) {
    pool = newPool(host, context, used, transport);
    // Requests choose the key: what nobody uses must not stay.
    pool.onEmpty = () => void pools.delete(key);
    pools.set(key, pool);
  }
  return pool;
}

function fixedProtocol(protocol: UpstreamProtocol | undefined): 'http1' | 'http2' | 'alpn' {
  return protocol === undefined || protocol === 'downstream' ? 'http1' : protocol;
}

/** A pool of its own, which nobody else finds. `asked` is what all of its connections are asked for. */
export function newPool(
  host: UpstreamHost,
  context: PoolContext,
  protocol: 'http1' | 'http2' | 'alpn',
  asked: TransportOptions | undefined,
): HttpPool {
  const secured = host.transport !== undefined;
  const choice = secured ? { ...FALLBACK[protocol], ...asked } : asked;
  const pool = poolFor(host, context, protocol, choice);
  // A late request of a host that is gone leaves nothing idle behind.
  if (host.removed) pool.drain();
  return pool;
}

function poolFor(
  host: UpstreamHost,
  context: PoolContext,
  protocol: 'http1' | 'http2' | 'alpn',
  choice: TransportOptions | undefined,
): HttpPool {
  if (protocol === 'http1') return new Http1Pool(host, context, choice);
  const options = context.settings.http2 ?? DEFAULT_HTTP2_OPTIONS;
  return protocol === 'http2'
    ? new Http2Pool(host, context, options, choice)
    : new AlpnPool(host, context, options, choice);
}

/** Equal for requests that may share connections. */
function transportKey(options: TransportOptions): string {
  const { serverName, subjectAltNames, applicationProtocols, proxied, dedicatedTo } = options;
  return JSON.stringify([serverName, subjectAltNames, applicationProtocols, proxied, dedicatedTo]);
}
