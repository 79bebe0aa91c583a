import { describe, expect, it } from 'vitest';
import { binLeft, binMidpoint, binOf, binWidth } from './bins.ts';

describe('binOf', () => {
  it('puts every sample into the bin that spans it, without gaps between bins', () => {
    for (let bin = 1; bin < 90 * 8; bin++) {
      const left = binLeft(bin);
      const right = left + binWidth(bin);
      expect(right).toBeCloseTo(binLeft(bin + 1), 5);
      if (Number.isInteger(left)) expect(binOf(left)).toBe(bin);
    }
    for (const sample of [1, 9, 10, 99, 100, 109, 6043, 1_999_999, 123_456_789_012]) {
      const bin = binOf(sample);
      expect(binLeft(bin)).toBeLessThanOrEqual(sample);
      expect(binLeft(bin) + binWidth(bin)).toBeGreaterThan(sample);
    }
  });

  it('keeps strange samples in range', () => {
    for (const sample of [0, 0.99, -1, Number.NaN, Number.NEGATIVE_INFINITY]) expect(binOf(sample)).toBe(0);
    expect(binOf(Number.POSITIVE_INFINITY)).toBe(binOf(1e15));
    expect(binOf(7.9)).toBe(binOf(7));
  });
});

it('binMidpoint is the harmonic middle', () => {
  expect(binMidpoint(0)).toBe(0);
  expect(binMidpoint(binOf(6043))).toBe(6049.5867768595044);
});
