/** A connection that speaks HTTP/1: one exchange at a time. */
import type { RequestSink } from '../api/codec.ts';
import { ResponseFlag } from '../errors.ts';
import type { ServerCodecHandler } from '../http1/handlers.ts';
import { type ProtocolError, ProtocolErrors } from '../http1/protocol-error.ts';
import { reasonPhrase } from '../http1/serializer.ts';
import { Http1ServerCodec } from '../http1/server-codec.ts';
import type { Connection } from '../net/connection.ts';
import type { Peer } from '../net/peer.ts';
import type { Http1CodecStats } from '../stats/index.ts';
import { HttpConnection, NEVER } from './connection.ts';
import { httpDate } from './date.ts';
import { type LocalReply, mappedReply, replyBody, replyHead } from './local-reply.ts';
import type { HttpManager } from './manager.ts';
import { logRefused, refusedStream } from './refused-stream.ts';
import { Stream } from './stream.ts';
import { StreamWatch } from './stream-watch.ts';

export class Http1Connection extends HttpConnection implements ServerCodecHandler {
  private readonly codec: Http1ServerCodec;
  private readonly http1: Http1CodecStats;
  readonly watch: StreamWatch;
  private stream: Stream | undefined = undefined;
  /** The client leaves a whole response unread; given up at this time unless it reads on. */
  private flushDueMs = NEVER;
  private flushTimeoutMs = 0;
  private flushedBytes = 0;
  protected readonly httpMinor = 1;
  /** When the first part of the head at hand came, if it came in parts; else 0. */
  private headStartMs = 0;

  constructor(manager: HttpManager, connection: Connection, peer: Peer, previous?: HttpConnection) {
    super(manager, connection, peer, previous);
    this.codec = new Http1ServerCodec(connection, manager.settings.http1, this);
    manager.stats.downstream_cx_http1_total.value++;
    manager.stats.downstream_cx_http1_active.inc();
    this.http1 = manager.http1;
    this.watch = new StreamWatch(manager.wheel);
    this.armDeadline();
  }

  protected get activeStreams(): number {
    return this.stream === undefined ? 0 : 1;
  }

  get idle(): boolean {
    return this.stream === undefined && this.codec.idle;
  }

  // ConnectionHandler

