/**
 * Frames out: everything that is small is laid into one buffer and reaches the socket as one string per flush; large
 * payloads go to the socket behind it without a copy. Counts what is queued (`max_outbound_frames`).
 */
import type { Connection } from '../net/connection.ts';
import { latin1Range } from '../net/latin1.ts';
import { Flag, FRAME_LIMIT_BYTES, FrameType, HEADER_BYTES, writeFrameHeader, writeUint32 } from './frames.ts';
import type { FloodGuard } from './guard.ts';
import { BlockWriter, HpackEncoder } from './hpack/index.ts';

/** Payloads up to this size are copied into the buffer. */
const JOIN_MAX_BYTES = 4096;
/** The buffer is handed on when it holds so much. */
const FULL_BYTES = 32 * 1024;
/** Larger buffers are not kept for the next user. */
const KEPT_BYTES = 128 * 1024;

/** Buffers that no connection is writing to. */
const spares: BlockWriter[] = [];

export class FrameWriter {
  readonly encoder: HpackEncoder;
  private readonly connection: Connection;
  private readonly guard: FloodGuard;
  private out: BlockWriter | undefined = undefined;
  private headAt = 0;
  /** Changes with each write to the socket. */
  flushes = 0;

  constructor(connection: Connection, guard: FloodGuard, hpackTableBytes: number) {
    this.connection = connection;
    this.guard = guard;
    this.encoder = new HpackEncoder(hpackTableBytes);
  }

  /** Something waits for a flush. */
  get pending(): boolean {
    return this.out !== undefined;
  }

  private take(bytes: number): BlockWriter {
    let out = this.out;
    if (out === undefined) {
      out = spares.pop() ?? new BlockWriter();
      out.reset();
      this.out = out;
    }
    out.reserve(bytes);
    return out;
  }

  private count(control: boolean): void {
    // What the socket takes is not held here: only a peer that does not read can be flooding.
    if (this.guard.queued(control)) this.flush();
  }

  /** Lays a frame's header down and returns where its payload goes. */
  private frame(length: number, type: number, flags: number, stream: number): BlockWriter {
    const out = this.take(HEADER_BYTES + length);
    writeFrameHeader(out.bytes, out.length, length, type, flags, stream);
    out.length += HEADER_BYTES + length;
    return out;
  }

  preface(preface: Buffer): void {
    const out = this.take(preface.length);
    preface.copy(out.bytes, out.length);
    out.length += preface.length;
  }

  /** `settings` is `[id, value, …]`. */
  settings(settings: readonly number[]): void {
    const length = settings.length * 3;
    const out = this.frame(length, FrameType.SETTINGS, 0, 0);
    let at = out.length - length;
    for (let i = 0; i < settings.length; i += 2) {
      const id = settings[i] as number;
      out.bytes[at] = id >> 8;
      out.bytes[at + 1] = id;
      writeUint32(out.bytes, at + 2, settings[i + 1] as number);
      at += 6;
    }
    this.count(false);
  }

  /** Such answers cost the peer nothing: more of them in one read than may wait are a flood, whoever reads them. */
  settingsAck(): void {
    this.frame(0, FrameType.SETTINGS, Flag.ACK, 0);
    this.guard.queued(true);
  }

  /** The eight bytes at `start`. */
  ping(bytes: Uint8Array, start: number, ack: boolean): void {
    const out = this.frame(8, FrameType.PING, ack ? Flag.ACK : 0, 0);
    for (let i = 0; i < 8; i++) out.bytes[out.length - 8 + i] = bytes[start + i] as number;
    if (ack) this.guard.queued(true);
    else this.count(false);
  }

  rstStream(stream: number, code: number): void {
    const out = this.frame(4, FrameType.RST_STREAM, 0, stream);
    writeUint32(out.bytes, out.length - 4, code);
    this.count(true);
  }

  goAway(lastStream: number, code: number): void {
    const out = this.frame(8, FrameType.GOAWAY, 0, 0);
    writeUint32(out.bytes, out.length - 8, lastStream);
    writeUint32(out.bytes, out.length - 4, code);
    this.count(false);
  }

  windowUpdate(stream: number, increment: number): void {
    const out = this.frame(4, FrameType.WINDOW_UPDATE, 0, stream);
    writeUint32(out.bytes, out.length - 4, increment);
    this.count(false);
  }

  /** Begins a header block; fields follow through `encoder.field(block, …)`, then `endHead`. */
  beginHead(): BlockWriter {
    const out = this.take(HEADER_BYTES + 256);
    this.headAt = out.length;
    out.length += HEADER_BYTES;
    this.encoder.begin(out);
    return out;
  }

  endHead(stream: number, end: boolean): void {
    const out = this.out as BlockWriter;
    const length = out.length - this.headAt - HEADER_BYTES;
    if (length > FRAME_LIMIT_BYTES) this.splitHead(out, stream, end);
    else {
      const flags = end ? Flag.END_HEADERS | Flag.END_STREAM : Flag.END_HEADERS;
      writeFrameHeader(out.bytes, this.headAt, length, FrameType.HEADERS, flags, stream);
      this.count(false);
    }
    if (out.length > FULL_BYTES) this.flush();
  }

  private splitHead(out: BlockWriter, stream: number, end: boolean): void {
    const block = Buffer.from(out.bytes.subarray(this.headAt + HEADER_BYTES, out.length));
    out.length = this.headAt;
    // No other frame may come in between, nor may the counting write a part.
    for (let at = 0; at < block.length; at += FRAME_LIMIT_BYTES) {
      const size = Math.min(FRAME_LIMIT_BYTES, block.length - at);
      const last = at + size === block.length ? Flag.END_HEADERS : 0;
      const type = at === 0 ? FrameType.HEADERS : FrameType.CONTINUATION;
      const frame = this.frame(size, type, at === 0 && end ? last | Flag.END_STREAM : last, stream);
      block.copy(frame.bytes, frame.length - size, at, at + size);
    }
    this.count(false);
  }

  /** One DATA frame; the payload, `chunk[start..end)`, fits. */
  data(stream: number, chunk: Uint8Array, start: number, end: number, last: boolean, owned: boolean): void {
    const length = end - start;
    const flags = last ? Flag.END_STREAM : 0;
    this.guard.dataFrames++;
    if (length <= JOIN_MAX_BYTES) {
      const out = this.frame(length, FrameType.DATA, flags, stream);
      if (length > 0) out.bytes.set(length === chunk.length ? chunk : chunk.subarray(start, end), out.length - length);
      if (out.length > FULL_BYTES) this.flush();
    } else {
      const out = this.take(HEADER_BYTES);
      writeFrameHeader(out.bytes, out.length, length, FrameType.DATA, flags, stream);
      out.length += HEADER_BYTES;
      this.commit();
      this.connection.addBytes(length === chunk.length ? chunk : chunk.subarray(start, end), owned);
    }
    this.count(false);
  }

  /** Hands what was laid down to the connection, which still holds it back. */
  private commit(): void {
    const { out } = this;
    if (out === undefined) return;
    this.out = undefined;
    this.connection.addText(latin1Range(out.bytes, 0, out.length));
    if (out.bytes.length <= KEPT_BYTES && spares.length < 16) spares.push(out);
  }

  /** Sends everything. */
  flush(): void {
    this.flushes++;
    this.commit();
    const { connection } = this;
    connection.flush();
    this.guard.written(connection.bytesUnsent, connection.bytesWritten);
  }

  /** The connection is gone. */
  drop(): void {
    this.out = undefined;
  }
}
