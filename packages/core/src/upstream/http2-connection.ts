/** One HTTP/2 connection to a host. Its pool hands it requests while there is room, and hears when there is, or when it is gone. */

import type { TimerHandle } from '../api/clock.ts';
import type { ResetReason } from '../api/codec.ts';
import type { UpstreamRequest } from '../api/upstream.ts';
import { Http2ClientCodec } from '../http2/client-codec.ts';
import type { Http2ClientHandler, Http2ConnectionError } from '../http2/handlers.ts';
import { HostConnection } from './host-connection.ts';
import type { Http2Pool } from './pool-http2.ts';

/** Details of a connection whose host does not answer PINGs: it is dead rather than wrong. */
const PING_TIMEOUT = 'http2.ping_timeout';

/** Through its life: connecting → waiting for the first SETTINGS, if the host's are not known → open → retired → closed. */
export class Http2Connection extends HostConnection implements Http2ClientHandler {
  /** In the pool's list of those with room. */
  listed = false;
  /** Requests under way. */
  streams = 0;
  /** What the pool has reckoned with when it was made. */
  readonly expectedStreams: number;
  private readonly pool: Http2Pool;
  /** There once the connection is. */
  private codec: Http2ClientCodec | undefined = undefined;
  private requests = 0;
  /** The pool may use all of it. */
  open = false;
  /** Requests at a time: what the host has told, be it on an earlier connection. */
  private limit = 0;
  /** The host's SETTINGS have come. */
  private told = false;
  /** Takes no more requests; closes with the last one. */
  private retired = false;
  /** It has been idle, used before or not: the peer may have given it up since. */
  private pooled = false;
  private idleSinceMs = 0;
  private durationLimit: TimerHandle | undefined = undefined;

  /** With `made` it carries on a connection that was made for another protocol: call `begin`. */
  constructor(pool: Http2Pool, made: HostConnection | undefined) {
    super(pool.host, pool.context, pool.choice, made);
    this.pool = pool;
    this.expectedStreams = pool.expectedStreams;
    if (pool.finder === undefined) pool.context.stats.upstream_cx_http2_total.value++;
  }

  /** It takes another request. */
  get hasRoom(): boolean {
    const { codec, connection } = this;
    if (codec === undefined || !this.open || this.retired || connection.closed || connection.peerEnded) return false;
    return codec.accepting && this.streams < this.limit;
  }

  /** Requests that it would take now. */
  get room(): number {
    return this.hasRoom ? this.limit - this.streams : 0;
  }

  protected established(): void {
    if (this.pool.finder !== undefined && this.alpn !== 'h2') this.pool.handOver(this);
    else this.begin();
  }

  /** @internal The protocol is agreed on. */
  begin(): void {
    const { context, finder, options } = this.pool;
    const { settings, stats, wheel } = context;
    if (finder !== undefined) {
      stats.upstream_cx_http2_total.value++;
      finder.confirm('http2');
    }
    if (this.durationMs > 0) this.durationLimit = wheel.after(this.durationMs, () => this.tooOld());
    this.codec = new Http2ClientCodec(this.connection, options, wheel, context.http2Stats(), this, context.random);
    const outermost = wheel.beginTurn();
    this.codec.begin();
    this.connection.flush();
    this.limit = this.pool.hostAllows;
    if (this.limit > 0) this.becomeOpen();
    else {
      wheel.arm(this, settings.connectTimeoutMs);
      this.pool.goAhead(this);
    }
    if (outermost) wheel.endTurn();
  }

  private becomeOpen(): void {
    this.open = true;
    this.disarm();
    this.pool.ready(this);
    if (this.streams === 0) this.becameIdle();
  }

  serve(request: UpstreamRequest): void {
    const { maxRequestsPerConnection } = this.context.settings;
    const reused = this.pooled || this.requests > 0;
    this.streams++;
    this.requests++;
    if (this.requests === maxRequestsPerConnection) {
      this.context.stats.upstream_cx_max_requests.value++;
      this.retired = true;
    }
    this.countBegin();
    request.onReady((this.codec as Http2ClientCodec).open(request, reused), this.host, reused, true);
  }

