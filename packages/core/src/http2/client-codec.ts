/** HTTP/2 towards upstreams: requests → frames of one connection → responses. See `session` for what both sides share. */
import type { RandomSource } from '../api/clock.ts';
import type { RequestWriter, ResetReason, ResponseSink } from '../api/codec.ts';
import type { RequestHead } from '../headers/header-map.ts';
import type { Connection } from '../net/connection.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { Http2CodecStats } from '../stats/index.ts';
import { Http2ClientStream } from './client-stream.ts';
import { MAX_STREAM_ID, PREFACE } from './frames.ts';
import { ErrorCode, type Http2ClientHandler, type Http2ConnectionError } from './handlers.ts';
import { HeadError } from './head-fields.ts';
import { writeRequestHead } from './head-writer.ts';
import type { Http2Options } from './options.ts';
import { upstreamResetReason } from './reset-codes.ts';
import { ResponseCollector } from './response-head.ts';
import { Http2Session } from './session.ts';

const EMPTY = Buffer.alloc(0);

export class Http2ClientCodec extends Http2Session<Http2ClientStream> {
  /** Streams that were opened on this connection. */
  requests = 0;
  private readonly handler: Http2ClientHandler;
  private readonly responseFields: ResponseCollector;
  private nextStream = 1;
  private goneAway = false;
  /** Streams that were opened here and have sent no head yet. */
  private readonly unsent = new Set<Http2ClientStream>();

  constructor(
    connection: Connection,
    options: Http2Options,
    wheel: TimerWheel,
    stats: Http2CodecStats,
    handler: Http2ClientHandler,
    random: RandomSource = Math.random,
  ) {
    super(connection, options, wheel, stats, random);
    this.handler = handler;
    this.responseFields = new ResponseCollector(options.limits);
  }

  protected override get client(): boolean {
    return true;
  }

  /** The upstream opens none: push is off. */
  protected override get lastPeerStream(): number {
    return 0;
  }

  protected override isIdle(stream: number): boolean {
    return (stream & 1) === 0 || stream >= this.nextStream;
  }

  override get activeStreams(): number {
    return this.streams.size + this.unsent.size;
  }

  /** Most streams at a time: this side's limit, or the upstream's. */
  get maxStreams(): number {
    return Math.min(this.options.maxConcurrentStreams, this.peer.maxConcurrentStreams);
  }

  /** It takes further streams, as far as `maxStreams` goes. */
  get accepting(): boolean {
    return !this.goneAway && !this.over && this.nextStream < MAX_STREAM_ID;
  }

  get settingsReceived(): boolean {
    return this.greeted;
  }

  /** @internal Changes with each write to the socket. */
  get flushes(): number {
    return this.writer.flushes;
  }

  /** Sends the preface and this side's settings. */
  begin(): void {
    this.writer.preface(PREFACE);
    this.greet();
  }

  /** A stream for one request; it gets its id with `writeHead`. */
  open(sink: ResponseSink, reused: boolean): RequestWriter {
    const stream = new Http2ClientStream(this, sink, reused);
    this.requests++;
    this.unsent.add(stream);
    this.keepAlive?.checkIdle();
    return stream;
  }

  /** This side will open no more streams. */
  goAway(): void {
    if (this.over) return;
    this.goneAway = true;
    this.stats.goaway_sent.value++;
    this.writer.goAway(0, ErrorCode.NO_ERROR);
    this.markDirty();
  }

  /** The socket is gone. */
  closed(reason: ResetReason, detail: string | undefined): void {
    if (this.end()) this.closeAll(reason, detail);
  }

  private closeAll(reason: ResetReason, detail: string | undefined): void {
    for (const stream of this.unsent) this.abandon(stream, reason, detail);
    for (const stream of this.streams.values()) this.abandon(stream, reason, detail);
  }

  /** Ends a stream that the upstream will not finish. The sink first: it may ask for another stream elsewhere. */
  private abandon(stream: Http2ClientStream, reason: ResetReason, detail: string | undefined): void {
    stream.resetReason = reason;
    stream.deliverReset(reason, detail);
    if (!this.unsent.delete(stream)) this.close(stream);
    else {
      stream.closed = true;
      this.handler.onStreamEnd(reason);
    }
  }

  protected override onOver(error: Http2ConnectionError): void {
    const lost = error.details === 'http2.ping_timeout';
    this.closeAll(lost ? 'connection termination' : 'protocol error', undefined);
    this.handler.onConnectionError(error);
  }

  // Requests

  /** @internal Gives a stream its id. False: it was closed instead. */
  start(stream: Http2ClientStream): boolean {
    if (!this.unsent.has(stream)) return false;
    if (this.over || this.nextStream > MAX_STREAM_ID) {
      this.abandon(stream, 'remote refused stream reset', undefined);
      return false;
    }
    this.unsent.delete(stream);
    this.register(stream, this.nextStream);
    this.nextStream += 2;
    return true;
  }

