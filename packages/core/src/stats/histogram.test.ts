import { describe, expect, it } from 'vitest';
import { DEFAULT_BUCKETS, Histogram } from './histogram.ts';

function flushed(samples: readonly number[]): Histogram {
  const histogram = new Histogram('h');
  for (const sample of samples) histogram.record(sample);
  histogram.flush();
  return histogram;
}

const times = (count: number, sample: number): number[] => Array.from({ length: count }, () => sample);

// The expected figures were printed by Envoy 1.40 for the same samples.
describe('quantiles', () => {
  it.each([
    [
      times(10, 1),
      [
        1.009090909090909, 1.0272727272727273, 1.0454545454545454, 1.0727272727272728, 1.0818181818181818,
        1.0909090909090908, 1.0909090909090908, 1.0909090909090908, 1.0909090909090908, 1.0909090909090908,
      ],
    ],
    [
      [0, 0, 0, 0, 0, 3, 3, 6],
      [0, 0, 0, 3.033333333333333, 6.05, 6.05, 6.05, 6.05, 6.05, 6.05],
    ],
    [[6043], times(10, 6050)],
    [
      [...times(113, 0), 1, 1, 1, 2, 2, 3, 3, 3, 3, 5],
      [0, 0, 0, 0, 0, 2.033333333333333, 3.08, 5.05, 5.05, 5.05],
    ],
  ])('equal those of Envoy (case %#)', (samples, expected) => {
    expect(flushed(samples).cumulative.quantiles()).toEqual(expected);
  });

  it('are NaN without samples', () => {
    expect(new Histogram('h').cumulative.quantiles()).toEqual(times(10, Number.NaN));
  });
});

describe('Histogram', () => {
  it('sums as Envoy does', () => {
    const { cumulative } = flushed([...times(113, 0), 1, 1, 1, 2, 2, 3, 3, 3, 3, 5]);
    expect(cumulative.sum).toBe(24.486644380437358);
    expect(cumulative.count).toBe(123);
  });

  it('counts a bin in every bucket whose bound it starts at or below', () => {
    const counts = flushed([0, 1, 1, 20, 5_000_000]).cumulative.cumulativeBuckets(DEFAULT_BUCKETS);
    expect(counts.slice(0, 5)).toEqual([1, 3, 3, 3, 4]);
    expect(counts.at(-1)).toBe(4);
  });

  it('shows samples only after a flush and keeps the last interval apart', () => {
    const histogram = new Histogram('h');
    histogram.record(5);
    expect([histogram.used, histogram.cumulative.count]).toEqual([false, 0]);
    histogram.flush();
    expect([histogram.used, histogram.interval.count, histogram.cumulative.count]).toEqual([true, 1, 1]);
    histogram.record(9_000_000);
    histogram.record(5);
    histogram.flush();
    expect([histogram.interval.count, histogram.cumulative.count]).toEqual([2, 3]);
    histogram.flush();
    expect([histogram.interval.count, histogram.cumulative.count]).toEqual([0, 3]);
    expect(histogram.cumulative.filledBins()).toEqual([
      { lowerBound: 5, width: 0.1, count: 2 },
      { lowerBound: 9_000_000, width: 100_000, count: 1 },
    ]);
  });
});
