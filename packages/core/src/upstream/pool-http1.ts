/**
 * HTTP/1 connections to one host: idle ones are reused last in, first out; requests wait in order while connections
 * are made. Invariants: a connection serves one request at a time; one that ended uncleanly is never reused; every
 * waiting request is answered by `onReady` or `onFailure` exactly once, unless cancelled.
 */
import type { UpstreamFailure } from '../api/codec.ts';
import type { UpstreamRequest, UpstreamTicket } from '../api/upstream.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { ClusterStats } from '../stats/index.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { UpstreamHost } from './host.ts';
import { PooledConnection } from './pooled-connection.ts';
import type { ClusterSettings } from './settings.ts';
import { OVERFLOW } from './unsent.ts';

/** What all pools of a cluster share. */
export interface PoolContext {
  readonly settings: ClusterSettings;
  readonly stats: ClusterStats;
  readonly breaker: CircuitBreaker;
  readonly wheel: TimerWheel;
}

class Waiting implements UpstreamTicket {
  readonly request: UpstreamRequest;
  private readonly pool: Http1Pool;
  constructor(request: UpstreamRequest, pool: Http1Pool) {
    this.request = request;
    this.pool = pool;
  }
  cancel(): void {
    this.pool.cancel(this);
  }
}

export class Http1Pool {
  readonly host: UpstreamHost;
  readonly context: PoolContext;
  private readonly idle: PooledConnection[] = [];
  private readonly waiting: Waiting[] = [];
  private readonly all = new Set<PooledConnection>();
  private connecting = 0;
  private draining = false;

  constructor(host: UpstreamHost, context: PoolContext) {
    this.host = host;
    this.context = context;
  }

  /** Serves `request` now from an idle connection, or queues it. */
  open(request: UpstreamRequest): UpstreamTicket | undefined {
    const { breaker, stats } = this.context;
    const connection = request.freshConnection === true ? undefined : this.takeIdle();
    if (connection !== undefined) {
      if (this.full) {
        this.idle.push(connection);
        this.refuse(request);
      } else connection.serve(request);
      return undefined;
    }
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
    // At the limit, with idle connections that the request does not want: the oldest makes room.
    if (this.connecting < this.waiting.length) this.idle.shift()?.close();
    return waiting;
  }

  private takeIdle(): PooledConnection | undefined {
    let connection = this.idle.pop();
    while (connection !== undefined && !connection.usable) connection = this.idle.pop();
    return connection;
  }

  /** As many requests are being served as may be; asked when one would get a connection, as Envoy does. */
  private get full(): boolean {
    const { breaker } = this.context;
    return breaker.requests >= breaker.thresholds.maxRequests;
  }

  private refuse(request: UpstreamRequest): void {
    this.context.stats.upstream_rq_active_overflow.value++;
    request.onFailure(OVERFLOW, this.host);
  }

  /** One connection on its way for each waiting request, within the limit; an empty pool may always have one. */
  private connectForWaiting(): void {
    const { breaker, stats } = this.context;
    while (this.connecting < this.waiting.length) {
      if (breaker.connections >= breaker.thresholds.maxConnections) {
        stats.upstream_cx_overflow.value++;
        if (this.all.size > 0) return;
      }
      this.connecting++;
      this.all.add(new PooledConnection(this));
    }
  }

  /** @internal */
  cancel(waiting: Waiting): void {
    const at = this.waiting.indexOf(waiting);
    if (at < 0) return;
    this.waiting.splice(at, 1);
    this.left();
    this.context.stats.upstream_rq_cancelled.value++;
  }

  private left(): void {
    this.context.stats.upstream_rq_pending_active.dec();
    this.context.breaker.removePending();
  }

  /** @internal A new connection is up, or a served one is free again. */
  ready(connection: PooledConnection, fresh: boolean): void {
    if (fresh) this.connecting--;
    for (let waiting = this.nextWaiting(fresh); waiting !== undefined; waiting = this.nextWaiting(fresh)) {
      this.left();
      if (!this.full) {
        connection.serve(waiting.request);
        return;
      }
      this.refuse(waiting.request);
    }
    // Who still waits wants a fresh connection; with none on its way, this one makes room.
    if (this.draining || this.connecting < this.waiting.length) {
      connection.close();
      return;
    }
    this.idle.push(connection);
    connection.becameIdle();
  }

  private nextWaiting(fresh: boolean): Waiting | undefined {
    return fresh ? this.waiting.shift() : this.takeWaitingForUsed();
  }

  /** The first waiting request that takes any connection. */
  private takeWaitingForUsed(): Waiting | undefined {
    if (this.waiting.length === 0) return undefined;
    const at = this.waiting.findIndex(({ request }) => request.freshConnection !== true);
    return at < 0 ? undefined : this.waiting.splice(at, 1)[0];
  }

  /** @internal */
  connectFailed(connection: PooledConnection, failure: UpstreamFailure): void {
    this.connecting--;
    this.all.delete(connection);
    const { stats } = this.context;
    this.host.stats.cxConnectFail++;
    stats.upstream_cx_connect_fail.value++;
    // Connections still on their way, and those in use, may serve as many of the waiting requests.
    while (this.waiting.length > this.connecting) {
      const waiting = this.waiting.shift() as Waiting;
      this.left();
      stats.upstream_rq_pending_failure_eject.value++;
      waiting.request.onFailure(failure, this.host);
    }
  }

  /** @internal */
  gone(connection: PooledConnection): void {
    this.all.delete(connection);
    const at = this.idle.indexOf(connection);
    if (at >= 0) this.idle.splice(at, 1);
    this.connectForWaiting();
  }

  /** Closes idle connections and lets busy ones finish; waiting requests are still served. */
  drain(): void {
    this.draining = true;
    for (const connection of this.idle.splice(0)) connection.close();
  }

  /** Ends every connection at once. */
  destroy(): void {
    this.draining = true;
    for (const connection of [...this.all]) connection.close();
  }
}
