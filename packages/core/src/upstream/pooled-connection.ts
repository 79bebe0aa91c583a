/** One HTTP/1 connection to a host. Its pool hands it requests, one at a time, and hears when it is free or gone. */
import type { ResetReason, UpstreamFailure } from '../api/codec.ts';
import type { UpstreamRequest } from '../api/upstream.ts';
import { type ClientCodecHandler, Http1ClientCodec } from '../http1/client-codec.ts';
import { Connection, type ConnectionHandler } from '../net/connection.ts';
import { connectFailure } from '../net/failure-text.ts';
import { TimerEntry } from '../runtime/timer-wheel.ts';
import type { Http1Pool } from './pool-http1.ts';
import { CLOSED_EARLY, SPOKE_FIRST, TIMED_OUT } from './unsent.ts';

/** One connection of a pool, through its life: connecting → settling → idle ⇄ busy → closed. */
export class PooledConnection extends TimerEntry implements ConnectionHandler, ClientCodecHandler {
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
    this.codec = new Http1ClientCodec(
      this.connection,
      settings.responseLimits,
      settings.enableTrailers,
      this,
      settings.http1,
    );
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
    if (this.closedHere) stats.upstream_cx_destroy_local.value++;
    else stats.upstream_cx_destroy_remote.value++;
    this.closeActive(error);
    this.pool.gone(this);
  }

  private connectFailure(error: Error | undefined): UpstreamFailure {
    if (this.timedOut) return TIMED_OUT;
    if (this.poisoned) return SPOKE_FIRST;
    return this.connected ? CLOSED_EARLY : connectFailure(error);
  }

  private get closedHere(): boolean {
    return this.closedByUs || this.codec.gaveUp;
  }

  private closeActive(error: Error | undefined): void {
    const { stats } = this.pool.context;
    if (!this.active) return;
    stats.upstream_cx_destroy_with_active_rq.value++;
    if (this.closedHere) stats.upstream_cx_destroy_local_with_active_rq.value++;
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
