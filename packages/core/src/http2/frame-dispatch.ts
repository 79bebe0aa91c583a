/**
 * Frames as RFC 9113 6 defines them: sizes, stream ids and order are judged here, and floods counted, before a frame means
 * anything. Every fault found here ends the connection.
 */
import type { Http2CodecStats } from '../stats/index.ts';
import { FrameReader } from './frame-reader.ts';
import { Flag, FRAME_LIMIT_BYTES, FrameType, readUint31, readUint32 } from './frames.ts';
import { FloodGuard } from './guard.ts';
import { ErrorCode } from './handlers.ts';
import { HeadBlock } from './head-block.ts';
import { HeadError } from './head-fields.ts';
import type { Http2Options } from './options.ts';

export abstract class FrameDispatch extends FrameReader {
  readonly options: Http2Options;
  readonly stats: Http2CodecStats;
  protected readonly guard: FloodGuard;
  /** The peer's first SETTINGS have come. */
  protected greeted = false;
  private readonly head = new HeadBlock();

  constructor(options: Http2Options, stats: Http2CodecStats) {
    super();
    this.options = options;
    this.stats = stats;
    this.guard = new FloodGuard(options, stats);
  }

  /** Gives the connection up. Always false, for callers that answer whether it goes on. */
  protected abstract fail(code: ErrorCode, details: string): false;
  /** A header block is whole; its fields and the state of its stream are not judged yet. */
  protected abstract onHeadBlock(stream: number, end: boolean, bytes: Buffer, start: number, stop: number): void;
  /** A header block begins that its first frame does not end. */
  protected abstract onHeadBegun(): void;
  /** A SETTINGS frame of whole entries. */
  protected abstract onSettings(bytes: Buffer, start: number, end: number): void;
  protected abstract onSettingsAck(): void;
  /** `stream` 0 is the connection. */
  protected abstract onWindowUpdate(stream: number, increment: number): void;
  protected abstract onRstStream(stream: number, code: number): void;
  protected abstract onPing(ack: boolean, bytes: Buffer, start: number): void;
  protected abstract onPeerGoAway(lastStream: number, code: number): void;

  protected override onFrameHeader(length: number, type: number, flags: number, stream: number): boolean {
    if (length > FRAME_LIMIT_BYTES) return this.fail(ErrorCode.FRAME_SIZE_ERROR, 'http2.frame_size');
    if (!this.greeted && (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0)) {
      return this.fail(ErrorCode.PROTOCOL_ERROR, 'http2.no_settings');
    }
    const continued = type === FrameType.CONTINUATION;
    if (this.head.open ? !continued || stream !== this.head.stream : continued) {
      return this.fail(ErrorCode.PROTOCOL_ERROR, 'http2.unexpected_frame');
    }
    if (type === FrameType.DATA || type === FrameType.HEADERS) return true;
    const flood = this.guard.received(type, flags, length);
    return flood === undefined || this.fail(ErrorCode.ENHANCE_YOUR_CALM, flood);
  }

  protected override onBadPadding(): void {
    this.fail(ErrorCode.PROTOCOL_ERROR, 'http2.bad_padding');
  }

  protected override onFrame(
    type: number,
    flags: number,
    stream: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    switch (type) {
      case FrameType.HEADERS:
        this.headers(flags, stream, bytes, start, end);
        break;
      case FrameType.CONTINUATION:
        this.continuation(flags, bytes, start, end);
        break;
      case FrameType.WINDOW_UPDATE:
        if (end - start !== 4) this.badSize();
        else this.windowUpdate(stream, readUint31(bytes, start));
        break;
      case FrameType.RST_STREAM:
        if (end - start !== 4) this.badSize();
        else if (stream === 0) this.badStream();
        else this.onRstStream(stream, readUint32(bytes, start));
        break;
      case FrameType.SETTINGS:
        this.settings(flags, stream, bytes, start, end);
        break;
      case FrameType.PING:
        if (stream !== 0) this.badStream();
        else if (end - start !== 8) this.badSize();
        else this.onPing((flags & Flag.ACK) !== 0, bytes, start);
        break;
      case FrameType.PRIORITY:
        this.priority(stream, bytes, start, end);
        break;
      case FrameType.GOAWAY:
        if (stream !== 0) this.badStream();
        else if (end - start < 8) this.badSize();
        else this.onPeerGoAway(readUint31(bytes, start), readUint32(bytes, start + 4));
        break;
      case FrameType.PUSH_PROMISE:
        this.fail(ErrorCode.PROTOCOL_ERROR, 'http2.unexpected_push');
        break;
      default:
      // RFC 9113 4.1: what is not known is ignored.
    }
  }

