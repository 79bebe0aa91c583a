/**
 * xxHash64, as Envoy's hash policies and hash rings use it.
 *
 * https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 */
import { Word64, word32 } from './word64.ts';

const P1_HIGH = 0x9e37_79b1;
const P1_LOW = 0x85eb_ca87;
const P2_HIGH = 0xc2b2_ae3d;
const P2_LOW = 0x27d4_eb4f;
const P3_HIGH = 0x1656_67b1;
const P3_LOW = 0x9e37_79f9;
const P4_HIGH = 0x85eb_ca77;
const P4_LOW = 0xc2b2_ae63;
const P5_HIGH = 0x27d4_eb2f;
const P5_LOW = 0x1656_67c5;

// Reused by every call: hashing is synchronous.
const hash = new Word64();
const start = new Word64();
const lane = new Word64();
const lanes = [new Word64(), new Word64(), new Word64(), new Word64()] as const;
const ROTATIONS = [1, 7, 12, 18] as const;

/** The hash of a text of one byte per character, 0 to 2^64 - 1. */
export function xxHash64(text: string, seed?: bigint): bigint {
  if (seed === undefined) start.set(0, 0);
  else start.set(Number(seed >> 32n), Number(seed & 0xffff_ffffn));
  digest(text);
  return (BigInt(hash.high >>> 0) << 32n) | BigInt(hash.low >>> 0);
}

/** As `xxHash64` with seed 0, without allocating anything. */
export function xxHash64Into(text: string, result: Word64): void {
  start.set(0, 0);
  digest(text);
  result.set(hash.high, hash.low);
}

/** Leaves the result in `hash`. */
function digest(text: string): void {
  let at = 0;
  if (text.length >= 32) at = hashStripes(text);
  else setSum(hash, P5_HIGH, P5_LOW);
  hash.add(0, text.length);
  hashRest(text, at);
  hash.fold(33);
  hash.multiply(P2_HIGH, P2_LOW);
  hash.foldLow(29);
  hash.multiply(P3_HIGH, P3_LOW);
  hash.fold(32);
}

/** The seed plus a number. */
function setSum(word: Word64, high: number, low: number): void {
  word.set(start.high, start.low);
  word.add(high, low);
}

/** Hashes all whole stripes of 32 bytes; returns where the rest begins. */
function hashStripes(text: string): number {
  setSum(lanes[0], P1_HIGH, P1_LOW);
  lanes[0].add(P2_HIGH, P2_LOW);
  setSum(lanes[1], P2_HIGH, P2_LOW);
  setSum(lanes[2], 0, 0);
  setSum(lanes[3], ~P1_HIGH, ~P1_LOW);
  lanes[3].add(0, 1);
  let at = 0;
  for (; at + 32 <= text.length; at += 32) {
    for (let i = 0; i < 4; i++) round(lanes[i] as Word64, word32(text, at + 8 * i + 4), word32(text, at + 8 * i));
  }
  hash.set(0, 0);
  for (let i = 0; i < 4; i++) {
    const { high, low } = lanes[i] as Word64;
    lane.set(high, low);
    lane.rotate(ROTATIONS[i] as number);
    hash.add(lane.high, lane.low);
  }
  for (const { high, low } of lanes) mergeRound(high, low);
  return at;
}

function hashRest(text: string, from: number): void {
  let at = from;
  for (; at + 8 <= text.length; at += 8) {
    lane.set(0, 0);
    round(lane, word32(text, at + 4), word32(text, at));
    hash.xor(lane.high, lane.low);
    hash.rotate(27);
    hash.multiply(P1_HIGH, P1_LOW);
    hash.add(P4_HIGH, P4_LOW);
  }
  if (at + 4 <= text.length) {
    lane.set(0, word32(text, at));
    lane.multiply(P1_HIGH, P1_LOW);
    hash.xor(lane.high, lane.low);
    hash.rotate(23);
    hash.multiply(P2_HIGH, P2_LOW);
    hash.add(P3_HIGH, P3_LOW);
    at += 4;
  }
  for (; at < text.length; at++) {
    lane.set(0, text.charCodeAt(at) & 0xff);
    lane.multiply(P5_HIGH, P5_LOW);
    hash.xor(lane.high, lane.low);
    hash.rotate(11);
    hash.multiply(P1_HIGH, P1_LOW);
  }
}

/** `state = rotate(state + input * P2, 31) * P1`. */
function round(state: Word64, high: number, low: number): void {
  input.set(high, low);
  input.multiply(P2_HIGH, P2_LOW);
  state.add(input.high, input.low);
  state.rotate(31);
  state.multiply(P1_HIGH, P1_LOW);
}

const input = new Word64();

function mergeRound(high: number, low: number): void {
  lane.set(0, 0);
  round(lane, high, low);
  hash.xor(lane.high, lane.low);
  hash.multiply(P1_HIGH, P1_LOW);
  hash.add(P4_HIGH, P4_LOW);
}
