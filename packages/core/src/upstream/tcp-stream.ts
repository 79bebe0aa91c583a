/**
 * A request whose payload goes to a host as it is, without HTTP around it: a CONNECT that ends here (Envoy
 * `connect_config`). Looks like any upstream stream: a 200 stands for the connection that was made, its body is what the
 * host sends. Invariants: one connection per request; `onReady` or `onFailure` exactly once, unless cancelled.
 */
import type { RequestWriter, ResetReason, UpstreamFailure } from '../api/codec.ts';
import type { Headers, RequestHeaders } from '../api/headers.ts';
import type { UpstreamRequest, UpstreamTicket } from '../api/upstream.ts';
import { ResponseHead } from '../headers/header-map.ts';
import type { Connection, ConnectionHandler } from '../net/connection.ts';
import { connectFailure } from '../net/failure-text.ts';
import { TimerEntry } from '../runtime/timer-wheel.ts';
import type { UpstreamHost } from './host.ts';
import { connectTo } from './host-connection.ts';
import type { PoolContext } from './pool.ts';

const EMPTY = Buffer.alloc(0);

export class TcpStream extends TimerEntry implements RequestWriter, ConnectionHandler, UpstreamTicket {
  private readonly host: UpstreamHost;
  private readonly context: PoolContext;
  private readonly onGone: (stream: TcpStream) => void;
  private readonly startMs: number;
  /** `undefined` once the request has been told its end, or was given up. */
  private sink: UpstreamRequest | undefined;
  private readonly connection: Connection;
  private connected = false;
  private timedOut = false;
  private closedHere = false;
  private pauses = 0;

  constructor(host: UpstreamHost, context: PoolContext, request: UpstreamRequest, onGone: (stream: TcpStream) => void) {
    super();
    this.host = host;
    this.context = context;
    this.sink = request;
    this.onGone = onGone;
    const { breaker, settings, stats, wheel } = context;
    this.startMs = wheel.nowMs();
    breaker.addConnection();
    breaker.addPending();
    host.stats.cxTotal++;
    host.stats.cxActive++;
    stats.upstream_cx_total.value++;
    stats.upstream_cx_active.inc();
    stats.upstream_rq_pending_total.value++;
    stats.upstream_rq_pending_active.inc();
    this.connection = connectTo(host, context, this, () => this.onConnect(), request.transport);
    wheel.arm(this, settings.connectTimeoutMs);
  }

  private onConnect(): void {
    const { breaker, stats, wheel } = this.context;
    this.disarm();
    this.connected = true;
    this.leaveQueue();
    breaker.addRequest();
    this.host.stats.rqTotal++;
    this.host.stats.rqActive++;
    stats.upstream_rq_total.value++;
    stats.upstream_rq_active.inc();
    stats.upstream_cx_connect_ms.record(wheel.nowMs() - this.startMs);
    const outermost = wheel.beginTurn();
    this.sink?.onReady(this, this.host, false);
    if (outermost) wheel.endTurn();
  }

  private leaveQueue(): void {
    this.context.breaker.removePending();
    this.context.stats.upstream_rq_pending_active.dec();
  }

  /** The connect timeout. */
  onDue(): void {
    this.timedOut = true;
    this.context.stats.upstream_cx_connect_timeout.value++;
    this.connection.destroy();
  }

  cancel(): void {
    this.context.stats.upstream_rq_cancelled.value++;
    this.close();
  }

  /** Ends it at once; nothing more is reported. */
  close(): void {
    this.sink = undefined;
    this.closedHere = true;
    this.connection.destroy();
  }

  // RequestWriter

  /** Nothing of the head goes to the host. The answer is there as soon as the caller has finished writing. */
  writeHead(_head: RequestHeaders, end: boolean): void {
    queueMicrotask(() => this.answer());
    if (end) this.connection.end();
  }

  private answer(): void {
    const { sink } = this;
    if (sink === undefined) return;
    const { wheel } = this.context;
    const outermost = wheel.beginTurn();
    sink.onHead(new ResponseHead(), false);
    if (this.sink === sink) sink.onBatchEnd();
    if (outermost) wheel.endTurn();
  }

  writeData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    this.connection.addBytes(chunk, owned);
    if (end) this.connection.end();
  }

  writeTrailers(_trailers: Headers): void {
    this.connection.end();
  }

  flush(): boolean {
    return this.connection.flush();
  }

  reset(): void {
    this.close();
  }

  pauseResponse(): void {
    this.pauses++;
    this.connection.pauseReading();
  }

  resumeResponse(): void {
    if (this.pauses === 0) return;
    this.pauses--;
    this.connection.resumeReading();
  }

  // ConnectionHandler

  onBytes(chunk: Buffer, owned: boolean): void {
    const { sink } = this;
    if (sink === undefined) return;
    const { wheel } = this.context;
    const outermost = wheel.beginTurn();
    sink.onData(chunk, false, owned);
    if (this.sink === sink) sink.onBatchEnd();
    if (outermost) wheel.endTurn();
  }

  /** The host has sent everything; as with Envoy that ends both directions. */
  onEnd(): void {
    const { sink } = this;
    this.sink = undefined;
    if (sink !== undefined) {
      sink.onData(EMPTY, true, true);
      sink.onBatchEnd();
    }
    this.connection.end();
    this.connection.destroy();
  }

  onWritable(): void {
    this.sink?.onWritable();
  }

  onClose(error: Error | undefined): void {
    this.disarm();
    const { sink } = this;
    this.sink = undefined;
    this.count();
    this.onGone(this);
    if (!this.connected) {
      this.leaveQueue();
      if (sink !== undefined) this.context.stats.upstream_rq_pending_failure_eject.value++;
      sink?.onFailure(this.timedOut ? failure('connection timeout', false) : connectFailure(error), this.host);
      return;
    }
    this.host.stats.rqActive--;
    this.context.breaker.removeRequest();
    this.context.stats.upstream_rq_active.dec();
    sink?.onReset(failure('connection termination', true));
  }

  private count(): void {
    const { host, startMs } = this;
    const { breaker, stats, wheel } = this.context;
    breaker.removeConnection();
    host.stats.cxActive--;
    stats.upstream_cx_active.dec();
    stats.upstream_cx_rx_bytes_total.value += this.connection.bytesRead;
    stats.upstream_cx_tx_bytes_total.value += this.connection.bytesWritten;
    stats.upstream_cx_length_ms.record(wheel.nowMs() - startMs);
    stats.upstream_cx_destroy.value++;
    if (!this.connected) {
      if (this.closedHere) return;
      host.stats.cxConnectFail++;
      stats.upstream_cx_connect_fail.value++;
    } else if (this.closedHere) stats.upstream_cx_destroy_local.value++;
    else stats.upstream_cx_destroy_remote.value++;
  }
}

function failure(reason: ResetReason, sent: boolean): UpstreamFailure {
  return { reason, detail: undefined, reused: false, responseStarted: sent, requestSent: sent };
}
