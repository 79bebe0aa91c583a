import { describe, expect, it } from 'vitest';
import { ResetRate } from './reset-rate.ts';

function taken(rate: ResetRate, nowMs: number): number {
  let count = 0;
  while (rate.take(nowMs)) count++;
  return count;
}

describe('ResetRate', () => {
  it('lets a burst of 1000 through', () => {
    expect(taken(new ResetRate(5), 5)).toBe(1000);
  });

  it('lets 33 more through after each whole second', () => {
    const rate = new ResetRate(0);
    taken(rate, 0);
    expect(taken(rate, 999)).toBe(0);
    expect(taken(rate, 1500)).toBe(33);
    expect(taken(rate, 1999)).toBe(0);
    expect(taken(rate, 4000)).toBe(99);
  });

  it('saves up no more than a burst', () => {
    expect(taken(new ResetRate(0), 3_600_000)).toBe(1000);
  });
});