  private badSize(): void {
    this.fail(ErrorCode.FRAME_SIZE_ERROR, 'http2.frame_size');
  }

  private badStream(): void {
    this.fail(ErrorCode.PROTOCOL_ERROR, 'http2.bad_stream_id');
  }

  private headers(flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    let from = start;
    let to = end;
    if ((flags & Flag.PADDED) !== 0) {
      to -= from < end ? (bytes[from] as number) : 0;
      from++;
    }
    if ((flags & Flag.PRIORITY) !== 0) {
      if (from + 5 <= to && readUint31(bytes, from) === stream) {
        this.fail(ErrorCode.PROTOCOL_ERROR, 'http2.self_dependency');
        return;
      }
      from += 5;
    }
    if (from > to) {
      this.onBadPadding();
      return;
    }
    if (stream === 0) {
      this.badStream();
      return;
    }
    const flood = this.guard.received(FrameType.HEADERS, flags, to - from);
    if (flood !== undefined) this.fail(ErrorCode.ENHANCE_YOUR_CALM, flood);
    else if ((flags & Flag.END_HEADERS) !== 0) {
      this.onHeadBlock(stream, (flags & Flag.END_STREAM) !== 0, bytes, from, to);
    } else {
      this.head.begin(stream, (flags & Flag.END_STREAM) !== 0);
      this.continueHead(bytes, from, to);
      this.onHeadBegun();
    }
  }

  /** More of a head is to come. */
  protected get headOpen(): boolean {
    return this.head.open;
  }

  private continuation(flags: number, bytes: Buffer, start: number, end: number): void {
    if (!this.continueHead(bytes, start, end) || (flags & Flag.END_HEADERS) === 0) return;
    const { head } = this;
    const block = head.take();
    this.onHeadBlock(head.stream, head.endStream, block, 0, block.length);
  }

  /** A block is let grow to what its fields may have, and a frame more: its own coding may be bad. */
  private continueHead(bytes: Buffer, start: number, end: number): boolean {
    const limit = this.options.limits.maxBytes + FRAME_LIMIT_BYTES;
    if (this.head.add(bytes, start, end, limit)) return true;
    this.stats.header_list_size_too_large.value++;
    return this.fail(ErrorCode.ENHANCE_YOUR_CALM, HeadError.tooLarge);
  }

  private windowUpdate(stream: number, increment: number): void {
    if (increment === 0) this.fail(ErrorCode.PROTOCOL_ERROR, 'http2.bad_window_update');
    else this.onWindowUpdate(stream, increment);
  }

  private settings(flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    const acknowledges = (flags & Flag.ACK) !== 0;
    if (stream !== 0) this.badStream();
    else if ((end - start) % 6 !== 0 || (acknowledges && end !== start)) this.badSize();
    else if (acknowledges) this.onSettingsAck();
    else {
      this.greeted = true;
      this.onSettings(bytes, start, end);
    }
  }

  /** Priorities are read for their errors only (RFC 9113 5.3.2). */
  private priority(stream: number, bytes: Buffer, start: number, end: number): void {
    if (stream === 0) this.badStream();
    else if (end - start !== 5) this.badSize();
    else if (readUint31(bytes, start) === stream) this.fail(ErrorCode.PROTOCOL_ERROR, 'http2.self_dependency');
  }
}
