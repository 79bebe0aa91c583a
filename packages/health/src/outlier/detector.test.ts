import { HealthFlag } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { DetectorTest } from './fixture.ts';

const EJECTED = HealthFlag.failedOutlierCheck;
const DEGRADED = HealthFlag.degradedOutlierDetection;
const ANY = { maxEjectionPercent: 100 };

describe('consecutive failures', () => {
  it('the fifth 5xx in a row ejects at once', () => {
    const test = new DetectorTest(2, ANY);
    test.answers(0, 500, 4);
    expect(test.flagged(EJECTED)).toEqual([]);
    test.answers(0, 599);
    expect(test.flagged(EJECTED)).toEqual([0]);
    expect(test.counts).toEqual({
      active: 1,
      consecutive_5xx: 1,
      detected_consecutive_5xx: 1,
      enforced_consecutive_5xx: 1,
      enforced_total: 1,
      total: 1,
    });
  });

  it('one good answer in between begins the count anew', () => {
    const test = new DetectorTest(2, ANY);
    test.answers(0, 500, 4);
    test.answers(0, 499);
    test.answers(0, 500, 4);
    expect(test.flagged(EJECTED)).toEqual([]);
  });

  it('gateway failures are 502, 503 and 504 only; other 5xx end their row', () => {
    const test = new DetectorTest(2, { ...ANY, enforcingConsecutive5xx: 0, enforcingConsecutiveGatewayFailure: 100 });
    for (const status of [502, 503, 504, 502, 500, 503, 504, 502, 503]) test.answers(0, status);
    expect(test.flagged(EJECTED)).toEqual([]);
    test.answers(0, 504);
    expect(test.flagged(EJECTED)).toEqual([0]);
    expect(test.counts).toMatchObject({ detected_consecutive_5xx: 1, enforced_consecutive_gateway_failure: 1 });
  });

  it('a threshold of 0 is never reached', () => {
    const test = new DetectorTest(1, { ...ANY, consecutive5xx: 0 });
    test.answers(0, 500, 1000);
    expect(test.counts).toEqual({});
  });

  it('an ejected host that fails on in a panic is not detected again', () => {
    const test = new DetectorTest(1, ANY);
    test.answers(0, 500, 50);
    expect(test.counts).toMatchObject({ detected_consecutive_5xx: 1, enforced_total: 1 });
  });

  it('what is not enforced is detected every time', () => {
    const test = new DetectorTest(1, { ...ANY, enforcingConsecutive5xx: 30 });
    test.random = 31 / 2 ** 32;
    test.answers(0, 500, 10);
    expect(test.counts).toEqual({ consecutive_5xx: 2, detected_consecutive_5xx: 2, total: 2 });
    test.random = 29 / 2 ** 32;
    test.answers(0, 500, 5);
    expect(test.counts).toMatchObject({ enforced_consecutive_5xx: 1, active: 1 });
  });

  it('runtime keys replace what is configured, also while it runs', () => {
    const test = new DetectorTest(1, ANY);
    test.runtime.set('outlier_detection.consecutive_5xx', 2);
    test.runtime.set('outlier_detection.enforcing_consecutive_5xx', 0);
    test.answers(0, 500, 2);
    expect(test.counts).toEqual({ consecutive_5xx: 1, detected_consecutive_5xx: 1, total: 1 });
    test.runtime.set('outlier_detection.max_ejection_percent', 0);
    test.answers(0, 500, 2);
    expect(test.counts.overflow).toBe(1);
  });
});

describe('origins', () => {
  it('without the split a failure of this side counts as its status', () => {
    const test = new DetectorTest(1, ANY);
    for (let i = 0; i < 5; i++) {
      test.hosts[0]?.outlier.onLocalOrigin(true, 0);
      test.hosts[0]?.outlier.onLocalOrigin(false, 503);
    }
    expect(test.counts).toMatchObject({ enforced_consecutive_5xx: 1, detected_consecutive_gateway_failure: 1 });
  });

  it('with the split it is its own matter, and a connection ends the row', () => {
    const test = new DetectorTest(1, { ...ANY, splitExternalLocalOriginErrors: true });
    const outlier = test.hosts[0]?.outlier;
    for (let i = 0; i < 4; i++) outlier?.onLocalOrigin(false, 503);
    outlier?.onLocalOrigin(true, 0);
    for (let i = 0; i < 4; i++) outlier?.onLocalOrigin(false, 504);
    expect(test.counts).toEqual({});
    outlier?.onLocalOrigin(false, 503);
    expect(test.counts).toEqual({
      active: 1,
      detected_consecutive_local_origin_failure: 1,
      enforced_consecutive_local_origin_failure: 1,
      enforced_total: 1,
    });
  });
});

