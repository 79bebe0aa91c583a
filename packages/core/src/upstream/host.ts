/** One endpoint: identity, counters and, once used, its connection pool. It outlives host-set updates that keep it. */
import type { EndpointHealthCheck, Host, HostHealth, HostStats, Locality } from '../api/cluster.ts';
import type { Endpoint } from '../api/discovery.ts';
import type { HostChecks, HostOutlier, LoadReports } from '../api/health.ts';
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
  /** How its connections are secured; `undefined` is plain TCP. */
  transport: ClientTransport | undefined = undefined;
  /** Removed from its cluster: finishes what it has, takes nothing new. */
  removed = false;
  /** @internal Smooth weighted round robin's running value. */
  currentWeight = 0;

  /** `flags` are those that it begins with besides its endpoint's own. */
  constructor(endpoint: Endpoint, addedMs = 0, flags = 0) {
    this.identity = endpointIdentity(endpoint);
    this.addedMs = addedMs;
    this.address = endpointAddress(endpoint);
    this.ip = endpoint.ip;
    this.port = endpoint.port;
    this.additionalAddresses = endpoint.additionalAddresses ?? NO_ADDRESSES;
    this.localityWeight = endpoint.localityWeight ?? 0;
    this.healthCheck = endpoint.healthCheck;
    this.setFlags(flags | edsFlags(endpoint.healthStatus));
    this.hostname = endpoint.hostname;
    this.weight = endpoint.weight;
    this.locality = endpoint.locality;
    this.priority = endpoint.priority;
    this.metadata = endpoint.metadata;
    this.canary = isCanary(endpoint);
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
    if (endpoint.key !== undefined) {
      this.address = endpointAddress(endpoint);
      this.ip = endpoint.ip;
      this.port = endpoint.port;
    }
    this.additionalAddresses = endpoint.additionalAddresses ?? NO_ADDRESSES;
    this.localityWeight = endpoint.localityWeight ?? 0;
    this.healthCheck = endpoint.healthCheck;
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
