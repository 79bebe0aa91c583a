import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

function bucket(maxTokens: number, tokensPerFill: number, fillIntervalMs: number) {
  let now = 1000;
  const clock = { nowMs: () => now, wallMs: () => 0, schedule: () => () => {} };
  const made = new TokenBucket({ maxTokens, tokensPerFill, fillIntervalMs }, clock);
  return { made, advance: (ms: number) => void (now += ms) };
}

const takes = (made: TokenBucket, times: number) => Array.from({ length: times }, () => made.take());

describe('TokenBucket', () => {
  it('is full at first and empty afterwards', () => {
    expect(takes(bucket(2, 1, 100).made, 3)).toEqual([true, true, false]);
  });

  it('is filled per whole interval, and the rest of one is not lost', () => {
    const { made, advance } = bucket(3, 1, 100);
    takes(made, 3);
    advance(99);
    expect(made.take()).toBe(false);
    advance(51);
    expect(takes(made, 2)).toEqual([true, false]);
    advance(50);
    expect(takes(made, 2)).toEqual([true, false]);
  });

  it('never holds more than its maximum', () => {
    const { made, advance } = bucket(3, 2, 100);
    takes(made, 3);
    advance(100_000);
    expect(made.available).toBe(3);
  });

  it('takes several at once or none', () => {
    const { made } = bucket(3, 1, 100);
    expect([made.take(4), made.take(2), made.take(2), made.available]).toEqual([false, true, false, 1]);
  });
});
