/** One endpoint: identity, counters and, once used, its connection pool. It outlives host-set updates that keep it. */
import type { Host, HostStats, Locality } from '../api/cluster.ts';
import type { Endpoint } from '../api/discovery.ts';
import type { ClientTransport } from '../net/transport.ts';
import type { HttpPool } from './pool.ts';

/** `ip:port`, `[v6]:port` or the path of a unix socket. */
export function endpointAddress(endpoint: { readonly ip: string; readonly port: number }): string {
  if (endpoint.port < 0) return endpoint.ip;
  return endpoint.ip.includes(':') ? `[${endpoint.ip}]:${endpoint.port}` : `${endpoint.ip}:${endpoint.port}`;
}

export class UpstreamHost implements Host {
  readonly address: string;
  readonly ip: string;
  readonly port: number;
  hostname: string;
  weight: number;
  locality: Locality;
  priority: number;
  metadata: Readonly<Record<string, unknown>> | undefined;
  canary: boolean;
  healthy = true;
  readonly stats: HostStats = {
    cxActive: 0,
    cxConnectFail: 0,
    cxTotal: 0,
    rqActive: 0,
    rqError: 0,
    rqSuccess: 0,
    rqTimeout: 0,
    rqTotal: 0,
  };
  /** Made with the first request of priority `default`. */
  pool: HttpPool | undefined = undefined;
  /** Made with the first request of priority `high`: its connections are its own. */
  highPool: HttpPool | undefined = undefined;
  /** Pools for requests that ask something of their connection, or whose client decides the protocol. */
  specialPools: Map<string, HttpPool> | undefined = undefined;
  /** How its connections are secured; `undefined` is plain TCP. */
  transport: ClientTransport | undefined = undefined;
  /** Removed from its cluster: finishes what it has, takes nothing new. */
  removed = false;
  /** @internal Smooth weighted round robin's running value. */
  currentWeight = 0;

  constructor(endpoint: Endpoint) {
    this.address = endpointAddress(endpoint);
    this.ip = endpoint.ip;
    this.port = endpoint.port;
    this.hostname = endpoint.hostname;
    this.weight = endpoint.weight;
    this.locality = endpoint.locality;
    this.priority = endpoint.priority;
    this.metadata = endpoint.metadata;
    this.canary = isCanary(endpoint);
  }

  /** Closes idle connections and lets busy ones finish. */
  drain(): void {
    this.pool?.drain();
    this.highPool?.drain();
    for (const pool of [...(this.specialPools?.values() ?? [])]) pool.drain();
  }

  /** Closes a connection that nobody uses, so that a pool without any may have one beyond the limit. */
  makeRoom(): void {
    for (const pool of this.specialPools?.values() ?? []) if (pool.closeIdle()) return;
  }

  /** Ends every connection at once. */
  destroy(): void {
    this.pool?.destroy();
    this.highPool?.destroy();
    for (const pool of [...(this.specialPools?.values() ?? [])]) pool.destroy();
  }

  /** Takes over what may change without making it another host. */
  refresh(endpoint: Endpoint): void {
    this.hostname = endpoint.hostname;
    this.weight = endpoint.weight;
    this.locality = endpoint.locality;
    this.priority = endpoint.priority;
    this.metadata = endpoint.metadata;
    this.canary = isCanary(endpoint);
  }
}

function isCanary({ metadata }: Endpoint): boolean {
  const own = metadata?.['envoy.lb'];
  return typeof own === 'object' && own !== null && 'canary' in own && own.canary === true;
}
