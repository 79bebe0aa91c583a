import { describe, expect, it } from 'vitest';
import { wholeNumber } from './number.ts';
import { isRetryGrpcOn, isRetryOn, RetryOn, retryBits, retryGrpcOnBits, retryOnBits } from './retry-on.ts';

const HTTP = [
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'envoy-ratelimited',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'retriable-headers',
  'http3-post-connect-failure',
];
const GRPC = ['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'];

describe('retryBits', () => {
  it('has a bit of its own for each condition, of both kinds', () => {
    const bits = [...HTTP, ...GRPC].map((token) => retryBits([token]));
    expect(new Set(bits)).toEqual(new Set(Object.values(RetryOn)));
    expect(retryBits([...HTTP, ...GRPC])).toBe(2 ** 16 - 1);
  });

  it('ignores what it does not know', () => {
    expect(retryBits(['5XX', 'gateway', ''])).toBe(0);
  });
});

it('retryOnBits and retryGrpcOnBits know the conditions of their field only, blanks aside', () => {
  expect(retryOnBits(' 5xx ,reset,, unavailable')).toBe(RetryOn.fiveXx | RetryOn.reset);
  expect(retryGrpcOnBits('unavailable , 5xx')).toBe(RetryOn.unavailable);
});

it('isRetryOn and isRetryGrpcOn want every token to be known', () => {
  expect([isRetryOn('5xx, reset'), isRetryOn(''), isRetryOn('5xx,internal')]).toEqual([true, true, false]);
  expect([isRetryGrpcOn('internal'), isRetryGrpcOn('internal,5xx')]).toEqual([true, false]);
});

it.each([
  ['0', 0],
  [' 12 ', 12],
  ['+7', 7],
  ['18446744073709551615', 2 ** 64],
  ['18446744073709551616', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['0x10', undefined],
  ['', undefined],
])('wholeNumber of %j', (value, number) => {
  expect(wholeNumber(value)).toBe(number);
});
