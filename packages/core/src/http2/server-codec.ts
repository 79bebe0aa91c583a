/** HTTP/2 towards clients: frames of one connection → requests, responses → frames. See `session` for what both sides share. */
import type { RandomSource } from '../api/clock.ts';
import type { RequestSink, ResetReason } from '../api/codec.ts';
import type { RequestHead, ResponseHead } from '../headers/header-map.ts';
import type { Connection } from '../net/connection.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { Http2CodecStats } from '../stats/index.ts';
import { MAX_STREAM_ID, PREFACE } from './frames.ts';
import { ErrorCode, type Http2ConnectionError, type Http2ServerHandler } from './handlers.ts';
import { HeadError } from './head-fields.ts';
import { writeResponseHead } from './head-writer.ts';
import type { Http2Options } from './options.ts';
import { RequestCollector } from './request-head.ts';
import { clientResetReason } from './reset-codes.ts';
import { ResetRate } from './reset-rate.ts';
import { Http2ServerStream } from './server-stream.ts';
import { Http2Session } from './session.ts';

const EMPTY = Buffer.alloc(0);

export class Http2ServerCodec extends Http2Session<Http2ServerStream> {
  private readonly handler: Http2ServerHandler;
  private readonly requestFields: RequestCollector;
  private prefaceAt = 0;
  private lastStream = 0;
  /** The last stream that is served after a final GOAWAY. */
  private finalStream = MAX_STREAM_ID;
  private draining = false;
  private final = false;
  private resetRate: ResetRate | undefined = undefined;

  constructor(
    connection: Connection,
    options: Http2Options,
    wheel: TimerWheel,
    stats: Http2CodecStats,
    handler: Http2ServerHandler,
    random: RandomSource = Math.random,
  ) {
    super(connection, options, wheel, stats, random);
    this.handler = handler;
    this.requestFields = new RequestCollector(options);
  }

  protected override get client(): boolean {
    return false;
  }

  protected override get lastPeerStream(): number {
    return this.lastStream;
  }

  protected override isIdle(stream: number): boolean {
    // Behind a final GOAWAY the client may have opened any of them.
    return (stream & 1) === 0 || (stream > this.lastStream && !this.final);
  }

  /** Sends this side's settings. */
  begin(): void {
    this.greet();
  }

  protected override feedFrames(chunk: Buffer, owned: boolean): void {
    let at = 0;
    while (this.prefaceAt < PREFACE.length && at < chunk.length) {
      if (chunk[at++] === PREFACE[this.prefaceAt]) this.prefaceAt++;
      else {
        this.fail(ErrorCode.PROTOCOL_ERROR, 'http2.bad_preface');
        return;
      }
    }
    this.read(chunk, at, owned);
    if (this.inHead) this.onHeadBegun();
  }

  /** A head has begun and has not come to its end. */
  get unfinished(): boolean {
    return this.inHead || this.headOpen;
  }

  /** Tells the client that the end is near (RFC 9113 6.8): it may still open streams. */
  drain(): void {
    if (this.draining || this.over) return;
    this.draining = true;
    this.writer.goAway(MAX_STREAM_ID, ErrorCode.NO_ERROR);
    this.markDirty();
  }

  /** Streams that the client opens from now on are ignored. */
  goAway(code: ErrorCode = ErrorCode.NO_ERROR): void {
    if (this.final || this.over) return;
    this.final = true;
    this.draining = true;
    this.finalStream = this.lastStream;
    this.stats.goaway_sent.value++;
    this.writer.goAway(this.lastStream, code);
    this.markDirty();
  }

  /** Resets every stream; each sink hears of it. */
  resetAll(reason: ResetReason, code: ErrorCode = ErrorCode.NO_ERROR, details?: string): void {
    for (const stream of this.streams.values()) {
      stream.deliverReset(reason, details);
      this.rst(stream, code);
    }
  }

