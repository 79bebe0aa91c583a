/** One request and its response on a downstream connection: the engine's `ResponseWriter`, and the feeder of its sink. */
import type { RequestSink, ResetReason } from '../api/codec.ts';
import type { Headers, ResponseHeaders } from '../api/headers.ts';
import type { RequestHead, ResponseHead } from '../headers/header-map.ts';
import { parseContentLength } from '../http1/framing.ts';
import type { Http2ResponseWriter } from './handlers.ts';
import { resetCode } from './reset-codes.ts';
import type { Http2ServerCodec } from './server-codec.ts';
import { Http2Stream } from './stream.ts';

export class Http2ServerStream extends Http2Stream implements Http2ResponseWriter {
  declare readonly session: Http2ServerCodec;
  readonly startMs: number;
  private sink: RequestSink | undefined = undefined;
  private readonly request: RequestHead;
  /** The engine knows of it. */
  private opened = false;
  private readonly endsWithHead: boolean;
  /** The final response head has been given. */
  answered = false;
  /** The client has ended it with RST_STREAM, or with a frame that made this side send one. */
  cut = false;
  /** The response has no content, whatever is written (HEAD, 204, 304). */
  private bodiless = false;
  /** Bytes of the response that are still to come by its Content-Length; -1 when it tells nothing. */
  private responseLeft = -1;

  constructor(session: Http2ServerCodec, request: RequestHead, end: boolean, nowMs: number) {
    super(session);
    this.request = request;
    this.endsWithHead = end;
    this.remoteEnded = end;
    this.startMs = nowMs;
  }

  /** Another sink gets what still comes of the exchange: it is run again. */
  handOver(sink: RequestSink): void {
    this.sink = sink;
  }

  /** The engine still waits for something of this stream. */
  get sinkOpen(): boolean {
    return this.sink !== undefined && !(this.endGiven && this.remoteEnded);
  }

  // To the sink

  /**
   * Hands the request to the engine: with its first byte of body, or with the end of the read that brought its head. A
   * client that takes it back within that read, as in a rapid reset, has caused no work.
   */
  private open(): void {
    if (this.opened) return;
    this.opened = true;
    this.sink = this.session.newSink(this);
    this.sink.onHead(this.request, this.endsWithHead);
    if (this.endsWithHead) this.session.settleOpened(this);
  }

  override deliverData(piece: Buffer, end: boolean, owned: boolean): void {
    this.open();
    this.sink?.onData(piece, end, owned);
  }

  deliverTrailers(trailers: Headers): void {
    this.open();
    this.sink?.onTrailers(trailers);
  }

  override deliverWritable(): void {
    if (!this.endGiven) this.sink?.onWritable();
  }

  override deliverBatchEnd(): boolean {
    if (this.closed) return false;
    const begins = !this.opened;
    this.open();
    if (!this.closed) this.sink?.onBatchEnd();
    return begins;
  }

  /** Tells the sink that the stream is no more, unless it has nothing left to wait for. */
  deliverReset(reason: ResetReason, details: string | undefined): void {
    if (!this.opened) {
      this.opened = true;
      this.session.withdrawn(this.request);
      return;
    }
    const { sink } = this;
    const open = this.sinkOpen;
    this.sink = undefined;
    if (open) sink?.onReset(reason, details);
  }

  dropSink(): void {
    this.sink = undefined;
  }

  // ResponseWriter

  writeInterim(head: ResponseHeaders): void {
    if (this.closed || this.answered) return;
    this.session.sendHead(this, head as ResponseHead, head.status, '', false);
    this.session.markDirty();
  }

  writeHead(headers: ResponseHeaders, end: boolean): void {
    if (this.closed || this.answered) return;
    const head = headers as ResponseHead;
    this.answered = true;
    this.endGiven = end;
    // An upgrade that was agreed to is a plain success here (RFC 8441 5).
    const switched = head.rawStatus === 101 && this.request.upgradeTo !== '';
    const status = switched ? 200 : head.rawStatus;
    this.session.sendHead(this, head, status, this.length(head, switched, end), end);
  }

  /** What becomes of Content-Length (see `writeResponseHead`), which the body is held to. */
  private length(head: ResponseHead, switched: boolean, end: boolean): string | undefined {
    const status = head.rawStatus;
    const toHead = this.request.rawMethod === 'HEAD';
    const tunnel = switched || (this.request.rawMethod === 'CONNECT' && status >= 200 && status < 300);
    // RFC 9110 8.6: neither has one.
    if (tunnel || status === 204) {
      this.bodiless = status === 204 && !tunnel;
      return '';
    }
    if (toHead || status === 304) {
      this.bodiless = true;
      return undefined;
    }
    const given = head.value('content-length');
    if (given === undefined) return undefined;
    const length = parseContentLength(given);
    if (end) return length === 0 ? undefined : '0';
    this.responseLeft = length;
    return length < 0 ? '' : undefined;
  }

  writeData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (this.closed || this.endGiven || !this.answered) return;
    if (this.bodiless) {
      if (end) this.sendData(NOTHING, true, true);
      return;
    }
    if (this.responseLeft >= 0) {
      this.responseLeft -= chunk.length;
      // The client must not take what is not the message for it.
      if (this.responseLeft < 0 || (end && this.responseLeft > 0)) {
        this.reset('protocol error');
        return;
      }
    }
    this.sendData(chunk, end, owned);
  }

  writeTrailers(trailers: Headers): void {
    if (this.closed || this.endGiven || !this.answered) return;
    if (this.responseLeft > 0) this.reset('protocol error');
    else this.sendTrailers(trailers);
  }

  reset(reason?: ResetReason): void {
    this.sink = undefined;
    this.session.resetStream(this, resetCode(reason));
  }

  closeAfterResponse(): void {}

  pauseRequest(): void {
    this.pauseReading();
  }

  resumeRequest(): void {
    this.resumeReading();
  }
}

const NOTHING = new Uint8Array(0);
