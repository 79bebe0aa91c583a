/**
 * 64-bit numbers as two halves of 32 bits, because BigInt arithmetic would allocate at every step.
 */

/** A 64-bit number that is worked on in place; both halves are kept as signed 32-bit numbers. */
export class Word64 {
  high = 0;
  low = 0;

  set(high: number, low: number): void {
    this.high = high | 0;
    this.low = low | 0;
  }

  add(high: number, low: number): void {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.low = sum | 0;
    this.high = (this.high + high + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  }

  xor(high: number, low: number): void {
    this.high ^= high;
    this.low ^= low;
  }

  multiply(high: number, low: number): void {
    const upper = Math.imul(this.high, low) + Math.imul(this.low, high) + upperHalf(this.low, low);
    this.low = Math.imul(this.low, low);
    this.high = upper | 0;
  }

  /** By 1 to 31 bits. */
  rotate(bits: number): void {
    const { high, low } = this;
    this.high = (high << bits) | (low >>> (32 - bits));
    this.low = (low << bits) | (high >>> (32 - bits));
  }

  /** `this ^= this >>> bits`, for 32 and more bits. */
  fold(bits: number): void {
    this.low ^= this.high >>> (bits - 32);
  }

  /** `this ^= this >>> 29` and its like, for less than 32 bits. */
  foldLow(bits: number): void {
    const { high, low } = this;
    this.low = low ^ ((low >>> bits) | (high << (32 - bits)));
    this.high = high ^ (high >>> bits);
  }
}

/** The upper 32 bits of the product of two unsigned 32-bit numbers. Every sum stays below 2^53. */
function upperHalf(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const first = aHigh * bLow + Math.floor((aLow * bLow) / 0x1_0000);
  const second = aLow * bHigh + (first % 0x1_0000);
  return (aHigh * bHigh + Math.floor(first / 0x1_0000) + Math.floor(second / 0x1_0000)) | 0;
}

/** Four bytes of a text of one byte per character, little end first. */
export function word32(text: string, at: number): number {
  return (
    (text.charCodeAt(at) & 0xff) |
    ((text.charCodeAt(at + 1) & 0xff) << 8) |
    ((text.charCodeAt(at + 2) & 0xff) << 16) |
    (text.charCodeAt(at + 3) << 24)
  );
}
