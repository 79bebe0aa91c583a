/**
 * Writes protobuf messages into one buffer that is used again and again, without an object per field.
 * Invariant: `begin` has made room for all that follows until `end`. Measured by benchmarks/micro/zipkin.bench.mjs.
 */

/** Room in front of a message for its own tag and length. */
const HEAD = 6;
/** A text of up to so many characters has a length of one byte. */
const SHORT = 42;
const HIGH = 0x1_0000_0000;

export class ScratchWriter {
  private buffer = Buffer.allocUnsafeSlow(8192);
  private at = HEAD;

  /** Starts a message of up to `room` bytes. */
  begin(room: number): void {
    if (this.buffer.length < room + HEAD) this.buffer = Buffer.allocUnsafeSlow(2 * (room + HEAD));
    this.at = HEAD;
  }

  /** The message as a delimited field, in memory of its own. */
  end(tag: number): Uint8Array {
    const { at, buffer } = this;
    const from = HEAD - 1 - sizeOf(at - HEAD);
    this.at = from;
    this.raw(tag, at - HEAD);
    return Uint8Array.prototype.slice.call(buffer, from, at);
  }

  varint(tag: number, value: number): void {
    this.raw(tag, value);
  }

  fixed64(tag: number, value: number): void {
    const { buffer } = this;
    buffer[this.at++] = tag;
    this.at = buffer.writeUInt32LE(value % HIGH, this.at);
    this.at = buffer.writeUInt32LE(Math.floor(value / HIGH), this.at);
  }

  /** A text of hexadecimal digits as bytes. */
  hex(tag: number, digits: string): void {
    const { buffer } = this;
    buffer[this.at++] = tag;
    buffer[this.at++] = digits.length >> 1;
    for (let from = 0; from < digits.length; from += 2) {
      buffer[this.at++] = (digitAt(digits, from) << 4) | digitAt(digits, from + 1);
    }
  }

  bytes(tag: number, bytes: Uint8Array): void {
    this.raw(tag, bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  text(tag: number, text: string): void {
    if (text.length > SHORT) this.raw(tag, Buffer.byteLength(text));
    else this.buffer[this.at++] = tag;
    const from = text.length > SHORT ? this.at : this.at + 1;
    const length = this.buffer.write(text, from);
    if (text.length <= SHORT) this.buffer[this.at] = length;
    this.at = from + length;
  }

  /** Begins a message within; the answer is for {@link close}. */
  open(tag: number): number {
    this.buffer[this.at++] = tag;
    return ++this.at;
  }

  /** Ends it. Its length was thought to take one byte; if it takes more, what stands there moves. */
  close(from: number): void {
    const { at } = this;
    const length = at - from;
    const more = sizeOf(length) - 1;
    if (more > 0) this.buffer.copyWithin(from + more, from, at);
    this.at = from - 1;
    this.length(length);
    this.at = at + more;
  }

  private raw(tag: number, value: number): void {
    this.buffer[this.at++] = tag;
    this.length(value);
  }

  private length(value: number): void {
    const { buffer } = this;
    for (; value > 0x7f; value = Math.floor(value / 128)) buffer[this.at++] = (value % 128) | 0x80;
    buffer[this.at++] = value;
  }
}

function sizeOf(value: number): number {
  let bytes = 1;
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes++;
  return bytes;
}

function digitAt(digits: string, at: number): number {
  const code = digits.charCodeAt(at);
  return code < 58 ? code - 48 : code - 87;
}
