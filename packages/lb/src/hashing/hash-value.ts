/** The 64 bits that a request is placed by, as two halves: arithmetic on a bigint would allocate at every step. */
import type { RandomSource } from '@mesh/core';

const HALF = 0x1_0000_0000;
const bits = new BigUint64Array(1);
const halves = new Uint32Array(bits.buffer);
const LOW = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 0 : 1;

export class HashValue {
  /** Unsigned. */
  high = 0;
  /** Unsigned. */
  low = 0;

  set(value: bigint): void {
    bits[0] = value;
    this.high = halves[1 - LOW] as number;
    this.low = halves[LOW] as number;
  }

  /** As good a value as any, for requests that have none. */
  draw(random: RandomSource): void {
    this.high = Math.floor(random() * HALF);
    this.low = Math.floor(random() * HALF);
  }

  /** What is left by a division by 100. */
  get percent(): number {
    return ((this.high % 100) * (HALF % 100) + (this.low % 100)) % 100;
  }
}

/** What is left of a 64-bit number, whose halves are given unsigned, by a division by `divisor`, at most 2^37. */
export function remainder(high: number, low: number, divisor: number): number {
  const upper = ((high % divisor) * 0x1_0000 + (low >>> 16)) % divisor;
  return (upper * 0x1_0000 + (low & 0xffff)) % divisor;
}
