/**
 * One downstream connection under an HTTP connection manager: codec, current stream, and the connection's deadlines.
 * Invariants: `close` leaves an answered client time to read; the deadlines of all states share one timer entry.
 */
import type { RequestSink } from '../api/codec.ts';
import type { StreamConnection } from '../api/http-stream.ts';
import { ResponseHead } from '../headers/header-map.ts';
import type { ProtocolError } from '../http1/protocol-error.ts';
import { reasonPhrase } from '../http1/serializer.ts';
import { Http1ServerCodec, type ServerCodecHandler } from '../http1/server-codec.ts';
import type { Connection, ConnectionHandler } from '../net/connection.ts';
import type { Peer } from '../net/peer.ts';
import { TimerEntry } from '../runtime/timer-wheel.ts';
import { httpDate } from './date.ts';
import type { HttpManager } from './manager.ts';
import { Stream } from './stream.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class HttpConnection extends TimerEntry implements ConnectionHandler, ServerCodecHandler, StreamConnection {
  readonly id: number;
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
  readonly secure = false;
  private readonly manager: HttpManager;
  private readonly connection: Connection;
  private readonly codec: Http1ServerCodec;
  private readonly startMs: number;
  private stream: Stream | undefined = undefined;
  private lastActiveMs: number;
  private requests = 0;
  private headDueMs = NEVER;
  private closeDueMs = NEVER;
  private closing = false;
  /** It has lived as long as it may. */
  private aged = false;
  private peerEnded = false;

  constructor(manager: HttpManager, connection: Connection, peer: Peer) {
    super();
    this.manager = manager;
    this.connection = connection;
    this.id = connection.id;
    this.remoteIp = peer.remoteIp;
    this.remotePort = peer.remotePort;
    this.localIp = peer.localIp;
    this.localPort = peer.localPort;
    this.codec = new Http1ServerCodec(connection, manager.settings.http1, this);
    this.startMs = manager.wheel.nowMs();
    this.lastActiveMs = this.startMs;
    const { stats } = manager;
    stats.downstream_cx_total.value++;
    stats.downstream_cx_http1_total.value++;
    stats.downstream_cx_active.inc();
    stats.downstream_cx_http1_active.inc();
    manager.connections.add(this);
    this.armDeadline();
  }

  // ConnectionHandler

  onBytes(chunk: Buffer, owned: boolean): void {
    if (this.closing) return;
    const { wheel } = this.manager;
    const outermost = wheel.beginTurn();
    try {
      this.codec.feed(chunk, owned);
    } finally {
      if (outermost) wheel.endTurn();
    }
  }

  onEnd(): void {
    this.peerEnded = true;
    if (this.closing) this.connection.destroy();
    // Requests that were pipelined before the FIN are still answered.
    else if (!this.codec.hasStash) this.finishAfterEnd();
  }

  /** The client has sent FIN, and all that it sent has been taken up. */
  private finishAfterEnd(): void {
    const { stream } = this;
    if (stream === undefined) {
      this.connection.end();
      return;
    }
    // RFC 9112 9.6: a client may close its sending side and still read the answer.
    if (stream.requestComplete) this.codec.closeAfterResponse();
    else {
      stream.onReset('connection termination');
      this.connection.destroy();
    }
  }

  onWritable(): void {
    this.stream?.onWritable();
    this.codec.resumeStash();
  }

  onClose(error: Error | undefined): void {
    this.disarm();
    const { stats, wheel } = this.manager;
    const local = this.closing && error === undefined;
    stats.downstream_cx_destroy.value++;
    if (local) stats.downstream_cx_destroy_local.value++;
    else stats.downstream_cx_destroy_remote.value++;
    const stream = this.stream;
    if (stream !== undefined) {
      stats.downstream_cx_destroy_active_rq.value++;
      if (local) stats.downstream_cx_destroy_local_active_rq.value++;
      else stats.downstream_cx_destroy_remote_active_rq.value++;
      this.stream = undefined;
      this.codec.kill();
      stream.onReset('connection termination');
    }
    stats.downstream_cx_active.dec();
    stats.downstream_cx_http1_active.dec();
    stats.downstream_cx_rx_bytes_total.value += this.connection.bytesRead;
    stats.downstream_cx_tx_bytes_total.value += this.connection.bytesWritten;
    stats.downstream_cx_length_ms.record(Math.round(wheel.nowMs() - this.startMs));
    this.manager.connections.delete(this);
  }

  // ServerCodecHandler

  /** A head that stays unfinished is a stream that is idle, whether or not heads have a timeout of their own. */
  onHeadStarted(): void {
    const { requestHeadersTimeoutMs, streamIdleTimeoutMs } = this.manager.settings;
    const timeoutMs = Math.min(requestHeadersTimeoutMs || NEVER, streamIdleTimeoutMs || NEVER);
    if (timeoutMs === NEVER) return;
    this.headDueMs = this.manager.wheel.nowMs() + timeoutMs;
    this.armDeadline();
  }

  newStream(): RequestSink {
    const { settings, stats } = this.manager;
    this.headDueMs = NEVER;
    stats.downstream_rq_total.value++;
    stats.downstream_rq_http1_total.value++;
    stats.downstream_rq_active.value++;
    this.requests++;
    const stream = new Stream(this.manager, this, this.codec);
    this.stream = stream;
    if (settings.maxRequestsPerConnection > 0 && this.requests >= settings.maxRequestsPerConnection) {
      if (this.requests === settings.maxRequestsPerConnection) stats.downstream_cx_max_requests_reached.value++;
      this.codec.closeAfterResponse();
    }
    return stream;
  }

  onProtocolError(error: ProtocolError, sink: RequestSink | undefined): void {
    const { stats } = this.manager;
    stats.downstream_cx_protocol_error.value++;
    if (sink !== undefined) {
      (sink as Stream).protocolError(error.status, reasonPhrase(error.status), error.details);
      return;
    }
    stats.downstream_rq_total.value++;
    stats.downstream_rq_http1_total.value++;
    this.refuse(error.status, error.details === 'missing_host_header' ? '' : reasonPhrase(error.status));
  }

  /** An answer to what never became a request. */
  private refuse(status: number, text: string): void {
    const { settings, wheel } = this.manager;
    const head = new ResponseHead();
    head.status = status;
    const body = Buffer.from(text);
    if (body.length > 0) head.fields.push('content-length', String(body.length), 'content-type', 'text/plain');
    head.fields.push('date', httpDate(wheel.clock.wallMs()));
    if (settings.serverHeaderTransformation !== 'PASS_THROUGH') head.fields.push('server', settings.serverName);
    this.manager.chargeStatus(status);
    this.codec.closeAfterResponse();
    this.codec.writeHead(head, body.length === 0);
    if (body.length > 0) this.codec.writeData(body, true, true);
  }

  onExchangeEnd(closing: boolean): void {
    this.stream = undefined;
    this.lastActiveMs = this.manager.wheel.nowMs();
    if (closing) this.close();
    else if (this.peerEnded) queueMicrotask(() => this.afterStash());
  }

  /** The codec has taken up the next of the requests that came before the client's FIN, if there was one. */
  private afterStash(): void {
    if (!this.closing && !this.connection.closed && !this.codec.hasStash) this.finishAfterEnd();
  }

  // Closing

  /** Sends FIN behind the answer and gives the peer a moment to read it before the socket goes away. */
  private close(): void {
    if (this.closing) return;
    this.closing = true;
    const { settings, wheel } = this.manager;
    this.connection.end();
    if (this.peerEnded) return;
    if (settings.delayedCloseTimeoutMs === 0) {
      this.connection.socket.destroySoon();
      return;
    }
    this.closeDueMs = wheel.nowMs() + settings.delayedCloseTimeoutMs;
    this.armDeadline();
  }

  /** Idle, with nothing of a next request read: closing it now loses nothing that this side knows of. */
  get idle(): boolean {
    return this.stream === undefined && this.codec.idle;
  }

  /** How long the connection has been idle; 0 while it works. */
  idleForMs(now: number): number {
    return this.idle ? now - this.lastActiveMs : 0;
  }

  /** Ends the connection: at once when `now`, else after the answer under way. */
  shutdown(now: boolean): void {
    if (now) {
      this.closing = true;
      this.connection.destroy();
    } else if (this.idle) this.close();
    else this.codec.closeAfterResponse();
  }

  // Deadlines

  private armDeadline(): void {
    const { settings, wheel } = this.manager;
    let due = this.closeDueMs;
    if (!this.closing) {
      due = Math.min(due, this.headDueMs);
      if (settings.idleTimeoutMs > 0) due = Math.min(due, this.lastActiveMs + settings.idleTimeoutMs);
      if (settings.maxConnectionDurationMs > 0 && !this.aged) {
        due = Math.min(due, this.startMs + settings.maxConnectionDurationMs);
      }
    }
    if (due === NEVER) this.disarm();
    else wheel.armAt(this, due);
  }

  private headExpired(): void {
    const { settings, stats } = this.manager;
    const { requestHeadersTimeoutMs, streamIdleTimeoutMs } = settings;
    const idle = streamIdleTimeoutMs > 0 && streamIdleTimeoutMs < (requestHeadersTimeoutMs || NEVER);
    if (idle) stats.downstream_rq_idle_timeout.value++;
    else stats.downstream_rq_header_timeout.value++;
    this.headDueMs = NEVER;
    this.codec.kill();
    this.refuse(408, idle ? 'stream timeout' : 'request header timeout');
    // No exchange was open that could end and close the connection.
    this.close();
  }

  onDue(): void {
    const { settings, stats, wheel } = this.manager;
    const now = wheel.nowMs();
    if (now >= this.closeDueMs) {
      stats.downstream_cx_delayed_close_timeout.value++;
      this.connection.destroy();
      return;
    }
    // Only the delayed close is left to wait for.
    if (this.closing) {
      this.armDeadline();
      return;
    }
    if (now >= this.headDueMs) {
      this.headExpired();
      return;
    }
    if (this.stream !== undefined) this.lastActiveMs = now;
    if (settings.idleTimeoutMs > 0 && now >= this.lastActiveMs + settings.idleTimeoutMs) {
      stats.downstream_cx_idle_timeout.value++;
      this.close();
      return;
    }
    const { maxConnectionDurationMs } = settings;
    if (maxConnectionDurationMs > 0 && !this.aged && now >= this.startMs + maxConnectionDurationMs) {
      this.aged = true;
      stats.downstream_cx_max_duration_reached.value++;
      this.shutdown(false);
    }
    if (!this.closing) this.armDeadline();
  }
}
