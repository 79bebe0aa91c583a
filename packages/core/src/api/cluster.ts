/** Clusters and hosts as extensions see them. */
import type { Counter, Gauge } from './stats.ts';

/** One endpoint's identity and counters. It outlives updates of the host set that keep it. */
export interface Host {
  /** `ip:port`, `[v6]:port` or a socket path: the name in stats, logs and `/clusters`. */
  readonly address: string;
  /** IP address, or the path of a unix socket when `port` is -1. */
  readonly ip: string;
  readonly port: number;
  /** The name that was resolved to this address, or the configured host name. */
  readonly hostname: string;
  readonly weight: number;
  readonly locality: Locality;
  readonly priority: number;
  readonly healthy: boolean;
  /** `metadata.filter_metadata` of the endpoint; absent when it has none. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** The endpoint is marked `envoy.lb: {canary: true}`. */
  readonly canary?: boolean;
  readonly stats: HostStats;
}

export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
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

/** The cluster counters that a terminal filter charges. Envoy's names. */
export interface ClusterTrafficStats {
  readonly upstream_rq_timeout: Counter;
  readonly upstream_rq_retry: Counter;
  readonly upstream_rq_retry_success: Counter;
  readonly upstream_rq_active: Gauge;
}
