/** Clusters and hosts as extensions see them. */
import type { HostChecks, HostOutlier, LoadReports } from './health.ts';
import type { Counter, Gauge } from './stats.ts';

/** What everything known of a host comes to: degraded hosts are used when too few healthy ones are left. */
export type HostHealth = 'healthy' | 'degraded' | 'unhealthy';

/** One endpoint's identity and counters. It outlives updates of the host set that keep it. */
export interface Host {
  /**
   * `ip:port`, `[v6]:port` or a socket path: the name in stats, logs and `/clusters`. It changes only for logical hosts
   * (`LOGICAL_DNS`, dynamic forward proxy), whose name moves to another address.
   */
  readonly address: string;
  /** IP address, or the path of a unix socket when `port` is -1. */
  readonly ip: string;
  readonly port: number;
  /** The name that was resolved to this address, or the configured host name. */
  readonly hostname: string;
  /** `load_balancing_weight`, at least 1. */
  readonly weight: number;
  readonly locality: Locality;
  /** 0 is the first choice. */
  readonly priority: number;
  /** What {@link healthFlags} come to. */
  readonly health: HostHealth;
  /** Reasons against the host, bits of `HealthFlag`; 0 is none. */
  readonly healthFlags: number;
  /** True while `health` is `healthy`. */
  readonly healthy: boolean;
  /** Monotonic time at which the host joined its cluster. */
  readonly addedMs: number;
  /** Monotonic time at which active health checks last found it healthy again; `undefined` before. For slow start. */
  readonly recoveredMs: number | undefined;
  /** `metadata.filter_metadata` of the endpoint; absent when it has none. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** The endpoint is marked `envoy.lb: {canary: true}`. */
  readonly canary?: boolean;
  /** How active health checks reach the host, where the endpoint says otherwise than its cluster. */
  readonly healthCheck?: EndpointHealthCheck | undefined;
  readonly stats: HostStats;
  /** Hears how exchanges with the host end; `undefined` unless a monitor detects outliers. */
  readonly outlier?: HostOutlier | undefined;
  /** Active health checks of this host; `undefined` without any. */
  readonly checks?: HostChecks | undefined;
  /** Set by a balancing policy that wants the host's load reports (ORCA); the router delivers them. */
  loadReports?: LoadReports | undefined;
}

/** Where an endpoint is; '' where nothing is known. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** Envoy `Endpoint.HealthCheckConfig`. */
export interface EndpointHealthCheck {
  /** Port to check; 0 is the endpoint's own. */
  readonly port: number;
  /** Address to check; '' is the endpoint's own. */
  readonly ip: string;
  /** Authority of HTTP and gRPC checks; '' leaves it to the check. */
  readonly hostname: string;
  /** `disable_active_health_check`: the host counts as healthy without being asked. */
  readonly disabled: boolean;
}

/** Per-host counters of `/clusters`. */
export interface HostStats {
  cxActive: number;
  cxConnectFail: number;
  cxTotal: number;
  rqActive: number;
  rqError: number;
  rqSuccess: number;
  rqTimeout: number;
  rqTotal: number;
}

/** Hosts of one priority in one place. */
export interface LocalityHosts {
  readonly locality: Locality;
  /** `load_balancing_weight` of the locality; 0 when it has none. */
  readonly weight: number;
  readonly hosts: readonly Host[];
  readonly healthy: readonly Host[];
  readonly degraded: readonly Host[];
  /** Hosts that count neither for nor against the place: their first check is open, or they asked to be left out. */
  readonly excluded: readonly Host[];
}

/** The hosts of one priority, divided by health and by place. */
export interface PriorityHosts {
  readonly priority: number;
  /** All of them, whatever their health, in the order of the endpoints. */
  readonly hosts: readonly Host[];
  readonly healthy: readonly Host[];
  readonly degraded: readonly Host[];
  readonly excluded: readonly Host[];
  /** Ordered by region, zone and sub-zone, but for the proxy's own place, which comes first when it is there. */
  readonly localities: readonly LocalityHosts[];
  /** The first of `localities` is the proxy's own. */
  readonly hasLocal: boolean;
  /** Some locality has a weight. */
  readonly localityWeights: boolean;
}

/** A snapshot of a cluster's hosts; it never changes, the next one takes its place. */
export interface HostSets {
  /** By priority, without gaps: a priority without endpoints is an empty set. At least one. */
  readonly priorities: readonly PriorityHosts[];
  /** Percent, `ClusterLoadAssignment.Policy.overprovisioning_factor`. Default 140. */
  readonly overprovisioningFactor: number;
  /** Availability of a priority is measured in weights rather than heads. Default false. */
  readonly weightedPriorityHealth: boolean;
}

/** The cluster counters that a terminal filter charges. Envoy's names. */
export interface ClusterTrafficStats {
  readonly upstream_rq_timeout: Counter;
  readonly upstream_rq_retry: Counter;
  readonly upstream_rq_retry_success: Counter;
  readonly upstream_rq_active: Gauge;
}
