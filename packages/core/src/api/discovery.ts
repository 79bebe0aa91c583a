/** Where a cluster's endpoints come from. */
import type { Clock, RandomSource, Timers } from './clock.ts';
import type { EndpointHealthCheck, Host } from './cluster.ts';
import type { DnsResolverSettings } from './dns.ts';
import type { HostNames } from './host-names.ts';
import type { LoadBalancer } from './load-balancer.ts';
import type { Runtime } from './runtime.ts';
import type { StatsScope } from './stats.ts';
import type { Clusters } from './upstream.ts';

/** One resolved endpoint. */
export interface Endpoint {
  readonly ip: string;
  /** -1 for a unix socket, whose path is `ip`. */
  readonly port: number;
  readonly hostname: string;
  readonly weight: number;
  readonly priority: number;
  readonly locality: { readonly region: string; readonly zone: string; readonly subZone: string };
  /** `metadata.filter_metadata`: user data by filter name. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** `load_balancing_weight` of its locality; absent or 0 is none. */
  readonly localityWeight?: number | undefined;
  /** What the source says of its health (`health_status`). Default `UNKNOWN`, which counts as healthy. */
  readonly healthStatus?: EndpointHealthStatus | undefined;
  readonly healthCheck?: EndpointHealthCheck | undefined;
  /** Further addresses of the same host, tried in turn when the first does not connect (happy eyeballs). */
  readonly additionalAddresses?: readonly { readonly ip: string; readonly port: number }[] | undefined;
  /**
   * Identity of a logical host, which stays the same while its address changes: open connections go on, new ones go to the
   * new address. Default: the address is the identity.
   */
  readonly key?: string | undefined;
}

/** Envoy `HealthStatus`. */
export type EndpointHealthStatus = 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'TIMEOUT' | 'DEGRADED';

/** Envoy `ClusterLoadAssignment.Policy`, as far as it concerns the choice of hosts. */
export interface AssignmentPolicy {
  /** Percent. Default 140. */
  readonly overprovisioningFactor?: number | undefined;
  /** Default false. */
  readonly weightedPriorityHealth?: boolean | undefined;
  /** Shares of requests that are refused at once (`drop_overloads`), in order. */
  readonly drops?: readonly { readonly category: string; readonly numerator: number; readonly denominator: number }[];
}

/** What a discovery gets when its cluster starts. */
export interface DiscoveryContext<Config = unknown, TypeConfig = unknown> {
  readonly clusterName: string;
  /** The parsed cluster config. */
  readonly config: Config;
  /** What the definition's schema made of `cluster_type`; `undefined` for clusters that name it by `type`. */
  readonly typeConfig: TypeConfig;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: RandomSource;
  readonly runtime: Runtime;
  /** Scope `cluster.<name>.`, for `update_attempt` and its siblings. */
  readonly stats: StatsScope;
  /** The root scope, for what several clusters share: it stays when the cluster goes. */
  readonly rootStats: StatsScope;
  /** The bootstrap's DNS resolver, for clusters that have none of their own; `undefined` is the system's. */
  readonly dnsResolver?: DnsResolverSettings | undefined;
  /** Every cluster of the proxy, for clusters that are made of others. Not complete before `start`. */
  readonly clusters: Clusters;
  log(level: 'debug' | 'info' | 'warning' | 'error', message: string): void;
  /**
   * Replaces the whole host set, at once: the hosts are there when this returns. May be called at any time, also with the
   * same hosts. Without `policy` that of the cluster's own `load_assignment` holds.
   */
  publish(endpoints: readonly Endpoint[], policy?: AssignmentPolicy): void;
  /** The host of an endpoint's `key`, or else its address (`ip:port`); `undefined` when there is none. */
  host(identity: string): Host | undefined;
}

/** A running source of endpoints. */
export interface Discovery {
  /** Resolves after the first answer, good or bad; the cluster is not used before. */
  start(): Promise<void>;
  /** Stops timers and queries; nothing is published afterwards. */
  close(): void;
  /** `secondary` starts when all others have answered: it is made of other clusters. Default `primary`. */
  readonly phase?: 'primary' | 'secondary';
  /** How hosts are chosen, for types that bring it along (`lb_policy: CLUSTER_PROVIDED`). */
  readonly balancer?: LoadBalancer | undefined;
  /** Finds hosts when requests ask for them by name; becomes `UpstreamCluster.names`. */
  readonly names?: HostNames | undefined;
}
