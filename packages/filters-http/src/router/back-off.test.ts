import type { RateLimitedBackOff, ResponseHeaders } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { BackOff, rateLimitedMs, resetIntervalMs } from './back-off.ts';

describe('BackOff', () => {
  it.each([
    [25, 250, [25, 50, 100, 200, 250, 250]],
    [100, 100, [100, 100]],
    [100, 199, [100, 199, 199]],
    [100, 201, [100, 200, 201]],
  ])('from %i up to %i: bounds %j', (baseMs, maxMs, bounds) => {
    const highest = new BackOff(baseMs, maxMs);
    expect(bounds.map(() => highest.nextMs(() => 1 - 2 ** -53))).toEqual(bounds.map((bound) => bound - 1));
    const lowest = new BackOff(baseMs, maxMs);
    expect(bounds.map(() => lowest.nextMs(() => 0))).toEqual(bounds.map(() => 0));
  });
});

it('rateLimitedMs is never less than what was asked for, and at most half of it more', () => {
  expect(rateLimitedMs(1000, () => 0)).toBe(1000);
  expect(rateLimitedMs(1000, () => 1 - 2 ** -53)).toBe(1499);
});

describe('resetIntervalMs', () => {
  const head = (fields: Record<string, string>) =>
    ({ get: (name: string) => fields[name] }) as unknown as ResponseHeaders;
  const policy: RateLimitedBackOff = {
    resetHeaders: [
      { name: 'in', format: 'SECONDS' },
      { name: 'at', format: 'UNIX_TIMESTAMP' },
    ],
    maxMs: 300_000,
  };
  const nowMs = 1_000_000_900;

  it.each([
    [{}, undefined],
    [{ in: '5' }, 5000],
    [{ in: '300' }, 300_000],
    [{ in: '301' }, undefined],
    [{ in: '0' }, undefined],
    [{ in: 'soon' }, undefined],
    [{ in: '1.5' }, undefined],
    [{ at: '1000007' }, 7000],
    [{ at: '999999' }, undefined],
    [{ in: '400', at: '1000007' }, 7000],
    [{ in: '5', at: '1000007' }, 5000],
  ])('of %j is %s', (fields, ms) => {
    expect(resetIntervalMs(head(fields as Record<string, string>), policy, nowMs)).toBe(ms);
  });
});
