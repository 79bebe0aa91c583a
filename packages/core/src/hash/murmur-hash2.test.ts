import { expect, it } from 'vitest';
import { murmurHash2Into } from './murmur-hash2.ts';
import { Word64 } from './word64.ts';

const MASK = (1n << 64n) - 1n;
const MUL = 0xc6a4a7935bd1e995n;

/** The published algorithm, word by word. */
function reference(text: string): bigint {
  const bytes = Buffer.from(text, 'latin1');
  const mix = (value: bigint) => value ^ (value >> 47n);
  let hash = 0xc70f6907n ^ ((BigInt(bytes.length) * MUL) & MASK);
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    const data = (mix((bytes.readBigUInt64LE(at) * MUL) & MASK) * MUL) & MASK;
    hash = ((hash ^ data) * MUL) & MASK;
  }
  if (at < bytes.length) {
    let rest = 0n;
    for (let i = bytes.length - 1; i >= at; i--) rest = (rest << 8n) | BigInt(bytes[i] as number);
    hash = ((hash ^ rest) * MUL) & MASK;
  }
  return mix((mix(hash) * MUL) & MASK);
}

function murmurHash2(text: string): bigint {
  const word = new Word64();
  murmurHash2Into(text, word);
  return (BigInt(word.high >>> 0) << 32n) | BigInt(word.low >>> 0);
}

it.each([
  ['', 6142509188972423790n],
  ['foo', 9631199822919835226n],
  ['bar', 11474628671133349555n],
  ['foobar', 1006047371904342835n],
  ['127.0.0.1:25001_17', 6505431789814112524n],
])('murmurHash2Into of %j is what libstdc++ gives', (text, expected) => {
  expect(murmurHash2(text)).toBe(expected);
});

it('murmurHash2Into agrees with the algorithm for texts of every length', () => {
  let text = '';
  for (let length = 0; length < 100; length++) {
    expect([length, murmurHash2(text)]).toEqual([length, reference(text)]);
    text += String.fromCharCode((length * 137 + 251) % 256);
  }
});
