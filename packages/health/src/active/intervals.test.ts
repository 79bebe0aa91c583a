import type { HealthCheckInit } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { CHECK, ChecksTest } from './fixture.ts';

const ALL = {
  ...CHECK,
  unhealthyIntervalMs: 2000,
  unhealthyEdgeIntervalMs: 3000,
  healthyEdgeIntervalMs: 4000,
  noTrafficIntervalMs: 5000,
  noTrafficHealthyIntervalMs: 6000,
};

/** Time between the checks of one host that gives these answers, one after the other. */
function waits(answers: readonly (200 | 500 | 'lost')[], check: HealthCheckInit = ALL) {
  const test = new ChecksTest([answers[0] as 200], [check]);
  for (const answer of answers.slice(1)) test.next(answer);
  test.next(200);
  const asked = test.hosts[0]?.asked ?? [];
  return asked.slice(1).map((at, index) => at - (asked[index] as number));
}

describe('nextWait', () => {
  it('each state has its interval', () => {
    // passes; fails on the way out; is out; still out; passes on the way in; in again
    expect(waits([200, 200, 'lost', 500, 500, 200, 200])).toEqual([1000, 1000, 3000, 2000, 2000, 4000, 1000]);
  });

  it('what is not given follows from the interval', () => {
    expect(waits([200, 'lost', 500, 200, 200], CHECK)).toEqual([1000, 1000, 1000, 1000, 1000]);
  });

  it('a cluster without traffic is checked in intervals of its own', () => {
    const test = new ChecksTest([], [ALL]);
    test.everUsed = false;
    const host = test.host('10.0.0.9:80', 200);
    test.add(host);
    test.clock.advance(6000);
    host.answer = 500;
    test.clock.advance(6000);
    test.clock.advance(5000);
    expect(host.asked).toEqual([0, 6000, 12_000, 17_000]);
  });

  it.each([
    ['interval_jitter', { intervalJitterMs: 100 }, 1050],
    ['interval_jitter_percent', { intervalJitterPercent: 20 }, 1100],
    ['both', { intervalJitterMs: 100, intervalJitterPercent: 20 }, 1150],
  ])('%s is added', (_, jitter, wait) => {
    const test = new ChecksTest([], [{ ...CHECK, ...jitter }]);
    test.random = 0.5;
    const host = test.host('10.0.0.9:80', 200);
    test.add(host);
    test.clock.advance(wait);
    expect(host.asked).toEqual([0, wait]);
  });

  it('initial_jitter delays the first check only', () => {
    const test = new ChecksTest([], [{ ...CHECK, initialJitterMs: 500 }]);
    test.random = 0.5;
    const host = test.host('10.0.0.9:80', 200);
    test.add(host);
    test.clock.advance(1250);
    expect(host.asked).toEqual([250, 1250]);
  });

  it('health_check.min_interval and max_interval bound the wait', () => {
    const test = new ChecksTest([200]);
    test.runtime.set('health_check.max_interval', 500);
    test.clock.advance(1500);
    test.runtime.set('health_check.min_interval', 3000);
    test.clock.advance(5000);
    expect(test.hosts[0]?.asked).toEqual([0, 1000, 1500, 2000, 5000]);
  });
});