describe('max_ejection_percent', () => {
  it.each([
    { hosts: 2, percent: 10, ejected: 0, why: '100 * 1 / 2 = 50 > 10' },
    { hosts: 10, percent: 10, ejected: 1, why: '100 * 1 / 10 = 10, 100 * 2 / 10 = 20' },
    { hosts: 11, percent: 10, ejected: 1, why: '100 * 2 / 11 = 18.2' },
    { hosts: 3, percent: 66, ejected: 1, why: '100 * 2 / 3 = 66.7' },
    { hosts: 3, percent: 67, ejected: 2, why: '100 * 2 / 3 = 66.7' },
    { hosts: 4, percent: 100, ejected: 4, why: 'all of them' },
  ])('$ejected of $hosts at $percent %: $why', ({ hosts, percent, ejected }) => {
    const test = new DetectorTest(hosts, { maxEjectionPercent: percent });
    for (let host = 0; host < hosts; host++) test.answers(host, 500, 5);
    expect(test.flagged(EJECTED)).toHaveLength(ejected);
    expect(test.counts.overflow ?? 0).toBe(hosts - ejected);
  });

  it('always_eject_one_host allows the first, not the second', () => {
    const test = new DetectorTest(2, { alwaysEjectOneHost: true });
    test.answers(0, 500, 5);
    test.answers(1, 500, 5);
    expect(test.flagged(EJECTED)).toEqual([0]);
    expect(test.counts.overflow).toBe(1);
  });
});

describe('the way back', () => {
  it('comes with the tick at which the time is over, and the counts begin anew', () => {
    const test = new DetectorTest(2, ANY);
    test.clock.advance(5000);
    test.answers(0, 500, 5);
    // Ejected at 5 s for 30 s: over at 35 s, seen at 40 s.
    test.clock.advance(34_999);
    expect(test.flagged(EJECTED)).toEqual([0]);
    test.clock.advance(1);
    expect(test.flagged(EJECTED)).toEqual([]);
    expect(test.counts.active).toBeUndefined();
    test.answers(0, 500, 4);
    expect(test.flagged(EJECTED)).toEqual([]);
  });

  /** Ticks of 1 s until the host is back. */
  function secondsOut(test: DetectorTest): number {
    test.answers(0, 500, 5);
    let seconds = 0;
    while (test.flagged(EJECTED).length > 0) {
      test.clock.advance(1000);
      seconds++;
    }
    return seconds;
  }
  const TIMES = { ...ANY, intervalMs: 1000, baseEjectionTimeMs: 3000, maxEjectionTimeMs: 8000 };

  it('the time grows by the base with each ejection, up to the limit', () => {
    const test = new DetectorTest(1, TIMES);
    expect([secondsOut(test), secondsOut(test), secondsOut(test), secondsOut(test)]).toEqual([3, 6, 8, 8]);
  });

  it('it shrinks by one base with each interval without ejection', () => {
    const test = new DetectorTest(1, TIMES);
    expect([secondsOut(test), secondsOut(test)]).toEqual([3, 6]);
    test.clock.advance(1000);
    // Twice ejected, once forgiven: the next one is as the second.
    expect(secondsOut(test)).toBe(6);
    test.clock.advance(60_000);
    expect(secondsOut(test)).toBe(3);
  });

  it('jitter is added behind the limit', () => {
    const test = new DetectorTest(1, { ...TIMES, maxEjectionTimeMs: 3000, maxEjectionTimeJitterMs: 9999 });
    test.random = 0.5;
    // floor(0.5 * 10 000) = 5000.
    expect(secondsOut(test)).toBe(8);
  });

  it('a check that passes brings it back at once, unless that is not wanted', () => {
    const test = new DetectorTest(1, ANY);
    test.answers(0, 500, 5);
    test.hosts[0]?.outlier.onActiveCheckPassed();
    expect(test.flagged(EJECTED)).toEqual([]);
    const strict = new DetectorTest(1, { ...ANY, successfulActiveHealthCheckUnejectHost: false });
    strict.answers(0, 500, 5);
    strict.hosts[0]?.outlier.onActiveCheckPassed();
    expect(strict.flagged(EJECTED)).toEqual([0]);
  });
});