  /** The socket is gone. */
  closed(): void {
    if (this.end()) this.closeAll('connection termination', undefined);
  }

  private closeAll(reason: ResetReason, details: string | undefined): void {
    for (const stream of this.streams.values()) {
      stream.deliverReset(reason, details);
      this.close(stream);
    }
  }

  protected override onOver(error: Http2ConnectionError): void {
    const lost = error.details === 'http2.ping_timeout';
    const open = this.streams.size;
    this.closeAll(lost ? 'connection termination' : 'protocol error', lost ? undefined : error.details);
    this.handler.onConnectionError(error, open);
  }

  // Requests

  protected override onHeadBegun(): void {
    this.handler.onHeadStarted();
  }

  protected override onHeadBlock(id: number, end: boolean, bytes: Buffer, start: number, stop: number): void {
    const stream = this.streams.get(id);
    if (stream !== undefined) this.onTrailers(stream, end, bytes, start, stop);
    else if ((id & 1) === 0) this.fail(ErrorCode.PROTOCOL_ERROR, 'http2.bad_stream_id');
    else if (id > this.lastStream && !this.final) this.onRequest(id, end, bytes, start, stop);
    else this.onStrayHead(id, bytes, start, stop);
  }

  /** For a stream that is over, or that comes after a GOAWAY: read, since it moves the table on, and forgotten. */
  private onStrayHead(id: number, bytes: Buffer, start: number, stop: number): void {
    this.trailerFields.begin();
    this.trailerFields.full = true;
    const error = this.decoder.decode(bytes, start, stop, this.trailerFields);
    if (error !== 0) this.fail(ErrorCode.COMPRESSION_ERROR, 'http2.compression_error');
    else if (id <= this.lastStream && !this.tolerates(id)) this.fail(ErrorCode.STREAM_CLOSED, 'http2.stream_closed');
  }

  private onRequest(id: number, end: boolean, bytes: Buffer, start: number, stop: number): void {
    const fields = this.requestFields;
    this.lastStream = id;
    fields.begin();
    if (this.decoder.decode(bytes, start, stop, fields) !== 0) {
      this.fail(ErrorCode.COMPRESSION_ERROR, 'http2.compression_error');
      return;
    }
    if (this.streams.size >= this.options.maxConcurrentStreams) {
      this.stats.stream_refused_errors.value++;
      this.refuse(id, ErrorCode.REFUSED_STREAM);
      return;
    }
    const head = fields.finish(end);
    if (fields.dropped > 0) this.stats.dropped_headers_with_underscores.value += fields.dropped;
    if (head === undefined) {
      this.refuseHead(id, fields.error as HeadError);
      return;
    }
    const stream = new Http2ServerStream(this, head, end, this.wheel.nowMs());
    if (fields.contentLength >= 0 && !end) stream.bodyLeft = fields.contentLength;
    this.register(stream, id);
    this.touch(stream);
  }

  /** @internal */
  newSink(stream: Http2ServerStream): RequestSink {
    return this.handler.newStream(stream);
  }

  /** @internal The whole request was delivered. */
  settleOpened(stream: Http2ServerStream): void {
    this.settle(stream);
  }

  /** @internal */
  withdrawn(request: RequestHead): void {
    this.handler.onWithdrawn(request);
  }

  private refuse(id: number, code: ErrorCode): void {
    this.stats.tx_reset.value++;
    this.resets.add(id);
    this.writer.rstStream(id, code);
  }

  private refuseHead(id: number, error: HeadError): void {
    const { stats } = this;
    this.handler.onHeadRefused?.(error);
    if (error === HeadError.tooLarge || error === HeadError.underscore) {
      if (error === HeadError.tooLarge) this.countOverflow(this.requestFields);
      else stats.requests_rejected_with_underscores_in_headers.value++;
      this.refuse(id, ErrorCode.INTERNAL_ERROR);
    } else {
      stats.rx_messaging_error.value++;
      if (!this.options.streamErrorOnInvalidMessage) {
        this.fail(ErrorCode.PROTOCOL_ERROR, error);
        return;
      }
      this.refuse(id, ErrorCode.PROTOCOL_ERROR);
    }
    this.handler.onMessageError(error);
    this.countEnd(true);
  }

