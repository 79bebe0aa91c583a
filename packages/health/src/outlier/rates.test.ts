import { expect, it } from 'vitest';
import { RateCounter, spreadOf } from './rates.ts';

// By hand: mean = sum / n; variance = sum of squared distances / n; threshold = mean - factor * sqrt(variance).
it.each([
  {
    rates: [50, 100, 100, 100, 100],
    factor: 1.9,
    average: 90,
    threshold: 52,
    how: 'variance (1600 + 4 * 100) / 5 = 400',
  },
  { rates: [50, 100, 100, 100, 100], factor: 2.1, average: 90, threshold: 48, how: '90 - 2.1 * 20' },
  { rates: [100, 100, 100], factor: 1.9, average: 100, threshold: 100, how: 'no deviation at all' },
  { rates: [0, 100], factor: 1, average: 50, threshold: 0, how: 'variance 2500, deviation 50' },
  { rates: [20, 40, 60, 80], factor: 0.5, average: 50, threshold: 50 - Math.sqrt(500) / 2, how: 'variance 500' },
])('spreadOf is $threshold for $rates with factor $factor: $how', ({ rates, factor, average, threshold }) => {
  const spread = spreadOf(rates, factor);
  expect(spread.average).toBe(average);
  expect(spread.threshold).toBeCloseTo(threshold, 9);
});

it('RateCounter tells of the last whole interval only', () => {
  const counter = new RateCounter();
  counter.success();
  counter.failure();
  expect(counter.volume).toBe(0);
  counter.turn();
  counter.failure();
  expect([counter.volume, counter.rate]).toEqual([2, 50]);
  counter.turn();
  expect([counter.volume, counter.rate]).toEqual([1, 0]);
  counter.turn();
  expect(counter.volume).toBe(0);
});