describe('success rate', () => {
  const RATES = { ...ANY, consecutive5xx: 0, consecutiveGatewayFailure: 0 };

  it('ejects whoever is below mean - 1.9 deviations', () => {
    const test = new DetectorTest(5, RATES);
    test.rate(0, 50);
    for (const host of [1, 2, 3, 4]) test.rate(host, 100);
    test.clock.advance(10_000);
    expect(test.flagged(EJECTED)).toEqual([0]);
    expect(test.counts).toMatchObject({ success_rate: 1, enforced_success_rate: 1, total: 1 });
    expect(test.detector.outlierRates).toEqual({
      successRateAverage: 90,
      successRateEjectionThreshold: 52,
      localOriginSuccessRateAverage: -1,
      localOriginSuccessRateEjectionThreshold: -1,
    });
    expect(test.hosts.map(({ outlier }) => outlier.successRate)).toEqual([50, 100, 100, 100, 100]);
    expect(test.events[0]).toMatchObject({
      type: 'SUCCESS_RATE',
      eject_success_rate_event: {
        host_success_rate: 50,
        cluster_average_success_rate: 90,
        cluster_success_rate_ejection_threshold: 52,
      },
    });
    test.clock.advance(10_000);
    expect(test.hosts.map(({ outlier }) => outlier.successRate)).toEqual([-1, -1, -1, -1, -1]);
  });

  it('needs enough hosts with enough requests', () => {
    const test = new DetectorTest(5, RATES);
    test.rate(0, 0);
    for (const host of [1, 2, 3]) test.rate(host, 100);
    test.rate(4, 99, 99);
    test.clock.advance(10_000);
    expect(test.flagged(EJECTED)).toEqual([]);
    expect(test.detector.outlierRates.successRateAverage).toBe(-1);
  });

  it('the rate of requests that do not begin and end in one interval counts where they ended', () => {
    const test = new DetectorTest(5, { ...RATES, successRateRequestVolume: 2 });
    for (const host of [0, 1, 2, 3, 4]) test.rate(host, 1, 1);
    test.clock.advance(10_000);
    for (const host of [0, 1, 2, 3, 4]) test.rate(host, 1, 1);
    test.clock.advance(10_000);
    expect(test.detector.outlierRates.successRateAverage).toBe(-1);
  });

  it('failures of this side have rates of their own with the split', () => {
    const test = new DetectorTest(5, {
      ...RATES,
      splitExternalLocalOriginErrors: true,
      consecutiveLocalOriginFailure: 0,
    });
    for (const [at, { outlier }] of test.hosts.entries()) {
      for (let i = 0; i < 100; i++) outlier.onLocalOrigin(at > 0 || i < 50, 503);
    }
    test.clock.advance(10_000);
    expect(test.flagged(EJECTED)).toEqual([0]);
    expect(test.counts).toMatchObject({ enforced_local_origin_success_rate: 1, success_rate: 1 });
    expect(test.counts.total).toBeUndefined();
    expect(test.detector.outlierRates).toMatchObject({ successRateAverage: -1, localOriginSuccessRateAverage: 90 });
  });
});

describe('failure percentage', () => {
  it('ejects whoever fails as often as the threshold says, whatever the others do', () => {
    const rates = { ...ANY, consecutive5xx: 0, enforcingSuccessRate: 0, enforcingFailurePercentage: 100 };
    const test = new DetectorTest(5, rates);
    test.rate(0, 15);
    for (const host of [1, 2, 3, 4]) test.rate(host, 16);
    test.clock.advance(10_000);
    expect(test.flagged(EJECTED)).toEqual([0]);
    expect(test.counts).toMatchObject({ detected_failure_percentage: 1, enforced_failure_percentage: 1 });
    expect(test.events.at(-1)).toMatchObject({
      type: 'FAILURE_PERCENTAGE',
      enforced: true,
      eject_failure_percentage_event: { host_success_rate: 15 },
    });
  });

  it('does not eject twice whom the success rate has ejected', () => {
    const test = new DetectorTest(5, { ...ANY, consecutive5xx: 0, enforcingFailurePercentage: 100 });
    test.rate(0, 0);
    for (const host of [1, 2, 3, 4]) test.rate(host, 100);
    test.clock.advance(10_000);
    expect(test.counts).toMatchObject({ active: 1, enforced_total: 1, detected_failure_percentage: 1 });
    test.clock.advance(30_000);
    expect(test.counts.active).toBeUndefined();
  });
});

