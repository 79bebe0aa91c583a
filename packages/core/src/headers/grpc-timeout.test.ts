import { describe, expect, it } from 'vitest';
import { formatGrpcTimeout, parseGrpcTimeout } from './grpc-timeout.ts';

describe('parseGrpcTimeout', () => {
  it.each([
    ['0m', 0],
    ['100m', 100],
    ['2S', 2000],
    ['3M', 180_000],
    ['1H', 3_600_000],
    ['1u', 1],
    ['1500u', 2],
    ['1n', 1],
    ['99999999H', 359_999_996_400_000],
  ])('reads %s as %d ms', (value, ms) => {
    expect(parseGrpcTimeout(value)).toBe(ms);
  });

  it.each(['', 'm', '1', '1s', '100000000m', '-1m', '1.5S', ' 1m', '1 m'])('refuses %j', (value) => {
    expect(parseGrpcTimeout(value)).toBeUndefined();
  });
});

it.each([
  [0, '0m'],
  [250, '250m'],
  [99_999_999, '99999999m'],
  [100_000_000, '100000S'],
  [Number.MAX_SAFE_INTEGER, '99999999H'],
])('formatGrpcTimeout writes %d ms as %s', (ms, text) => {
  expect(formatGrpcTimeout(ms)).toBe(text);
});
