/** One endpoint: identity, counters and, once used, its connection pool. It outlives host-set updates that keep it. */
import type { EndpointHealthCheck, Host, HostHealth, HostStats, Locality } from '../api/cluster.ts';
import type { Endpoint, EndpointHealthStatus } from '../api/discovery.ts';
import type { HostChecks, HostOutlier, LoadReports } from '../api/health.ts';
import type { UpstreamCluster } from '../api/upstream.ts';
import type { ClientTransport } from '../net/transport.ts';
import { EDS_FLAGS, edsFlags, healthOf } from './health-flags.ts';
import type { HttpPool } from './pool.ts';

/** `ip:port`, `[v6]:port` or the path of a unix socket. */
export function endpointAddress(endpoint: { readonly ip: string; readonly port: number }): string {
  if (endpoint.port < 0) return endpoint.ip;
  return endpoint.ip.includes(':') ? `[${endpoint.ip}]:${endpoint.port}` : `${endpoint.ip}:${endpoint.port}`;
}

/** What an endpoint is known by: its `key`, or its address. */
export function endpointIdentity(endpoint: Endpoint): string {
  return endpoint.key ?? endpointAddress(endpoint);
}

const NO_ADDRESSES: readonly never[] = Object.freeze([]);

export class UpstreamHost implements Host {
  /** Stays the same for as long as the host is in its cluster. */
  readonly identity: string;
  /** Its identity is a key rather than its address. */
  private readonly keyed: boolean;
  address: string;
  ip: string;
  port: number;
  /** Tried in turn when the first address does not connect. */
  additionalAddresses: readonly { readonly ip: string; readonly port: number }[];
  hostname: string;
  weight: number;
  locality: Locality;
  priority: number;
  metadata: Readonly<Record<string, unknown>> | undefined;
  canary: boolean;
  /** 0 is none. */
  localityWeight: number;
  health: HostHealth = 'healthy';
  healthFlags = 0;
  /** What the source of the endpoint says of its health. */
  declaredStatus: EndpointHealthStatus = 'UNKNOWN';
  readonly addedMs: number;
  recoveredMs: number | undefined = undefined;
  healthCheck: EndpointHealthCheck | undefined;
  outlier: HostOutlier | undefined = undefined;
  checks: HostChecks | undefined = undefined;
  loadReports: LoadReports | undefined = undefined;
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
  /** Pools that take nothing new and finish what they have; made when needed. */
  private retired: Set<HttpPool> | undefined = undefined;
  /** The cluster that it belongs to: its pools, limits and counters, whoever has chosen it. */
  home: UpstreamCluster | undefined = undefined;
  /** How its connections are secured; `undefined` is plain TCP. */
  transport: ClientTransport | undefined = undefined;
  /** @internal The latest update of its cluster that has named it. */
  generation = 0;
  /** Removed from its cluster: finishes what it has, takes nothing new. */
  removed = false;
  /** @internal Smooth weighted round robin's running value. */
  currentWeight = 0;

  /** `flags` are those that it begins with besides its endpoint's own. */
  constructor(endpoint: Endpoint, addedMs = 0, flags = 0) {
    this.identity = endpointIdentity(endpoint);
    this.keyed = endpoint.key !== undefined;
    this.addedMs = addedMs;
    this.address = endpointAddress(endpoint);
    this.ip = endpoint.ip;
    this.port = endpoint.port;
    this.additionalAddresses = endpoint.additionalAddresses ?? NO_ADDRESSES;
    this.localityWeight = endpoint.localityWeight ?? 0;
    this.healthCheck = endpoint.healthCheck;
    this.declaredStatus = endpoint.healthStatus ?? 'UNKNOWN';
    this.setFlags(flags | edsFlags(endpoint.healthStatus));
    this.hostname = endpoint.hostname;
    this.weight = endpoint.weight;
    this.locality = endpoint.locality;
    this.priority = endpoint.priority;
    this.metadata = endpoint.metadata;
    this.canary = isCanary(endpoint);
  }

  /** Whether the endpoint is this host, by its key or its address. */
  isAt({ ip, port, key }: Endpoint): boolean {
    return key === undefined ? this.port === port && this.ip === ip && !this.keyed : this.identity === key;
  }

  get healthy(): boolean {
    return this.health === 'healthy';
  }

  /** Replaces all flags; true when they are others than before. */
  setFlags(flags: number): boolean {
    if (flags === this.healthFlags) return false;
    this.healthFlags = flags;
    this.health = healthOf(flags);
    return true;
  }

  private get pools(): HttpPool[] {
    const pools = [...(this.specialPools?.values() ?? [])];
    if (this.pool !== undefined) pools.push(this.pool);
    if (this.highPool !== undefined) pools.push(this.highPool);
    return pools;
  }

  /** Requests that wait for a connection. */
  get pendingRequests(): number {
    return this.pools.reduce((sum, { pending }) => sum + pending, 0);
  }

  /** Closes idle connections and lets busy ones finish. */
  drain(): void {
    for (const pool of this.pools) pool.drain();
  }

  /** As `drain`, and what is asked from now on gets new connections. */
  renew(): void {
    for (const pool of this.pools) this.retire(pool);
    this.specialPools = undefined;
  }

  /** Has a pool finish what it has, out of the way of new requests. */
  private retire(pool: HttpPool): void {
    if (this.pool === pool) this.pool = undefined;
    if (this.highPool === pool) this.highPool = undefined;
    this.retired ??= new Set();
    const { retired } = this;
    retired.add(pool);
    const { onEmpty } = pool;
    pool.onEmpty = () => {
      retired.delete(pool);
      onEmpty?.();
    };
    pool.drain();
  }

  /** Closes a pool whose connections nobody uses, so that there may be another; false when there is none. */
  retireIdlePool(): boolean {
    for (const pool of this.pools) {
      if (!pool.idleOnly) continue;
      this.retire(pool);
      return true;
    }
    return false;
  }

  /** Closes a connection that nobody uses, so that a pool without any may have one beyond the limit. */
  makeRoom(): void {
    for (const pool of this.specialPools?.values() ?? []) if (pool.closeIdle()) return;
  }

  /** Ends every connection at once. */
  destroy(): void {
    for (const pool of [...this.pools, ...(this.retired ?? [])]) pool.destroy();
  }

  /** Takes over what may change without making it another host. */
  refresh(endpoint: Endpoint): void {
    if (endpoint.key !== undefined) {
      this.address = endpointAddress(endpoint);
      this.ip = endpoint.ip;
      this.port = endpoint.port;
    }
    this.additionalAddresses = endpoint.additionalAddresses ?? NO_ADDRESSES;
    this.localityWeight = endpoint.localityWeight ?? 0;
    this.healthCheck = endpoint.healthCheck;
    this.declaredStatus = endpoint.healthStatus ?? 'UNKNOWN';
    this.setFlags((this.healthFlags & ~EDS_FLAGS) | edsFlags(endpoint.healthStatus));
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
