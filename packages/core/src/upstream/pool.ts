/**
 * What the HTTP pools of a host have in common: the requests that wait for a connection, and their limits. Invariant:
 * every waiting request is answered by `onReady` or `onFailure` exactly once, unless cancelled.
 */
import type { RandomSource } from '../api/clock.ts';
import type { UpstreamFailure } from '../api/codec.ts';
import type { TransportOptions, UpstreamRequest, UpstreamTicket } from '../api/upstream.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { ClusterStats, Http1CodecStats, Http2CodecStats } from '../stats/index.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { UpstreamHost } from './host.ts';
import type { ClusterSettings } from './settings.ts';
import { NO_POOL, OVERFLOW, QUEUE_FULL } from './unsent.ts';

/** What all pools of a cluster share. */
export interface PoolContext {
  readonly settings: ClusterSettings;
  readonly stats: ClusterStats;
  readonly breaker: CircuitBreaker;
  readonly wheel: TimerWheel;
  readonly random: RandomSource;
  /** `cluster.<name>.http1.`; registered with the first connection of that protocol. */
  http1Stats(): Http1CodecStats;
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
  /** Requests that wait for a connection. */
  readonly pending: number;
  /** Has connections, none of which is needed now. */
  readonly idleOnly: boolean;
  /** One connection more for `ratio` times the requests that there are, and the one that is coming; true when made. */
  preconnect(ratio: number): boolean;
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

/** Connections ahead of demand that one request may bring about; Envoy's number. */
const MOST_AHEAD = 3;

export abstract class Pool implements HttpPool {
  readonly host: UpstreamHost;
  readonly context: PoolContext;
  /** What all of its connections were asked for. */
  readonly choice: TransportOptions | undefined;
  /** Called whenever the last connection and the last waiting request are gone. */
  onEmpty: (() => void) | undefined = undefined;
  protected readonly waiting: Waiting[] = [];
  protected draining = false;
  /** It is one of the cluster's `max_connection_pools`. */
  private counted = false;
  /** Connections made for each request; 1 is none ahead of demand. */
  protected readonly aheadRatio: number;

  constructor(host: UpstreamHost, context: PoolContext, choice: TransportOptions | undefined) {
    this.host = host;
    this.context = context;
    this.choice = choice;
    this.aheadRatio = context.settings.preconnect?.perUpstream ?? 1;
  }

  abstract open(request: UpstreamRequest): UpstreamTicket | undefined;
  abstract drain(): void;
  abstract destroy(): void;
  abstract closeIdle(): boolean;
  abstract get idleOnly(): boolean;
  /** Sees to it that enough connections are on their way. */
  protected abstract connectForWaiting(): void;
  /** Makes one more connection, whether anybody waits for it or not. */
  protected abstract connectOne(): void;
  /** Connections, in whatever state. */
  protected abstract get size(): number;
  /** Requests that are being served. */
  protected abstract get active(): number;
  /** Requests that could be served now, or could be if the connections on their way were there. */
  protected abstract get capacity(): number;

  /** Puts a request into the queue, within the limit. */
  protected wait(request: UpstreamRequest): Waiting | undefined {
    const { breaker, stats } = this.context;
    if (!this.admitted()) {
      request.onFailure(NO_POOL, this.host);
      return undefined;
    }
    if (breaker.pending >= breaker.thresholds.maxPendingRequests) {
      this.checkEmpty();
      stats.upstream_rq_pending_overflow.value++;
      request.onFailure(QUEUE_FULL, this.host);
      return undefined;
    }
    stats.upstream_rq_pending_total.value++;
    stats.upstream_rq_pending_active.inc();
    breaker.addPending();
    const waiting = new Waiting(request, this);
    this.waiting.push(waiting);
    this.connectForWaiting();
    if (this.aheadRatio > 1) this.connectAhead();
    return waiting;
  }

  get pending(): number {
    return this.waiting.length;
  }

  /** Counts a pool that comes into use; false when there are as many as may be. */
  private admitted(): boolean {
    if (this.counted) return true;
    const { breaker, stats } = this.context;
    if (breaker.pools >= breaker.thresholds.maxConnectionPools && !this.host.retireIdlePool()) {
      stats.upstream_cx_pool_overflow.value++;
      return false;
    }
    this.counted = true;
    breaker.addPool();
    return true;
  }

  /** Keeps connections ahead of the requests of this host. As Envoy, a few at a time and none to a host in doubt. */
  protected connectAhead(): void {
    for (let made = 0; made < MOST_AHEAD; made++) if (!this.tryAhead(this.aheadRatio, 0)) return;
  }

  preconnect(ratio: number): boolean {
    return this.tryAhead(ratio, 1);
  }

  private tryAhead(ratio: number, coming: number): boolean {
    if (this.draining || this.host.health !== 'healthy') return false;
    const { active } = this;
    if ((this.waiting.length + active + coming) * ratio <= this.capacity + active) return false;
    if (!this.admitted() || !this.mayConnect()) return false;
    this.connectOne();
    return true;
  }

  /** Whether one more connection is within the limit; an empty pool may always have one. */
  protected mayConnect(): boolean {
    const { breaker, stats } = this.context;
    const { maxConnections, maxConnectionsPerHost } = breaker.thresholds;
    if (breaker.connections < maxConnections && this.host.stats.cxActive < maxConnectionsPerHost) return true;
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

  /** @internal It carries on what `from` has begun. */
  protected takePlaceOf(from: Pool): void {
    if (this.counted || !from.counted) return;
    this.counted = true;
    from.counted = false;
  }

  /** @internal Takes the queue of a pool that was for the wrong protocol. They have been counted there. */
  takeOver(from: Pool): void {
    this.takePlaceOf(from);
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
    if (!this.empty) return;
    if (this.counted) {
      this.counted = false;
      this.context.breaker.removePool();
    }
    this.onEmpty?.();
  }
}
