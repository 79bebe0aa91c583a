/**
 * Bytes to frames. Payloads of DATA are handed on in the pieces in which they come, without a copy; every other frame is
 * handed on whole, copied only when it came in pieces. Invariant: after `halt` nothing more is handed on.
 */
import { Flag, FrameType, frameLength, HEADER_BYTES, readUint31 } from './frames.ts';

const EMPTY = Buffer.alloc(0);

export abstract class FrameReader {
  /** The frame whose first bytes have come, or a frame header in parts. */
  private carry: Buffer = EMPTY;
  private carried = 0;
  /** Bytes that `carry` must hold before anything can be done. */
  private wanted = HEADER_BYTES;
  /** The header in `carry` was judged already. */
  private judged = false;
  /** What is still to come of the DATA frame at hand, without and of its padding. */
  private dataLeft = 0;
  private paddingLeft = 0;
  private halted = false;

  /** A frame's header has come. False: the connection is given up. */
  protected abstract onFrameHeader(length: number, type: number, flags: number, stream: number): boolean;
  /** One frame but DATA; its payload is `bytes[start..end)`. */
  protected abstract onFrame(
    type: number,
    flags: number,
    stream: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void;
  /** A DATA frame begins: `length` bytes, of which `data` are no padding. */
  protected abstract onDataFrame(flags: number, stream: number, length: number, data: number): void;
  /** A piece of the frame that `onDataFrame` told of; `last` with its last byte, also when there is none. */
  protected abstract onDataPiece(piece: Buffer, last: boolean, owned: boolean): void;
  /** Padding that is longer than its frame. */
  protected abstract onBadPadding(): void;

  /** Part of a HEADERS frame has come, and no more for now. */
  protected get inHead(): boolean {
    return this.carried >= HEADER_BYTES && this.carry[3] === FrameType.HEADERS;
  }

  protected halt(): void {
    this.halted = true;
    this.carry = EMPTY;
    this.carried = 0;
  }

  protected read(chunk: Buffer, from: number, owned: boolean): void {
    let pos = from;
    const end = chunk.length;
    while (pos < end && !this.halted) {
      if (this.dataLeft > 0) pos = this.data(chunk, pos, owned);
      else if (this.paddingLeft > 0) pos = this.padding(pos, end);
      else if (this.carried > 0) pos = this.fill(chunk, pos);
      else if (end - pos < HEADER_BYTES) pos = this.keep(chunk, pos, HEADER_BYTES, false);
      else pos = this.frame(chunk, pos);
    }
  }

  /** The frame whose header is at `pos`. */
  private frame(chunk: Buffer, pos: number): number {
    const length = frameLength(chunk, pos);
    const type = chunk[pos + 3] as number;
    const flags = chunk[pos + 4] as number;
    const stream = readUint31(chunk, pos + 5);
    if (!this.onFrameHeader(length, type, flags, stream)) return chunk.length;
    const start = pos + HEADER_BYTES;
    const end = start + length;
    if (type === FrameType.DATA) {
      if ((flags & Flag.PADDED) === 0) {
        this.beginData(flags, stream, length, length, 0);
        return start;
      }
      if (length > 0 && start === chunk.length) return this.keep(chunk, pos, HEADER_BYTES + 1, true);
      this.beginPadded(flags, stream, length, chunk[start] as number);
      return start + 1;
    }
    if (end > chunk.length) return this.keep(chunk, pos, HEADER_BYTES + length, true);
    this.onFrame(type, flags, stream, chunk, start, end);
    return end;
  }

  private keep(chunk: Buffer, pos: number, wanted: number, judged: boolean): number {
    this.grow(wanted);
    this.wanted = wanted;
    this.judged = judged;
    this.carried = chunk.copy(this.carry, 0, pos);
    return chunk.length;
  }

  private grow(bytes: number): void {
    if (this.carry.length >= bytes) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(64, bytes));
    this.carry.copy(larger, 0, 0, this.carried);
    this.carry = larger;
  }

  /** Puts bytes behind those that were carried. */
  private fill(chunk: Buffer, pos: number): number {
    const { carry } = this;
    const missing = this.wanted - this.carried;
    const copied = chunk.copy(carry, this.carried, pos, Math.min(chunk.length, pos + missing));
    this.carried += copied;
    const next = pos + copied;
    if (copied === missing) this.settleCarry();
    return this.halted ? chunk.length : next;
  }

  /** `carry` holds what was wanted. */
  private settleCarry(): void {
    const length = frameLength(this.carry, 0);
    const type = this.carry[3] as number;
    const flags = this.carry[4] as number;
    const stream = readUint31(this.carry, 5);
    if (!this.judged) {
      if (!this.onFrameHeader(length, type, flags, stream)) return;
      this.judged = true;
      this.wanted =
        type !== FrameType.DATA ? HEADER_BYTES + length : HEADER_BYTES + (length > 0 && flags & Flag.PADDED ? 1 : 0);
      this.grow(this.wanted);
      if (this.wanted > this.carried) return;
    }
    const { carry } = this;
    this.carried = 0;
    if (type !== FrameType.DATA) {
      this.carry = EMPTY;
      this.onFrame(type, flags, stream, carry, HEADER_BYTES, HEADER_BYTES + length);
      if (!this.halted && carry.length <= 64) this.carry = carry;
    } else if ((flags & Flag.PADDED) === 0) this.beginData(flags, stream, length, length, 0);
    else this.beginPadded(flags, stream, length, carry[HEADER_BYTES] as number);
  }

  private beginPadded(flags: number, stream: number, length: number, padding: number): void {
    if (length === 0 || padding >= length) this.onBadPadding();
    else this.beginData(flags, stream, length, length - 1 - padding, padding);
  }

  private beginData(flags: number, stream: number, length: number, data: number, padding: number): void {
    this.dataLeft = data;
    this.paddingLeft = padding;
    this.onDataFrame(flags, stream, length, data);
    if (data === 0 && !this.halted) this.onDataPiece(EMPTY, true, true);
  }

  private data(chunk: Buffer, pos: number, owned: boolean): number {
    const next = pos + this.dataLeft;
    if (next > chunk.length) {
      this.dataLeft = next - chunk.length;
      this.onDataPiece(pos === 0 ? chunk : (chunk.subarray(pos) as Buffer), false, owned);
      return chunk.length;
    }
    this.dataLeft = 0;
    this.onDataPiece(chunk.subarray(pos, next) as Buffer, true, owned);
    return next;
  }

  private padding(pos: number, end: number): number {
    const skipped = Math.min(this.paddingLeft, end - pos);
    this.paddingLeft -= skipped;
    return pos + skipped;
  }
}
