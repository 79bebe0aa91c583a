/** Where the HTTP engine and the upstream side meet: a terminal filter opens streams on clusters through these. */
import type { Host } from './cluster.ts';
import type { RequestWriter, ResponseSink, UpstreamFailure } from './codec.ts';
import type { PickContext } from './load-balancer.ts';
import type { Counter } from './stats.ts';

/** Looks clusters up by name. A request reads a cluster once and keeps it. */
export interface Clusters {
  get(name: string): UpstreamCluster | undefined;
}

/** One cluster, open for streams. */
export interface UpstreamCluster {
  readonly name: string;
  readonly traffic: UpstreamTraffic;
  /** The next host by the cluster's policy; `undefined` when no host is healthy. */
  pick(context: PickContext): Host | undefined;
  /**
   * Asks `host` for a stream. The answer comes through `request`: `onReady` (possibly before this returns) or
   * `onFailure`. The returned ticket cancels a request that still waits for a connection.
   */
  open(host: Host, request: UpstreamRequest): UpstreamTicket | undefined;
  /** Counts a response head (or the local reply in its place) by code and class, once more as internal or external. */
  chargeStatus(host: Host | undefined, status: number, internal: boolean): void;
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
  readonly upstream_rq_timeout: Counter;
  readonly upstream_rq_retry: Counter;
  readonly upstream_rq_retry_success: Counter;
  readonly upstream_rq_rx_reset: Counter;
  readonly upstream_rq_tx_reset: Counter;
  readonly upstream_flow_control_backed_up_total: Counter;
  readonly upstream_flow_control_drained_total: Counter;
}
