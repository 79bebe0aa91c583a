/**
 * What the HTTP pools of a host have in common: the requests that wait for a connection, and their limits. Invariant:
 * every waiting request is answered by `onReady` or `onFailure` exactly once, unless cancelled.
 */
import type { RandomSource } from '../api/clock.ts';
import type { UpstreamFailure } from '../api/codec.ts';
import type { TransportOptions, UpstreamRequest, UpstreamTicket } from '../api/upstream.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { ClusterStats, Http2CodecStats } from '../stats/index.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { UpstreamHost } from './host.ts';
import type { ClusterSettings } from './settings.ts';
import { OVERFLOW } from './unsent.ts';

/** What all pools of a cluster share. */
export interface PoolContext {
  readonly settings: ClusterSettings;
  readonly stats: ClusterStats;
  readonly breaker: CircuitBreaker;
  readonly wheel: TimerWheel;
  readonly random: RandomSource;
  /** `cluster.<name>.http2.`; registered with the first connection of that protocol. */
  http2Stats(): Http2CodecStats;
}

/** The connections of one kind to one host. */
export interface HttpPool {
  /** Called whenever the last connection and the last waiting request are gone. */
  onEmpty: (() => void) | undefined;
  /** Serves `request` now, or queues it. */
  open(request: UpstreamRequest): UpstreamTicket | undefined;
  /** Closes idle connections and lets busy ones finish; waiting requests are still served. */
  drain(): void;
  /** Ends every connection at once. */
  destroy(): void;
  /** Closes one connection that nobody uses; false when there is none. */
  closeIdle(): boolean;
}

/** Two pools that find out together which protocol a host speaks. */
export interface ProtocolFinder<Made> {
  readonly known: 'http1' | 'http2' | undefined;
  /** A connection speaks what its pool is for. */
  confirm(protocol: 'http1' | 'http2'): void;
  /** A connection speaks what the other pool is for; it is taken over there. */
  handOver(made: Made, from: Pool): void;
}

/** A request in the queue of a pool. */
export class Waiting implements UpstreamTicket {
  readonly request: UpstreamRequest;
  /** @internal Another one once it was found out which protocol the host speaks. */
  pool: Pool;

  constructor(request: UpstreamRequest, pool: Pool) {
    this.request = request;
    this.pool = pool;
  }

  cancel(): void {
    this.pool.cancel(this);
  }
}

export abstract class Pool implements HttpPool {
  readonly host: UpstreamHost;
  readonly context: PoolContext;
  /** What all of its connections were asked for. */
  readonly choice: TransportOptions | undefined;
  /** Called whenever the last connection and the last waiting request are gone. */
  onEmpty: (() => void) | undefined = undefined;
  protected readonly waiting: Waiting[] = [];
  protected draining = false;

  constructor(host: UpstreamHost, context: PoolContext, choice: TransportOptions | undefined) {
    this.host = host;
    this.context = context;
    this.choice = choice;
  }

  abstract open(request: UpstreamRequest): UpstreamTicket | undefined;
  abstract drain(): void;
  abstract destroy(): void;
  abstract closeIdle(): boolean;
  /** Sees to it that enough connections are on their way. */
  protected abstract connectForWaiting(): void;
  /** Connections, in whatever state. */
  protected abstract get size(): number;

  /** Puts a request into the queue, within the limit. */
  protected wait(request: UpstreamRequest): Waiting | undefined {
    const { breaker, stats } = this.context;
    if (breaker.pending >= breaker.thresholds.maxPendingRequests) {
      stats.upstream_rq_pending_overflow.value++;
      request.onFailure(OVERFLOW, this.host);
      return undefined;
    }
    stats.upstream_rq_pending_total.value++;
    stats.upstream_rq_pending_active.inc();
    breaker.addPending();
    const waiting = new Waiting(request, this);
    this.waiting.push(waiting);
    this.connectForWaiting();
    return waiting;
  }

  /** Whether one more connection is within the limit; an empty pool may always have one. */
  protected mayConnect(): boolean {
    const { breaker, stats } = this.context;
    if (breaker.connections < breaker.thresholds.maxConnections) return true;
    stats.upstream_cx_overflow.value++;
    if (this.size > 0) return false;
    this.host.makeRoom();
    return true;
  }

  /** As many requests are being served as may be; asked when one would get a connection, as Envoy does. */
  protected get full(): boolean {
    const { breaker } = this.context;
    return breaker.requests >= breaker.thresholds.maxRequests;
  }

  protected refuse(request: UpstreamRequest): void {
    this.context.stats.upstream_rq_active_overflow.value++;
    request.onFailure(OVERFLOW, this.host);
  }

  /** @internal */
  cancel(waiting: Waiting): void {
    const at = this.waiting.indexOf(waiting);
    if (at < 0) return;
    this.waiting.splice(at, 1);
    this.left();
    this.context.stats.upstream_rq_cancelled.value++;
    this.checkEmpty();
  }

  /** One request has left the queue. */
  protected left(): void {
    this.context.stats.upstream_rq_pending_active.dec();
    this.context.breaker.removePending();
  }

  /** A connection could not be made: those who waited for it fail, the latest stay for connections on their way. */
  protected eject(failure: UpstreamFailure, room: number): void {
    const { stats } = this.context;
    this.host.stats.cxConnectFail++;
    stats.upstream_cx_connect_fail.value++;
    // Only those of now: who tries again at once waits for another connection.
    for (let failing = this.waiting.length - room; failing > 0 && this.waiting.length > 0; failing--) {
      const waiting = this.waiting.shift() as Waiting;
      this.left();
      stats.upstream_rq_pending_failure_eject.value++;
      waiting.request.onFailure(failure, this.host);
    }
  }

  /** @internal Takes the queue of a pool that was for the wrong protocol. They have been counted there. */
  takeOver(from: Pool): void {
    for (const waiting of from.waiting.splice(0)) {
      waiting.pool = this;
      this.waiting.push(waiting);
    }
    this.connectForWaiting();
  }

  /** No connection and nobody who waits for one. */
  get empty(): boolean {
    return this.size === 0 && this.waiting.length === 0;
  }

  protected checkEmpty(): void {
    if (this.onEmpty !== undefined && this.empty) this.onEmpty();
  }
}
