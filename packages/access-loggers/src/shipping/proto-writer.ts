/**
 * Protobuf's wire format into one buffer, with the methods of `BinaryWriter` of `@bufbuild/protobuf/wire`, which makes an
 * array per nested message and an encoded copy per text: entries consist of these, and one is made per request.
 */

const INITIAL_BYTES = 1024;

/** Texts up to this length are written character by character, which is cheaper than a call out of JavaScript. */
const SHORT_TEXT = 24;

export class ProtoWriter {
  private buffer: Buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  private at = 0;
  /** Where the lengths of the open messages stand. */
  private readonly open: number[] = [];

  tag(field: number, wireType: number): this {
    return this.uint32(((field << 3) | wireType) >>> 0);
  }

  uint32(value: number): this {
    this.reserve(5);
    this.at = varint(this.buffer, this.at, value);
    return this;
  }

  /** A non-negative whole number. */
  uint64(value: number): this {
    this.reserve(10);
    const { buffer } = this;
    let { at } = this;
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) buffer[at++] = (rest % 128) | 0x80;
    buffer[at++] = rest;
    this.at = at;
    return this;
  }

  int32(value: number): this {
    return value < 0 ? this.int64(value) : this.uint32(value);
  }

  int64(value: number | string): this {
    if (typeof value === 'number' && value >= 0) return this.uint64(value);
    this.reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) this.buffer[this.at++] = Number(rest & 0x7fn) | 0x80;
    this.buffer[this.at++] = Number(rest);
    return this;
  }

  bool(value: boolean): this {
    return this.uint32(value ? 1 : 0);
  }

  double(value: number): this {
    this.reserve(8);
    this.at = this.buffer.writeDoubleLE(value, this.at);
    return this;
  }

  fixed64(value: bigint): this {
    this.reserve(8);
    this.at = this.buffer.writeBigUInt64LE(value, this.at);
    return this;
  }

  string(text: string): this {
    if (text.length <= SHORT_TEXT && this.shortText(text)) return this;
    const bytes = Buffer.byteLength(text);
    this.reserve(bytes + 5);
    this.at = varint(this.buffer, this.at, bytes);
    this.at += this.buffer.write(text, this.at, 'utf8');
    return this;
  }

  /** False for a text that is not ASCII; nothing is written then. */
  private shortText(text: string): boolean {
    this.reserve(SHORT_TEXT + 1);
    const { buffer } = this;
    let at = this.at + 1;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      buffer[at++] = code;
    }
    buffer[this.at] = text.length;
    this.at = at;
    return true;
  }

  bytes(value: Uint8Array): this {
    this.reserve(value.length + 5);
    this.at = varint(this.buffer, this.at, value.length);
    this.buffer.set(value, this.at);
    this.at += value.length;
    return this;
  }

  /** Begins a nested message; its length, mostly below 128, has one byte for now. */
  fork(): this {
    this.reserve(1);
    this.open.push(this.at++);
    return this;
  }

  /** Ends it. */
  join(): this {
    const start = this.open.pop() as number;
    const length = this.at - start - 1;
    if (length < 0x80) {
      this.buffer[start] = length;
      return this;
    }
    const more = length < 0x4000 ? 1 : length < 0x20_0000 ? 2 : length < 0x1000_0000 ? 3 : 4;
    this.reserve(more);
    this.buffer.copyWithin(start + 1 + more, start + 1, this.at);
    varint(this.buffer, start, length);
    this.at += more;
    return this;
  }

  /** Forgets what was written, for a writer that is used again and again. */
  restart(): this {
    this.at = 0;
    this.open.length = 0;
    return this;
  }

  /** What was written, in bytes of its own. */
  finish(): Uint8Array {
    return Buffer.from(this.buffer.subarray(0, this.at));
  }

  private reserve(bytes: number): void {
    const needed = this.at + bytes;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }
}

/** Writes a varint of at most 32 bits; returns what follows it. */
function varint(buffer: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) buffer[at++] = (rest & 0x7f) | 0x80;
  buffer[at++] = rest;
  return at;
}