  private becameIdle(): void {
    const { settings, wheel } = this.context;
    this.pooled = true;
    this.idleSinceMs = wheel.nowMs();
    if (settings.idleTimeoutMs > 0 && !this.armed) wheel.arm(this, settings.idleTimeoutMs);
  }

  /** The deadline of the state it is in: connecting, waiting for SETTINGS, or idle. */
  onDue(): void {
    const { settings, stats, wheel } = this.context;
    if (!this.connected) {
      this.connectTimedOut();
      return;
    }
    if (!this.open) {
      this.settingsOverdue();
      return;
    }
    const left = this.streams > 0 ? settings.idleTimeoutMs : this.idleSinceMs + settings.idleTimeoutMs - wheel.nowMs();
    if (left > 0) {
      wheel.arm(this, left);
      return;
    }
    stats.upstream_cx_idle_timeout.value++;
    this.close();
  }

  /** Whatever it is that answers so late: its requests have their own limits. A host that allows nothing is of no use. */
  private settingsOverdue(): void {
    this.limit = this.codec?.maxStreams ?? 0;
    if (this.limit > 0) this.becomeOpen();
    else if (this.streams > 0) this.context.wheel.arm(this, this.context.settings.connectTimeoutMs);
    else this.connectTimedOut();
  }

  private tooOld(): void {
    this.context.stats.upstream_cx_max_duration_reached.value++;
    this.retire();
  }

  /** Takes no more requests, and closes with the last one. */
  retire(): void {
    this.retired = true;
    if (this.streams === 0) this.close();
  }

  // Http2ClientHandler

  onSettings(): void {
    const { codec, pool } = this;
    if (codec === undefined || this.connection.closed) return;
    this.told = true;
    this.limit = codec.maxStreams;
    pool.hostAllows = this.limit;
    if (this.open) pool.roomMade(this);
    // None allowed for now: as long as it may take to connect, those who wait go on to wait for this one.
    else if (this.limit > 0) this.becomeOpen();
  }

  onGoAway(): void {
    this.context.stats.upstream_cx_close_notify.value++;
    this.retire();
  }

  onStreamEnd(reset?: ResetReason): void {
    this.streams--;
    this.countRequestEnd();
    if (reset !== undefined) this.countReset(reset);
    if (this.connection.closed) return;
    if (this.open) this.pool.roomMade(this);
    if (this.streams > 0) return;
    // A host that allows nothing any more is of no use.
    if (this.retired || (this.told && this.limit === 0)) this.close();
    else this.becameIdle();
  }

  /** Its host has allowed no request in all the time that it had. */
  private get neverAllowed(): boolean {
    return !this.open && this.closedByUs && this.requests === 0;
  }

  private countReset(reset: ResetReason): void {
    const { stats } = this.context;
    if (reset === 'connection termination') stats.upstream_rq_pending_failure_eject.value++;
    else if (reset === 'local reset' || reset === 'protocol error') stats.upstream_rq_tx_reset.value++;
    else if (reset === 'remote reset') stats.upstream_rq_rx_reset.value++;
  }

  onConnectionError({ details }: Http2ConnectionError): void {
    if (details !== PING_TIMEOUT) this.context.stats.upstream_cx_protocol_error.value++;
    this.retired = true;
    this.closedByUs = true;
    this.connection.finish();
  }

  // ConnectionHandler

  onBytes(chunk: Buffer, owned: boolean): void {
    const { wheel } = this.context;
    const outermost = wheel.beginTurn();
    try {
      this.codec?.feed(chunk, owned);
    } finally {
      if (outermost) wheel.endTurn();
    }
  }

  /** An upstream that half-closes will not answer any more. */
  onEnd(): void {
    this.connection.destroy();
  }

  onWritable(): void {
    this.codec?.onWritable();
  }

  onClose(error: Error | undefined): void {
    const { codec, pool } = this;
    this.countEnd(this.requests);
    this.durationLimit?.cancel();
    this.countSide(this.closedByUs, this.streams > 0);
    if (codec === undefined || this.neverAllowed) {
      pool.connectFailed(this, this.connectFailure(error));
      return;
    }
    codec.closed('connection termination', undefined);
    pool.gone(this, this.open);
  }
}
