/**
 * HTTP/1 connections to one host: idle ones are reused last in, first out; requests wait in order while connections
 * are made. Invariants: a connection serves one request at a time; one that ended uncleanly is never reused; every
 * waiting request is answered by `onReady` or `onFailure` exactly once, unless cancelled.
 */
import type { ResetReason, UpstreamFailure } from '../api/codec.ts';
import type { UpstreamRequest, UpstreamTicket } from '../api/upstream.ts';
import { type ClientCodecHandler, Http1ClientCodec } from '../http1/client-codec.ts';
import { Connection, type ConnectionHandler } from '../net/connection.ts';
import { connectFailure } from '../net/failure-text.ts';
import { TimerEntry, type TimerWheel } from '../runtime/timer-wheel.ts';
import type { ClusterStats } from '../stats/index.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { UpstreamHost } from './host.ts';
import type { ClusterSettings } from './settings.ts';

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

/** Failures before a request was handed to any connection. */
function unsent(reason: ResetReason): UpstreamFailure {
  return Object.freeze({ reason, detail: undefined, reused: false, responseStarted: false, requestSent: false });
}
const OVERFLOW = unsent('overflow');
const TIMED_OUT = unsent('connection timeout');
const CLOSED_EARLY = unsent('connection termination');
/** The peer sent bytes before any request. */
const SPOKE_FIRST = unsent('protocol error');

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
    if (breaker.requests >= breaker.thresholds.maxRequests) return this.overflow(request);
    const connection = request.freshConnection === true ? undefined : this.takeIdle();
    if (connection !== undefined) {
      connection.serve(request);
      return undefined;
    }
    if (breaker.pending >= breaker.thresholds.maxPendingRequests) return this.overflow(request);
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

  private overflow(request: UpstreamRequest): undefined {
    this.context.stats.upstream_rq_pending_overflow.value++;
    request.onFailure(OVERFLOW, this.host);
    return undefined;
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
    const waiting = fresh ? this.waiting.shift() : this.takeWaitingForUsed();
    if (waiting !== undefined) {
      this.left();
      connection.serve(waiting.request);
      return;
    }
    // Who still waits wants a fresh connection; with none on its way, this one makes room.
    if (this.draining || this.connecting < this.waiting.length) {
      connection.close();
      return;
    }
    this.idle.push(connection);
    connection.becameIdle();
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

/** One connection of a pool, through its life: connecting → settling → idle ⇄ busy → closed. */
class PooledConnection extends TimerEntry implements ConnectionHandler, ClientCodecHandler {
  private readonly pool: Http1Pool;
  private readonly connection: Connection;
  private readonly codec: Http1ClientCodec;
  private readonly startMs: number;
  private sink: UpstreamRequest | undefined = undefined;
  private connected = false;
  private ownSettled = false;
  private poisoned = false;
  private timedOut = false;
  private closedByUs = false;
  private active = false;
  /** It has been idle, used before or not: the peer may have given it up since. */
  private pooled = false;
  private idleSinceMs = 0;

  constructor(pool: Http1Pool) {
    super();
    this.pool = pool;
    const { host, context } = pool;
    const { settings, stats, breaker, wheel } = context;
    this.startMs = wheel.nowMs();
    breaker.addConnection();
    host.stats.cxTotal++;
    host.stats.cxActive++;
    stats.upstream_cx_total.value++;
    stats.upstream_cx_http1_total.value++;
    stats.upstream_cx_active.inc();
    const target = host.port < 0 ? { path: host.ip } : { host: host.ip, port: host.port };
    this.connection = Connection.connect(target, this, settings.bufferLimitBytes, () => this.onConnect());
    if (settings.tcpKeepaliveMs !== undefined) this.connection.socket.setKeepAlive(true, settings.tcpKeepaliveMs);
    this.codec = new Http1ClientCodec(this.connection, settings.responseLimits, settings.enableTrailers, this);
    wheel.arm(this, settings.connectTimeoutMs);
  }

  /** An idle connection that the peer has not touched. */
  get usable(): boolean {
    return !this.connection.closed && !this.connection.peerEnded && !this.codec.busy && this.connected;
  }

  private onConnect(): void {
    this.disarm();
    this.connected = true;
    this.pool.context.stats.upstream_cx_connect_ms.record(this.pool.context.wheel.nowMs() - this.startMs);
    // A peer that speaks before it was asked would poison the first response: let one whole poll pass before use.
    setImmediate(settle, this);
  }

  /** @internal */
  settled(): void {
    if (this.connection.closed || this.poisoned || this.closedByUs) return;
    this.ownSettled = true;
    this.pool.ready(this, true);
  }

  serve(request: UpstreamRequest): void {
    const { host, context } = this.pool;
    this.active = true;
    context.breaker.addRequest();
    host.stats.rqTotal++;
    host.stats.rqActive++;
    context.stats.upstream_rq_total.value++;
    context.stats.upstream_rq_active.inc();
    this.sink = request;
    const reused = this.pooled || this.codec.requests > 0;
    this.codec.attach(request, reused);
    request.onReady(this.codec, host, reused);
  }

  becameIdle(): void {
    const { settings, wheel } = this.pool.context;
    this.pooled = true;
    this.idleSinceMs = wheel.nowMs();
    if (settings.idleTimeoutMs > 0 && !this.armed) wheel.arm(this, settings.idleTimeoutMs);
  }

  /** The deadline of the state it is in: connecting, or idle. */
  onDue(): void {
    const { settings, stats, wheel } = this.pool.context;
    if (!this.connected) {
      this.timedOut = true;
      stats.upstream_cx_connect_timeout.value++;
      this.close();
      return;
    }
    const left = this.active ? settings.idleTimeoutMs : this.idleSinceMs + settings.idleTimeoutMs - wheel.nowMs();
    if (left > 0) {
      wheel.arm(this, left);
      return;
    }
    stats.upstream_cx_idle_timeout.value++;
    this.close();
  }

  close(): void {
    this.closedByUs = true;
    this.connection.destroy();
  }

  // ClientCodecHandler

  onExchangeEnd(reusable: boolean): void {
    const { settings, stats } = this.pool.context;
    this.release();
    const spent = settings.maxRequestsPerConnection > 0 && this.codec.requests >= settings.maxRequestsPerConnection;
    if (spent) stats.upstream_cx_max_requests.value++;
    const old =
      settings.maxConnectionDurationMs > 0 &&
      this.pool.context.wheel.nowMs() - this.startMs >= settings.maxConnectionDurationMs;
    if (old) stats.upstream_cx_max_duration_reached.value++;
    if (!reusable || spent || old || this.connection.peerEnded) this.close();
    else this.pool.ready(this, false);
  }

  onProtocolError(): void {
    this.poisoned = true;
    this.pool.context.stats.upstream_cx_protocol_error.value++;
    this.close();
  }

  private release(): void {
    if (!this.active) return;
    const { host, context } = this.pool;
    this.active = false;
    this.sink = undefined;
    host.stats.rqActive--;
    context.breaker.removeRequest();
    context.stats.upstream_rq_active.dec();
  }

  // ConnectionHandler

  onBytes(chunk: Buffer, owned: boolean): void {
    const { wheel } = this.pool.context;
    const outermost = wheel.beginTurn();
    try {
      this.codec.feed(chunk, owned);
    } finally {
      if (outermost) wheel.endTurn();
    }
  }

  /** An upstream that half-closes has finished, or will not answer any more. */
  onEnd(): void {
    this.codec.disconnected('connection termination', undefined, true);
    this.connection.destroy();
  }

  onWritable(): void {
    this.sink?.onWritable();
  }

  onClose(error: Error | undefined): void {
    this.disarm();
    const { host, context } = this.pool;
    const { stats, breaker, wheel } = context;
    breaker.removeConnection();
    host.stats.cxActive--;
    stats.upstream_cx_active.dec();
    stats.upstream_cx_rx_bytes_total.value += this.connection.bytesRead;
    stats.upstream_cx_tx_bytes_total.value += this.connection.bytesWritten;
    stats.upstream_cx_length_ms.record(wheel.nowMs() - this.startMs);
    stats.upstream_rq_per_cx.record(this.codec.requests);
    stats.upstream_cx_destroy.value++;
    if (!this.ownSettled) {
      this.pool.connectFailed(this, this.connectFailure(error));
      return;
    }
    if (this.closedByUs) stats.upstream_cx_destroy_local.value++;
    else stats.upstream_cx_destroy_remote.value++;
    this.closeActive(error);
    this.pool.gone(this);
  }

  private connectFailure(error: Error | undefined): UpstreamFailure {
    if (this.timedOut) return TIMED_OUT;
    if (this.poisoned) return SPOKE_FIRST;
    return this.connected ? CLOSED_EARLY : connectFailure(error);
  }

  private closeActive(error: Error | undefined): void {
    const { stats } = this.pool.context;
    if (!this.active) return;
    stats.upstream_cx_destroy_with_active_rq.value++;
    if (this.closedByUs) stats.upstream_cx_destroy_local_with_active_rq.value++;
    else stats.upstream_cx_destroy_remote_with_active_rq.value++;
    this.release();
    const reason: ResetReason = 'connection termination';
    this.codec.disconnected(reason, undefined, error === undefined);
  }
}

function settle(connection: PooledConnection): void {
  setImmediate(settledNow, connection);
}
function settledNow(connection: PooledConnection): void {
  connection.settled();
}
