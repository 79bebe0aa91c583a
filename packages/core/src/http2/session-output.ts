/**
 * What a session sends: frames that wait for the end of a read or of a turn, streams that wait for a window, writers that
 * wait for the socket. Invariant: while anything waits, something will wake it: the flush of this turn, `onWritable`, or a
 * WINDOW_UPDATE.
 */
import type { Headers } from '../api/headers.ts';
import type { Connection } from '../net/connection.ts';
import type { Http2CodecStats } from '../stats/index.ts';
import { flushLater } from './flush-turn.ts';
import { FrameDispatch } from './frame-dispatch.ts';
import { FrameWriter } from './frame-writer.ts';
import { DEFAULT_WINDOW_BYTES, FRAME_LIMIT_BYTES, MAX_WINDOW_BYTES } from './frames.ts';
import { ErrorCode } from './handlers.ts';
import { writeTrailers } from './head-writer.ts';
import type { Http2Options } from './options.ts';
import { PeerSettings } from './settings.ts';
import type { Http2Stream } from './stream.ts';
import { Turns } from './turns.ts';

const EMPTY = Buffer.alloc(0);

export abstract class SessionOutput<S extends Http2Stream = Http2Stream> extends FrameDispatch {
  readonly connection: Connection;
  /** @internal What may be sent on the connection. */
  sendWindow = DEFAULT_WINDOW_BYTES;
  /** @internal Streams that were told to wait. */
  stalls = 0;
  protected readonly writer: FrameWriter;
  protected readonly peer = new PeerSettings();
  protected readonly streams = new Map<number, S>();
  /** Given up, or gone. */
  protected over = false;
  protected inFeed = false;
  private scheduled = false;
  private readonly turns = new Turns<S>();

  constructor(connection: Connection, options: Http2Options, stats: Http2CodecStats) {
    super(options, stats);
    this.connection = connection;
    this.writer = new FrameWriter(connection, this.guard, options.hpackTableSizeBytes);
  }

  /** True for a stream that nobody has opened yet. */
  protected abstract isIdle(stream: number): boolean;
  /** END_STREAM has been laid down. */
  protected abstract sentEnd(stream: Http2Stream): void;
  /** A frame of the peer's is wrong for `stream` only, unless it is closed already. */
  protected abstract streamError(stream: S, code: ErrorCode, details: string): void;

  /** @internal The socket takes no more for now. */
  get backedUp(): boolean {
    const { connection } = this;
    return connection.backedUp || connection.socket.writableLength >= connection.highWatermark;
  }

  /** @internal Something was laid down; it goes out with the read that is being worked on, or with the turn. */
  markDirty(): void {
    if (this.inFeed || this.scheduled || this.over) return;
    this.scheduled = true;
    flushLater(this);
  }

  /** @internal */
  flushNow(): void {
    this.scheduled = false;
    if (this.over) return;
    const flood = this.guard.outboundFlood();
    if (flood !== undefined) {
      this.fail(ErrorCode.ENHANCE_YOUR_CALM, flood);
      return;
    }
    // A socket that holds bytes must be asked, or it will not tell when it has drained.
    if (this.writer.pending || (this.backedUp && !this.connection.backedUp)) this.writer.flush();
    if (this.connection.backedUp) return;
    if (this.turns.waiting) this.takeTurns();
    if (this.stalls > 0) this.wake();
  }

  /** The socket has drained. */
  onWritable(): void {
    if (this.over) return;
    this.guard.written(this.connection.bytesUnsent, this.connection.bytesWritten);
    this.takeTurns();
    this.flushNow();
  }

  /** Tells streams that have little left waiting to go on. */
  private wake(): void {
    if (this.stalls === 0) return;
    for (const stream of this.streams.values()) {
      if (!stream.stalled || stream.queuedBytes > this.options.bufferLimitBytes >> 1) continue;
      this.unstall(stream);
      if (this.over || this.backedUp) return;
    }
  }

  private unstall(stream: S): void {
    stream.stalled = false;
    this.stalls--;
    stream.deliverWritable();
  }

  /** @internal DATA frames for `chunk[start..end)`, for which there is window. */
  writeData(stream: Http2Stream, chunk: Uint8Array, start: number, end: number, last: boolean, owned: boolean): void {
    const size = end - start;
    stream.sendWindow -= size;
    this.sendWindow -= size;
    if (size > FRAME_LIMIT_BYTES) this.writeFrames(stream, chunk, start, end, last, owned);
    else this.writer.data(stream.id, chunk, start, end, last, owned);
    if (last) this.sentEnd(stream);
  }

  /** As one list of buffers: a write for each frame would be a system call for each. */
  private writeFrames(
    stream: Http2Stream,
    chunk: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    owned: boolean,
  ): void {
    this.connection.socket.cork();
    for (let at = start; at < end; at += FRAME_LIMIT_BYTES) {
      const stop = Math.min(at + FRAME_LIMIT_BYTES, end);
      this.writer.data(stream.id, chunk, at, stop, last && stop === end, owned);
    }
    this.connection.socket.uncork();
  }

  /** @internal */
  writeTrailers(stream: Http2Stream, trailers: Headers): void {
    if (writeTrailers(this.writer, stream.id, trailers)) this.sentEnd(stream);
    else this.writeData(stream, EMPTY, 0, 0, true, true);
  }

  /** @internal Bytes of `stream` wait. */
  queued(stream: Http2Stream, bytes: number): void {
    this.stats.pending_send_bytes.value += bytes;
    // Without a window of its own it gets a turn when that opens.
    if (stream.sendWindow > 0) this.turns.add(stream as S);
  }

  /** @internal */
  dequeued(bytes: number): void {
    this.stats.pending_send_bytes.value -= bytes;
  }

  /** Streams that wait send one frame each in turn, while the connection's window lasts and the socket takes it. */
  protected takeTurns(): void {
    while (this.sendWindow > 0 && !this.backedUp && !this.over) {
      const stream = this.turns.next();
      if (stream === undefined) break;
      stream.sendQueued(FRAME_LIMIT_BYTES);
      if (stream.closed) continue;
      if (stream.waiting && stream.sendWindow > 0) this.turns.add(stream);
      if (stream.stalled && stream.queuedBytes <= this.options.bufferLimitBytes >> 1) this.unstall(stream);
    }
    if (this.writer.pending || (this.turns.waiting && this.sendWindow > 0)) this.markDirty();
  }

  // Windows

  protected override onWindowUpdate(id: number, increment: number): void {
    if (id === 0) {
      this.sendWindow += increment;
      if (this.sendWindow > MAX_WINDOW_BYTES) this.fail(ErrorCode.FLOW_CONTROL_ERROR, 'http2.window_overflow');
      else this.takeTurns();
      return;
    }
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (this.isIdle(id)) this.fail(ErrorCode.PROTOCOL_ERROR, 'http2.idle_stream');
      return;
    }
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_WINDOW_BYTES) {
      this.streamError(stream, ErrorCode.FLOW_CONTROL_ERROR, 'http2.window_overflow');
    } else if (stream.waiting && stream.sendWindow > 0) {
      this.turns.add(stream);
      this.takeTurns();
    }
  }

  /** RFC 9113 6.9.2: the windows of open streams move along, also below zero. */
  protected moveWindows(delta: number): boolean {
    for (const stream of this.streams.values()) {
      stream.sendWindow += delta;
      if (stream.sendWindow > MAX_WINDOW_BYTES) return this.fail(ErrorCode.FLOW_CONTROL_ERROR, 'http2.window_overflow');
      if (stream.waiting && stream.sendWindow > 0) this.turns.add(stream);
    }
    return true;
  }
}