  protected feed(chunk: Buffer, owned: boolean): void {
    this.codec.feed(chunk, owned);
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
      // The last response may still be on its way to a slow reader.
      if (this.connection.bytesUnsent > 0) this.connection.end();
      else this.endBehindPeer();
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

  protected endStreams(): void {
    this.watch.stop();
    const { stream } = this;
    if (stream === undefined) {
      if (!this.codec.inHead || this.closing) return;
      this.countUnfinished();
      if (this.manager.logs !== undefined) this.logUnfinished();
      return;
    }
    this.stream = undefined;
    this.codec.kill();
    stream.onReset('connection termination');
  }

  /** The client went away within a head. */
  private logUnfinished(): void {
    logRefused(this.manager, this.refused('downstream_remote_disconnect'), ResponseFlag.DC);
  }

  override onHeadStarted(): void {
    this.headStartMs = this.manager.wheel.nowMs();
    super.onHeadStarted();
  }

  protected countClosed(): void {
    this.manager.stats.downstream_cx_http1_active.dec();
  }

  // ServerCodecHandler

  newStream(): RequestSink {
    this.headDueMs = NEVER;
    this.headStartMs = 0;
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
    stats.downstream_rq_http1_total.value++;
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
    this.brokenBy = `codec_error:${error.details}`;
    if (error === ProtocolErrors.underscore) this.http1.requests_rejected_with_underscores_in_headers.value++;
    if (sink !== undefined) {
      (sink as Stream).protocolError(error.status, reasonPhrase(error.status), error.details);
      return;
    }
    stats.downstream_rq_total.value++;
    stats.downstream_rq_http1_total.value++;
    this.refuse(error.status, reasonPhrase(error.status), error.details, { log: ResponseFlag.DPE });
  }

  /** An answer to what never became a request. As in Envoy some flags are for the log only: formats of the reply do not see them. */
  private refuse(
    status: number,
    text: string,
    details: string,
    flags: { readonly reply?: number; readonly log?: number },
  ): void {
    const { logs, settings, wheel } = this.manager;
    const { localReply } = settings;
    const bytes = replyBody(text);
    let stream: Stream | undefined;
    let reply: LocalReply | undefined;
    if (localReply !== undefined || logs !== undefined) {
      stream = this.refused(details);
      stream.flags = flags.reply ?? 0;
      if (localReply !== undefined) reply = mappedReply(localReply, stream, status, bytes);
    }
    const { head, body } = reply ?? { head: replyHead(status, bytes), body: bytes };
    head.fields.push('date', httpDate(wheel.clock.wallMs()));
    if (settings.serverHeaderTransformation !== 'PASS_THROUGH') head.fields.push('server', settings.serverName);
    this.manager.chargeStatus(head.status);
    if (this.manager.tracing !== undefined) this.manager.tracing.undecided();
    this.countRefused();
    this.codec.closeAfterResponse();
    this.codec.writeHead(head, body === undefined);
    if (body !== undefined) this.codec.writeData(body, true, true);
    if (stream !== undefined) logRefused(this.manager, stream, flags.log ?? 0, head, body);
  }

  /** As in Envoy, whose streams begin with the first byte of a head. */
  private countRefused(): void {
    const { stats, wheel } = this.manager;
    stats.downstream_rq_response_before_rq_complete.value++;
    stats.downstream_rq_rx_reset.value++;
    const sinceMs = this.headStartMs > 0 ? wheel.nowMs() - this.headStartMs : 0;
    stats.downstream_rq_time.record(Math.round(sinceMs));
  }

  private countUnfinished(): void {
    const { stats } = this.manager;
    stats.downstream_rq_total.value++;
    stats.downstream_rq_http1_total.value++;
    stats.downstream_rq_rx_reset.value++;
    stats.downstream_cx_destroy_active_rq.value++;
    stats.downstream_cx_destroy_remote_active_rq.value++;
  }

  private refused(details: string): Stream {
    const stream = refusedStream(this.manager, this, details, 1);
    if (this.headStartMs > 0) stream.startMs = this.headStartMs;
    return stream;
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

  protected finishUp(): void {
    if (this.idle) this.close();
    else this.codec.closeAfterResponse();
  }

  drainClose(): boolean {
    this.codec.closeAfterResponse();
    return true;
  }

  /** HTTP/1 has no way to tell a client that the connection ends but the next response, for which there is some time. */
  protected drain(): void {
    if (this.requests === 0) {
      this.close();
      return;
    }
    if (this.draining) return;
    this.draining = true;
    this.codec.closeAfterResponse();
    this.drainDueMs = this.manager.wheel.nowMs() + this.manager.drainTimeoutMs();
  }

  protected drainExpired(): void {
    if (this.idle) this.close();
  }

  // Deadlines

  protected override ownDueMs(): number {
    return Math.min(this.headDueMs, this.flushDueMs);
  }

  protected override checkOwn(now: number): boolean {
    return super.checkOwn(now) || (now >= this.flushDueMs && this.flushExpired(now));
  }

  headExpired(): void {
    const idle = this.countHeadExpired();
    this.codec.kill();
    if (idle) this.refuse(408, 'stream timeout', 'stream_idle_timeout', { reply: ResponseFlag.SI });
    else this.refuse(408, 'request header timeout', 'request_header_timeout', {});
    // No exchange was open that could end and close the connection.
    this.close();
  }

  protected override durationReached(): void {
    if (this.manager.settings.safeMaxConnectionDuration && this.requests > 0) this.codec.closeAfterResponse();
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