  /** @internal */
  sendHead(stream: Http2ClientStream, head: RequestHead, length: string | undefined, end: boolean): void {
    writeRequestHead(this.writer, stream.id, head, length, end);
    if (end) this.sentEnd(stream);
  }

  /** @internal The engine gives a stream up. */
  resetStream(stream: Http2ClientStream, code: ErrorCode, reason: ResetReason): void {
    if (stream.closed) return;
    stream.resetReason = reason;
    if (this.unsent.delete(stream)) {
      stream.closed = true;
      this.handler.onStreamEnd(reason);
    } else this.rst(stream, code);
  }

  protected override onLocalEnd(): void {}

  // Responses

  protected override onHeadBegun(): void {}

  protected override onHeadBlock(id: number, end: boolean, bytes: Buffer, start: number, stop: number): void {
    const stream = this.streams.get(id);
    const fields = stream === undefined || stream.answered ? this.trailerFields : this.responseFields;
    fields.begin();
    if (stream === undefined) fields.full = true;
    if (this.decoder.decode(bytes, start, stop, fields) !== 0) {
      this.fail(ErrorCode.COMPRESSION_ERROR, 'http2.compression_error');
    } else if (stream === undefined) {
      if (this.isIdle(id)) this.fail(ErrorCode.PROTOCOL_ERROR, 'http2.idle_stream');
    } else if (stream.remoteEnded) this.fail(ErrorCode.STREAM_CLOSED, 'http2.stream_closed');
    else if (fields.error === HeadError.tooLarge) {
      this.countOverflow(fields);
      this.streamError(stream, ErrorCode.INTERNAL_ERROR, fields.error);
    } else if (stream.answered) this.onTrailers(stream, end);
    else this.onResponse(stream, end);
  }

  private onResponse(stream: Http2ClientStream, end: boolean): void {
    const fields = this.responseFields;
    const head = fields.finish(end, stream.toHead);
    if (head === undefined) {
      this.messageError(stream, fields.error ?? HeadError.messaging);
      return;
    }
    this.touch(stream);
    if (head.rawStatus < 200) {
      if (!stream.deliverInterim(head)) this.messageError(stream, HeadError.messaging);
      return;
    }
    stream.answered = true;
    stream.expect(head, fields.contentLength);
    stream.remoteEnded = end;
    stream.deliverHead(head, end);
    if (end) this.settle(stream);
  }

  private onTrailers(stream: Http2ClientStream, end: boolean): void {
    const { error } = this.trailerFields;
    if (error !== undefined || !end || stream.bodyLeft > 0) {
      this.messageError(stream, error ?? HeadError.messaging);
      return;
    }
    stream.remoteEnded = true;
    this.touch(stream);
    const trailers = this.trailerFields.take();
    if (trailers.size > 0) stream.deliverTrailers(trailers);
    else stream.deliverData(EMPTY, true, true);
    this.settle(stream);
  }

  protected override takesData(stream: Http2ClientStream): boolean {
    return stream.answered;
  }

  /** An upstream that finished a stream, or lost it, harms only itself with more of it. */
  protected override tolerates(): boolean {
    return true;
  }

  /** A response that is whole before its request: the rest of that is of no use (RFC 9113 8.1). */
  protected override settle(stream: Http2ClientStream): void {
    if (stream.closed) return;
    if (stream.localEnded) this.close(stream);
    else this.rst(stream, ErrorCode.NO_ERROR);
  }

  // Ends

  protected override onPeerSettings(): void {
    this.handler.onSettings();
  }

  protected override onPeerReset(stream: Http2ClientStream, code: number): void {
    if (code === ErrorCode.NO_ERROR && stream.whole) this.finish(stream);
    else this.abandon(stream, upstreamResetReason(code), undefined);
  }

  /**
   * The upstream took its stream back with nothing of the response missing: a node:http2 server ends a body of known length
   * this way, in the place of END_STREAM, when a window held it up.
   */
  private finish(stream: Http2ClientStream): void {
    stream.remoteEnded = true;
    this.touch(stream);
    stream.deliverData(EMPTY, true, true);
    this.close(stream);
  }

  protected override onStreamError(stream: Http2ClientStream, code: ErrorCode): void {
    stream.resetReason = 'protocol error';
    stream.deliverReset('protocol error', undefined);
    this.rst(stream, code);
  }

  protected override onPeerGoAway(lastStream: number): void {
    this.goneAway = true;
    for (const stream of this.unsent) this.abandon(stream, 'remote refused stream reset', undefined);
    for (const stream of this.streams.values()) {
      if (stream.id > lastStream) this.abandon(stream, 'remote refused stream reset', undefined);
    }
    this.handler.onGoAway();
  }

  protected override onClosed(stream: Http2ClientStream): void {
    this.handler.onStreamEnd(stream.resetReason);
  }
}