describe('degraded hosts', () => {
  it('are marked for a while that grows, apart from ejections', () => {
    const test = new DetectorTest(1, { intervalMs: 1000, baseEjectionTimeMs: 2000, detectDegradedHosts: true });
    test.hosts[0]?.outlier.onDegraded();
    test.hosts[0]?.outlier.onDegraded();
    expect(test.flagged(DEGRADED)).toEqual([0]);
    expect(test.counts).toEqual({ detected_degradation: 1 });
    test.clock.advance(2000);
    expect(test.flagged(DEGRADED)).toEqual([]);
    test.hosts[0]?.outlier.onDegraded();
    test.clock.advance(3999);
    expect(test.flagged(DEGRADED)).toEqual([0]);
    test.clock.advance(1);
    expect(test.flagged(DEGRADED)).toEqual([]);
    expect(test.events.map(({ type, action, num_ejections }) => [type, action, num_ejections])).toEqual([
      ['DEGRADED', 'EJECT', 0],
      ['CONSECUTIVE_5XX', 'UNEJECT', 0],
      ['DEGRADED', 'EJECT', 0],
      ['CONSECUTIVE_5XX', 'UNEJECT', 0],
    ]);
  });
});

describe('membership', () => {
  it('an ejected host that leaves makes room for another', () => {
    const test = new DetectorTest(2, { maxEjectionPercent: 50 });
    test.answers(0, 500, 5);
    test.remove(test.hosts.slice(0, 1));
    expect(test.counts.active).toBeUndefined();
    const [late] = test.hosts;
    test.add([test.host('10.0.0.9:80')]);
    test.answers(1, 500, 5);
    expect(test.flagged(EJECTED)).toEqual([0, 1]);
    // One that has left is not judged any more.
    for (let i = 0; i < 10; i++) late?.outlier.onStatus(500);
    expect(test.counts.detected_consecutive_5xx).toBe(2);
  });

  it('nothing happens after close', () => {
    const test = new DetectorTest(2, ANY);
    test.answers(0, 500, 5);
    test.detector.close();
    expect(test.counts.active).toBeUndefined();
    test.answers(1, 500, 5);
    test.hosts[1]?.outlier.onDegraded();
    test.hosts[0]?.outlier.onActiveCheckPassed();
    test.clock.advance(100_000);
    expect(test.flagged(EJECTED)).toEqual([0]);
    expect(test.clock.pending).toBe(0);
  });
});

it('events are Envoy’s, field by field and in order', () => {
  const test = new DetectorTest(1, { ...ANY, baseEjectionTimeMs: 10_000 });
  test.clock.advance(1500);
  test.answers(0, 500, 5);
  test.clock.advance(20_000);
  test.answers(0, 500, 5);
  const common = { cluster_name: 'c', upstream_url: '10.0.0.0:80' };
  const texts = test.events.map((event) => JSON.stringify(event));
  expect(texts).toEqual(
    [
      {
        type: 'CONSECUTIVE_5XX',
        timestamp: '2026-01-01T00:00:01.500Z',
        ...common,
        action: 'EJECT',
        num_ejections: 1,
        enforced: true,
        eject_consecutive_event: {},
      },
      {
        type: 'CONSECUTIVE_5XX',
        timestamp: '2026-01-01T00:00:20Z',
        secs_since_last_action: '18',
        ...common,
        action: 'UNEJECT',
        num_ejections: 1,
        enforced: false,
      },
      {
        type: 'CONSECUTIVE_5XX',
        timestamp: '2026-01-01T00:00:21.500Z',
        secs_since_last_action: '1',
        ...common,
        action: 'EJECT',
        num_ejections: 2,
        enforced: true,
        eject_consecutive_event: {},
      },
    ].map((event) => JSON.stringify(event)),
  );
});
