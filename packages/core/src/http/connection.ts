/**
 * One downstream connection under an HTTP connection manager: codec, current stream, and the connection's deadlines.
 * Invariants: `close` leaves an answered client time to read; the deadlines of all states share one timer entry.
 */
import type { RequestSink } from '../api/codec.ts';
import { ResponseFlag } from '../errors.ts';
import { RequestHead } from '../headers/header-map.ts';
import { type ProtocolError, ProtocolErrors } from '../http1/protocol-error.ts';
import { reasonPhrase } from '../http1/serializer.ts';
import { Http1ServerCodec, type ServerCodecHandler } from '../http1/server-codec.ts';
import type { Connection, ConnectionHandler } from '../net/connection.ts';
import type { Peer } from '../net/peer.ts';
import { TimerEntry } from '../runtime/timer-wheel.ts';
import type { Http1CodecStats } from '../stats/index.ts';
import { httpDate } from './date.ts';
import { type LocalReply, mappedReply, replyBody, replyHead } from './local-reply.ts';
import type { HttpManager } from './manager.ts';
import { Stream, type StreamOwner } from './stream.ts';
import { StreamWatch } from './stream-watch.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class HttpConnection extends TimerEntry implements ConnectionHandler, ServerCodecHandler, StreamOwner {
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
  private readonly http1: Http1CodecStats;
  readonly watch: StreamWatch;
  private stream: Stream | undefined = undefined;
  private lastActiveMs: number;
  private requests = 0;
  private headDueMs = NEVER;
  private closeDueMs = NEVER;
  private closing = false;
  /** It has lived as long as it may. */
  private aged = false;
  /** The next response is the last one; an idle connection is closed at `drainDueMs`. */
  private draining = false;
  private drainDueMs = NEVER;
  private readonly maxDurationMs: number;
  /** The client leaves a whole response unread; given up at this time unless it reads on. */
  private flushDueMs = NEVER;
  private flushTimeoutMs = 0;
  private flushedBytes = 0;
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
    this.maxDurationMs = maxDuration(manager);
    const { stats } = manager;
    stats.downstream_cx_total.value++;
    stats.downstream_cx_http1_total.value++;
    stats.downstream_cx_active.inc();
    stats.downstream_cx_http1_active.inc();
    manager.connections.add(this);
    this.http1 = manager.http1;
    this.watch = new StreamWatch(manager.wheel);
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
    this.flushDueMs = NEVER;
    this.stream?.onWritable();
    this.codec.resumeStash();
  }

  onClose(error: Error | undefined): void {
    this.disarm();
    this.watch.stop();
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
    this.headDueMs = NEVER;
    const dropped = this.codec.droppedFields;
    if (dropped > 0) this.http1.dropped_headers_with_underscores.value += dropped;
    return this.addStream(undefined);
  }

  nextRun(previous: Stream): Stream {
    const stream = this.addStream(previous);
    this.codec.handOver(stream);
    return stream;
  }

  private addStream(previous: Stream | undefined): Stream {
    const { settings, stats } = this.manager;
    this.requests++;
    const stream = this.manager.countStream(new Stream(this.manager, this, this.codec, previous));
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
    if (error === ProtocolErrors.underscore) this.http1.requests_rejected_with_underscores_in_headers.value++;
    if (sink !== undefined) {
      (sink as Stream).protocolError(error.status, reasonPhrase(error.status), error.details);
      return;
    }
    stats.downstream_rq_total.value++;
    stats.downstream_rq_http1_total.value++;
    this.refuse(error.status, reasonPhrase(error.status), error.details, 0);
  }

  /** An answer to what never became a request. */
  private refuse(status: number, text: string, details: string, flag: number): void {
    const { head, body } = this.refusal(status, text, details, flag);
    const { settings, wheel } = this.manager;
    head.fields.push('date', httpDate(wheel.clock.wallMs()));
    if (settings.serverHeaderTransformation !== 'PASS_THROUGH') head.fields.push('server', settings.serverName);
    this.manager.chargeStatus(head.status);
    this.codec.closeAfterResponse();
    this.codec.writeHead(head, body === undefined);
    if (body !== undefined) this.codec.writeData(body, true, true);
  }

  private refusal(status: number, text: string, details: string, flag: number): LocalReply {
    const { localReply } = this.manager.settings;
    const body = replyBody(text);
    if (localReply === undefined) return { head: replyHead(status, body), body };
    // What the mapper looks at is an exchange; this one has no request that could be told of, and no filter sees it.
    const stream = new Stream(this.manager, this, this.codec);
    stream.requestHeaders = new RequestHead();
    stream.requestHeaders.rawPath = '';
    stream.requestHeaders.rawMethod = '';
    stream.details = details;
    stream.flags = flag;
    return mappedReply(localReply, stream, status, body);
  }

  onExchangeEnd(closing: boolean): void {
    if (this.connection.backedUp && !closing) this.awaitFlush();
    this.stream = undefined;
    this.lastActiveMs = this.manager.wheel.nowMs();
    if (closing) this.close();
    else if (this.peerEnded) queueMicrotask(() => this.afterStash());
  }

  /** The response is whole, but the client has not read it. */
  private awaitFlush(): void {
    const own = this.stream?.flushTimeoutMs ?? -1;
    this.flushTimeoutMs = own >= 0 ? own : this.manager.settings.streamFlushTimeoutMs;
    if (this.flushTimeoutMs === 0) return;
    this.flushedBytes = this.sentBytes;
    this.flushDueMs = this.manager.wheel.nowMs() + this.flushTimeoutMs;
    this.armDeadline();
  }

  /** Bytes that the kernel has taken. */
  private get sentBytes(): number {
    return this.connection.bytesWritten - this.connection.socket.writableLength;
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

  /** HTTP/1 has no way to tell a client that the connection ends but the next response, for which there is some time. */
  private drain(): void {
    if (this.requests === 0) {
      this.close();
      return;
    }
    if (this.draining) return;
    this.draining = true;
    this.codec.closeAfterResponse();
    this.drainDueMs = this.manager.wheel.nowMs() + this.manager.settings.drainTimeoutMs;
  }

  // Deadlines

  private armDeadline(): void {
    const { settings, wheel } = this.manager;
    let due = this.closeDueMs;
    if (!this.closing) {
      due = Math.min(due, this.headDueMs, this.flushDueMs, this.drainDueMs);
      if (settings.idleTimeoutMs > 0 && !this.draining) due = Math.min(due, this.lastActiveMs + settings.idleTimeoutMs);
      if (this.maxDurationMs > 0 && !this.aged) due = Math.min(due, this.startMs + this.maxDurationMs);
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
    if (idle) this.refuse(408, 'stream timeout', 'stream_idle_timeout', ResponseFlag.SI);
    else this.refuse(408, 'request header timeout', 'request_header_timeout', 0);
    // No exchange was open that could end and close the connection.
    this.close();
  }

  onDue(): void {
    const now = this.manager.wheel.nowMs();
    if (now >= this.closeDueMs) {
      this.manager.stats.downstream_cx_delayed_close_timeout.value++;
      this.connection.destroy();
      return;
    }
    // Only the delayed close is left to wait for.
    if (!this.closing) this.checkDeadlines(now);
    if (!this.connection.closed) this.armDeadline();
  }

  private checkDeadlines(now: number): void {
    const { settings, stats } = this.manager;
    if (now >= this.headDueMs) {
      this.headExpired();
      return;
    }
    if (now >= this.flushDueMs && this.flushExpired(now)) return;
    if (this.stream !== undefined) this.lastActiveMs = now;
    if (now >= this.drainDueMs) {
      this.drainDueMs = NEVER;
      if (this.idle) this.close();
    } else if (settings.idleTimeoutMs > 0 && !this.draining && now >= this.lastActiveMs + settings.idleTimeoutMs) {
      stats.downstream_cx_idle_timeout.value++;
      this.drain();
    }
    if (this.maxDurationMs > 0 && !this.aged && now >= this.startMs + this.maxDurationMs) this.durationReached();
  }

  private durationReached(): void {
    const { settings, stats } = this.manager;
    this.aged = true;
    stats.downstream_cx_max_duration_reached.value++;
    if (settings.safeMaxConnectionDuration && this.requests > 0) this.codec.closeAfterResponse();
    else this.drain();
  }

  /** False when the client has read on since. */
  private flushExpired(now: number): boolean {
    const sent = this.sentBytes;
    if (sent > this.flushedBytes) {
      this.flushedBytes = sent;
      this.flushDueMs = now + this.flushTimeoutMs;
      return false;
    }
    this.closing = true;
    this.connection.destroy();
    return true;
  }
}

/** `max_connection_duration` with the jitter of this connection. */
function maxDuration({ settings, random }: HttpManager): number {
  const { maxConnectionDurationMs, maxConnectionDurationJitterPercent } = settings;
  if (maxConnectionDurationJitterPercent === 0) return maxConnectionDurationMs;
  return maxConnectionDurationMs * (1 + (random() * maxConnectionDurationJitterPercent) / 100);
}