  private onTrailers(stream: Http2ServerStream, end: boolean, bytes: Buffer, start: number, stop: number): void {
    const fields = this.trailerFields;
    fields.begin();
    if (this.decoder.decode(bytes, start, stop, fields) !== 0) {
      this.fail(ErrorCode.COMPRESSION_ERROR, 'http2.compression_error');
      return;
    }
    if (stream.remoteEnded) {
      this.fail(ErrorCode.STREAM_CLOSED, 'http2.stream_closed');
      return;
    }
    this.stats.trailers.value++;
    if (fields.error === HeadError.tooLarge) {
      this.countOverflow(fields);
      this.streamError(stream, ErrorCode.INTERNAL_ERROR, fields.error);
      return;
    }
    if (fields.error !== undefined || !end || stream.bodyLeft > 0) {
      this.messageError(stream, fields.error ?? HeadError.messaging);
      return;
    }
    stream.remoteEnded = true;
    this.touch(stream);
    const trailers = fields.take();
    if (trailers.size > 0) stream.deliverTrailers(trailers);
    else stream.deliverData(EMPTY, true, true);
    this.settle(stream);
  }

  protected override takesData(): boolean {
    return true;
  }

  /** Also those above the last stream of a final GOAWAY, which are never opened. */
  protected override tolerates(id: number): boolean {
    return id > this.finalStream || this.resets.has(id);
  }

  // Answers

  /** @internal */
  sendHead(
    stream: Http2ServerStream,
    head: ResponseHead,
    status: number,
    length: string | undefined,
    end: boolean,
  ): void {
    writeResponseHead(this.writer, stream.id, head, status, length, end);
    if (end) this.sentEnd(stream);
  }

  /** @internal The engine gives a stream up. */
  resetStream(stream: Http2ServerStream, code: ErrorCode): void {
    this.rst(stream, code);
  }

  /** The whole answer is out and the request is not: what is left of it is not wanted (RFC 9113 8.1). */
  protected override onLocalEnd(stream: Http2ServerStream): void {
    this.rst(stream, ErrorCode.NO_ERROR);
  }

  // Ends

  protected override onPeerSettings(): void {}

  protected override onRstStream(id: number, code: number): void {
    const nowMs = this.wheel.nowMs();
    this.resetRate ??= new ResetRate(nowMs);
    if (this.resetRate.take(nowMs)) super.onRstStream(id, code);
    else this.fail(ErrorCode.INTERNAL_ERROR, 'http2.too_many_resets');
  }

  protected override onPeerReset(stream: Http2ServerStream, code: number): void {
    stream.cut = true;
    const details = code === ErrorCode.REFUSED_STREAM ? 'http2.remote_refuse' : 'http2.remote_reset';
    stream.deliverReset(clientResetReason(code), details);
    this.close(stream);
  }

  protected override onStreamError(stream: Http2ServerStream, code: ErrorCode, details: string): void {
    stream.cut = true;
    stream.deliverReset('protocol error', details);
    this.handler.onMessageError(details);
    this.rst(stream, code);
  }

  protected override onPeerGoAway(): void {
    this.handler.onGoAway();
  }

  protected override onClosed(stream: Http2ServerStream): void {
    stream.dropSink();
    this.handler.onStreamEnd(stream);
    if (this.over) return;
    const early = stream.cut && !stream.answered;
    this.countEnd(early && this.wheel.nowMs() - stream.startMs <= this.options.prematureResetLifetimeMs);
  }

  private countEnd(premature: boolean): void {
    if (!this.guard.requestEnded(premature)) return;
    this.fail(ErrorCode.ENHANCE_YOUR_CALM, 'too_many_premature_resets');
  }
}
