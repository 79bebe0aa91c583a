/** MurmurHash2 of 64 bits with the seed of `std::hash` in GNU libstdc++: Envoy's `MURMUR_HASH_2`. */
import { Word64, word32 } from './word64.ts';

const MUL_HIGH = 0xc6a4_a793;
const MUL_LOW = 0x5bd1_e995;
const SEED = 0xc70f_6907;

// Reused by every call: hashing is synchronous.
const block = new Word64();

/** The hash of a text of one byte per character. */
export function murmurHash2Into(text: string, result: Word64): void {
  result.set(0, text.length);
  result.multiply(MUL_HIGH, MUL_LOW);
  result.xor(0, SEED);
  let at = 0;
  for (; at + 8 <= text.length; at += 8) {
    block.set(word32(text, at + 4), word32(text, at));
    block.multiply(MUL_HIGH, MUL_LOW);
    block.fold(47);
    block.multiply(MUL_HIGH, MUL_LOW);
    mix(result, block.high, block.low);
  }
  // What is not there counts as 0.
  if (at < text.length) mix(result, word32(text, at + 4), word32(text, at));
  result.fold(47);
  result.multiply(MUL_HIGH, MUL_LOW);
  result.fold(47);
}

function mix(result: Word64, high: number, low: number): void {
  result.xor(high, low);
  result.multiply(MUL_HIGH, MUL_LOW);
}
