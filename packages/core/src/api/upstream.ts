/** Where the HTTP engine and the upstream side meet: a terminal filter opens streams on clusters through these. */
import type { Host } from './cluster.ts';
import type { RequestWriter, ResponseSink, UpstreamFailure } from './codec.ts';
import type { PickContext } from './load-balancer.ts';
import type { RuntimeFraction } from './runtime.ts';
import type { Counter } from './stats.ts';

/** Looks clusters up by name. A request reads a cluster once and keeps it. */
export interface Clusters {
  get(name: string): UpstreamCluster | undefined;
}

/** Routing priority: each has its own circuit breakers and, per host, its own connections. */
export type Priority = 'default' | 'high';

/** One cluster, open for streams. */
export interface UpstreamCluster {
  readonly name: string;
  readonly traffic: UpstreamTraffic;
  /** Limit of one attempt, from the moment its connection is there; 0 is none (`max_stream_duration`). */
  readonly maxStreamDurationMs: number;
  /** The share of requests that is refused at once (runtime `upstream.maintenance_mode.<cluster>`). Default 0. */
  readonly maintenance: RuntimeFraction;
  /** The next host by the cluster's policy; `undefined` when no host is healthy. */
  pick(context: PickContext): Host | undefined;
  /**
   * Asks `host` for a stream. The answer comes through `request`: `onReady` (possibly before this returns) or
   * `onFailure`. The returned ticket cancels a request that still waits for a connection. Default priority `default`.
   */
  open(host: Host, request: UpstreamRequest, priority?: Priority): UpstreamTicket | undefined;
  /**
   * As `open`, for a request whose payload goes to `host` as plain TCP (Envoy `connect_config`): its head is not sent, and
   * a 200 head stands for the connection. Each has a connection of its own.
   */
  openTcp(host: Host, request: UpstreamRequest, priority?: Priority): UpstreamTicket | undefined;
  /** Takes one of the retries that the circuit breaker (or retry budget) allows; false when there is none left. */
  beginRetry(priority: Priority): boolean;
  /** Gives back what a `beginRetry` that answered true has taken. */
  endRetry(priority: Priority): void;
  /** A fresh number in [0, 1) from the proxy's source of chance: jitter of back-offs. */
  random(): number;
  /** Counts a response head (or the local reply in its place) by code and class, once more as internal or external. */
  chargeStatus(host: Host | undefined, status: number, internal: boolean): void;
  /** Counts a response that is discarded because the request is tried again: `retry.upstream_rq_<code>`. */
  chargeRetried(status: number): void;
  /** Counts a response of a canary: `canary.upstream_rq_<code>`. */
  chargeCanary(status: number): void;
  /** Counts once more below `<name>.`, which a request chose (`x-envoy-upstream-alt-stat-name`). */
  chargeAlt(name: string, status: number, internal: boolean): void;
  /** Counts a finished exchange: `upstream_rq_time`. */
  chargeTime(durationMs: number, internal: boolean): void;
}

/** The side that asked for a stream; it receives the response as well. */
export interface UpstreamRequest extends ResponseSink {
  /** Wants a connection that nobody has waited with before: the last one had gone stale in the pool. Default false. */
  readonly freshConnection?: boolean;
  /** A connection is there: write the request now. */
  onReady(writer: RequestWriter, host: Host, connectionReused: boolean): void;
  /** No stream can be had: connect failure, timeout, or a circuit breaker is open (`overflow`). */
  onFailure(failure: UpstreamFailure, host: Host): void;
}

/** A place in the queue for a connection. */
export interface UpstreamTicket {
  /** Leaves the queue; no callback follows. */
  cancel(): void;
}

/** Cluster metrics that a terminal filter charges, under Envoy's names. */
export interface UpstreamTraffic {
  readonly retry_or_shadow_abandoned: Counter;
  readonly upstream_internal_redirect_failed_total: Counter;
  readonly upstream_internal_redirect_succeeded_total: Counter;
  readonly upstream_rq_maintenance_mode: Counter;
  readonly upstream_rq_max_duration_reached: Counter;
  readonly upstream_rq_per_try_idle_timeout: Counter;
  readonly upstream_rq_per_try_timeout: Counter;
  readonly upstream_rq_timeout: Counter;
  readonly upstream_rq_retry: Counter;
  readonly upstream_rq_retry_backoff_exponential: Counter;
  readonly upstream_rq_retry_backoff_ratelimited: Counter;
  readonly upstream_rq_retry_limit_exceeded: Counter;
  readonly upstream_rq_retry_overflow: Counter;
  readonly upstream_rq_retry_success: Counter;
  readonly upstream_rq_rx_reset: Counter;
  readonly upstream_rq_tx_reset: Counter;
  readonly upstream_flow_control_backed_up_total: Counter;
  readonly upstream_flow_control_drained_total: Counter;
}
