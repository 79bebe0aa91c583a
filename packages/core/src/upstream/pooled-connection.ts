/** One HTTP/1 connection to a host. Its pool hands it requests, one at a time, and hears when it is free or gone. */
import type { TimerHandle } from '../api/clock.ts';
import type { UpstreamRequest } from '../api/upstream.ts';
import { Http1ClientCodec } from '../http1/client-codec.ts';
import type { ClientCodecHandler } from '../http1/handlers.ts';
import type { Connection } from '../net/connection.ts';
import { HostConnection } from './host-connection.ts';
import type { Http1Pool } from './pool-http1.ts';
import { SPOKE_FIRST } from './unsent.ts';

/** One connection of a pool, through its life: connecting → settling → idle ⇄ busy → closed. */
export class PooledConnection extends HostConnection implements ClientCodecHandler {
  private readonly pool: Http1Pool;
  private codec: Http1ClientCodec;
  private sink: UpstreamRequest | undefined = undefined;
  private ownSettled = false;
  private poisoned = false;
  private active = false;
  /** It has been idle, used before or not: the peer may have given it up since. */
  private pooled = false;
  private idleSinceMs = 0;
  /** Has lived as long as it may: takes no more requests. */
  private old = false;
  private durationLimit: TimerHandle | undefined = undefined;

  /** With `made` it carries on a connection that was made for another protocol. */
  constructor(pool: Http1Pool, made?: HostConnection) {
    super(pool.host, pool.context, pool.choice, made);
    this.pool = pool;
    const { stats } = pool.context;
    if (pool.finder === undefined) {
      stats.upstream_cx_http1_total.value++;
      pool.context.http1Stats();
    }
    this.codec = this.newCodec();
  }

  private newCodec(): Http1ClientCodec {
    const { responseLimits, enableTrailers, http1 } = this.context.settings;
    return new Http1ClientCodec(this.connection, responseLimits, enableTrailers, this, http1);
  }

  protected override replaced(connection: Connection): void {
    super.replaced(connection);
    this.codec = this.newCodec();
  }

  /** An idle connection that the peer has not touched. */
  get usable(): boolean {
    return !this.connection.closed && !this.connection.peerEnded && !this.codec.busy && this.connected;
  }

  protected established(): void {
    if (this.pool.finder !== undefined && this.alpn === 'h2') this.pool.handOver(this);
    else this.settleSoon();
  }

  /** @internal */
  settleSoon(): void {
    const { context, finder } = this.pool;
    if (finder !== undefined) {
      context.stats.upstream_cx_http1_total.value++;
      context.http1Stats();
      finder.confirm('http1');
    }
    // A peer that speaks before it was asked would poison the first response: let one whole poll pass before use.
    setImmediate(settle, this);
  }

  /** @internal */
  settled(): void {
    if (this.connection.closed || this.poisoned || this.closedByUs) return;
    this.ownSettled = true;
    if (this.durationMs > 0) this.durationLimit = this.context.wheel.after(this.durationMs, () => this.tooOld());
    this.pool.ready(this, true);
  }

  serve(request: UpstreamRequest): void {
    this.active = true;
    this.countBegin();
    this.sink = request;
    const reused = this.pooled || this.codec.requests > 0;
    this.codec.attach(request, reused);
    request.onReady(this.codec, this.host, reused);
  }

  private tooOld(): void {
    this.context.stats.upstream_cx_max_duration_reached.value++;
    this.old = true;
    if (!this.active) this.close();
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
      this.connectTimedOut();
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

  // ClientCodecHandler

  onExchangeEnd(reusable: boolean): void {
    const { settings, stats } = this.pool.context;
    this.release();
    const spent = settings.maxRequestsPerConnection > 0 && this.codec.requests >= settings.maxRequestsPerConnection;
    if (spent) stats.upstream_cx_max_requests.value++;
    if (!reusable || spent || this.old || this.connection.peerEnded) this.close();
    else this.pool.ready(this, false);
  }

  onProtocolError(): void {
    this.poisoned = true;
    this.pool.context.stats.upstream_cx_protocol_error.value++;
    this.close();
  }

  private release(): void {
    if (!this.active) return;
    this.active = false;
    this.sink = undefined;
    this.countRequestEnd();
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
    this.countCut();
    this.codec.disconnected('connection termination', undefined, true);
    this.connection.destroy();
  }

  /** As in Envoy, a response that its host has cut short breaks the protocol. */
  private countCut(): void {
    if (!this.closedByUs && this.codec.midResponse) this.pool.context.stats.upstream_cx_protocol_error.value++;
  }

  onWritable(): void {
    this.sink?.onWritable();
  }

  onClose(error: Error | undefined): void {
    this.durationLimit?.cancel();
    this.countEnd(this.codec.requests);
    if (!this.ownSettled) {
      this.countSide(this.closedByUs, false);
      this.pool.connectFailed(this, this.poisoned ? SPOKE_FIRST : this.connectFailure(error));
      return;
    }
    this.countSide(this.closedByUs || this.codec.gaveUp, this.active);
    if (this.active) {
      this.countCut();
      this.release();
      this.codec.disconnected('connection termination', undefined, error === undefined);
    }
    this.pool.gone(this);
  }
}

function settle(connection: PooledConnection): void {
  setImmediate(settledNow, connection);
}
function settledNow(connection: PooledConnection): void {
  connection.settled();
}
