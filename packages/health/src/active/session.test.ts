import { HealthFlag } from '@mesh/core';
import { turn } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { CHECK, ChecksTest, type ScriptedAnswer, type TestHost } from './fixture.ts';

const RETRIABLE = {
  ...CHECK,
  httpHealthCheck: {
    path: '/',
    retriableStatuses: [{ start: 503, end: 504 }],
    expectedStatuses: [{ start: 200, end: 300 }],
  },
};

describe('CheckSession', () => {
  it('a new host passes with its first good answer', () => {
    const test = new ChecksTest([200]);
    expect(test.failed()).toBe(false);
    expect(test.stat('health_check.healthy')).toBe(1);
  });

  it.each<[string, ScriptedAnswer]>([
    ['a bad status', 500],
    ['no connection', 'lost'],
    ['no answer', 'hang'],
  ])('a new host stays out after %s', (_, answer) => {
    const test = new ChecksTest([answer]);
    test.clock.advance(200);
    expect(test.failed()).toBe(true);
    expect(test.stat('health_check.failure')).toBe(1);
  });

  it('after a first failure it takes the healthy threshold to come in', () => {
    const test = new ChecksTest([500]);
    test.next(200);
    expect(test.failed()).toBe(true);
    test.next(200);
    expect(test.failed()).toBe(false);
  });

  it('an unexpected status takes a host out at once', () => {
    const test = new ChecksTest([200]);
    test.next(500);
    expect(test.failed()).toBe(true);
  });

  it.each<[string, ScriptedAnswer, number]>([
    ['lost connections', 'lost', 3],
    ['timeouts', 'hang', 3],
    ['retriable statuses', 503, 0],
  ])('%s count towards the unhealthy threshold', (_, answer, networkFailures) => {
    const test = new ChecksTest([200], [RETRIABLE]);
    test.next(answer);
    test.next(answer);
    expect(test.failed()).toBe(false);
    test.next(answer);
    expect(test.failed()).toBe(true);
    expect(test.stat('health_check.network_failure')).toBe(networkFailures);
  });

  it('a good answer starts the count of failures anew', () => {
    const test = new ChecksTest([200]);
    for (const answer of ['lost', 'lost', 200, 'lost', 'lost'] as const) test.next(answer);
    expect(test.failed()).toBe(false);
  });

  it('a failure starts the count of good answers anew', () => {
    const test = new ChecksTest([200]);
    for (const answer of [500, 200, 'lost', 200] as const) test.next(answer);
    expect(test.failed()).toBe(true);
    test.next(200);
    expect(test.failed()).toBe(false);
  });

  it('expected statuses go before retriable ones', () => {
    const both = {
      path: '/',
      expectedStatuses: [{ start: 503, end: 504 }],
      retriableStatuses: [{ start: 500, end: 600 }],
    };
    const test = new ChecksTest([503], [{ ...CHECK, httpHealthCheck: both }]);
    expect(test.failed()).toBe(false);
    test.next(200);
    expect(test.failed()).toBe(true);
  });

  it('only a timeout of a host that is out sets the timeout flag', () => {
    const test = new ChecksTest([200]);
    test.next('hang');
    expect(test.has(HealthFlag.activeHcTimeout)).toBe(false);
    test.next('hang');
    test.next('hang');
    expect(test.has(HealthFlag.activeHcTimeout)).toBe(true);
    test.next('lost');
    expect(test.has(HealthFlag.activeHcTimeout)).toBe(false);
  });

  it('x-envoy-degraded degrades and its absence ends that, without thresholds', () => {
    const test = new ChecksTest([[200, 'x-envoy-degraded', '']]);
    expect([test.failed(), test.has(HealthFlag.degradedActiveHc)]).toEqual([false, true]);
    expect(test.stat('health_check.degraded')).toBe(1);
    test.next(200);
    expect(test.has(HealthFlag.degradedActiveHc)).toBe(false);
    expect(test.stat('health_check.degraded')).toBe(0);
  });

  it('x-envoy-immediate-health-check-fail on a bad answer excludes the host until it passes again', () => {
    const test = new ChecksTest([200]);
    test.next([503, 'x-envoy-immediate-health-check-fail', 'true']);
    expect([test.failed(), test.has(HealthFlag.excludedViaImmediateHcFail)]).toEqual([true, true]);
    test.next([200, 'x-envoy-immediate-health-check-fail', 'true']);
    test.next(200);
    expect([test.failed(), test.has(HealthFlag.excludedViaImmediateHcFail)]).toEqual([false, false]);
  });

  it('failNow takes the host out at once and leaves the rhythm of checks alone', () => {
    const test = new ChecksTest([200]);
    test.clock.advance(900);
    test.hosts[0]?.checks?.failNow();
    expect([test.failed(), test.has(HealthFlag.excludedViaImmediateHcFail)]).toEqual([true, true]);
    expect(test.stat('health_check.passive_failure')).toBe(1);
    test.clock.advance(100);
    expect(test.hosts[0]?.asked).toEqual([0, 1000]);
    test.next(200);
    expect(test.failed()).toBe(false);
  });

  it('the service name must match unless health_check.verify_cluster is off', () => {
    const serviceNameMatcher = { prefix: 'locations', ignoreCase: false };
    const check = { ...CHECK, httpHealthCheck: { path: '/', serviceNameMatcher } };
    const from = (name: string) => [200, 'x-envoy-upstream-healthchecked-cluster', name] as const;
    const test = new ChecksTest([from('locations-v1')], [check]);
    expect([test.failed(), test.stat('health_check.verify_cluster')]).toEqual([false, 1]);
    test.next(from('other'));
    expect(test.failed()).toBe(true);
    test.runtime.set('health_check.verify_cluster', 0);
    test.next(from('other'));
    test.next(200);
    expect([test.failed(), test.stat('health_check.verify_cluster')]).toEqual([false, 2]);
  });

  it('close_connections_on_host_health_failure closes once per failure', () => {
    const test = new ChecksTest([200], [CHECK], { closeConnectionsOnHostHealthFailure: true });
    test.next(500);
    test.next(500);
    expect(test.closed).toEqual(['10.0.0.0:80']);
  });

  it('the request is what Envoy sends', () => {
    const test = new ChecksTest([200]);
    const [head] = test.requests;
    expect(head && [head.method, head.path, head.authority, [...head.entries()]]).toEqual([
      'GET',
      '/healthz',
      'c',
      [['user-agent', 'Envoy/HC']],
    ]);
  });
});

describe('ActiveHealthChecks', () => {
  it('start resolves with the last of the first answers', async () => {
    const test = new ChecksTest([200, 'hang']);
    await turn();
    expect(test.ready).toBe(false);
    await test.clock.advanceAsync(200);
    expect(test.ready).toBe(true);
  });

  it('start resolves without hosts, and when those that are waited for go', async () => {
    const empty = new ChecksTest([]);
    await turn();
    expect(empty.ready).toBe(true);
    const test = new ChecksTest(['hang']);
    test.add(test.host('10.0.0.9:80', 'hang'));
    test.remove(test.hosts[0] as TestHost);
    await turn();
    expect(test.ready).toBe(true);
  });

  it('a host that asks not to be checked is not', () => {
    const test = new ChecksTest([]);
    const host = { ...test.host('10.0.0.9:80', 200), healthCheck: { disabled: true, ip: '', port: 0, hostname: '' } };
    test.add(host as TestHost);
    expect(host.asked).toEqual([]);
  });

  it('several checks must all pass, and each has its own metrics', () => {
    const other = {
      ...CHECK,
      name: 'b',
      httpHealthCheck: { path: '/b', expectedStatuses: [{ start: 200, end: 400 }] },
    };
    const test = new ChecksTest([302], [{ ...CHECK, name: 'a' }, other]);
    expect([test.stat('health_check.name.a.healthy'), test.stat('health_check.name.b.healthy')]).toEqual([0, 1]);
    expect([test.failed(), test.stat('health_check.healthy')]).toEqual([true, 0]);
    test.next(200);
    test.next(200);
    expect([test.failed(), test.stat('health_check.healthy')]).toEqual([false, 1]);
    test.next(302);
    expect([test.failed(), test.stat('health_check.healthy')]).toEqual([true, 0]);
  });

  it('the first checks of many hosts are spread', () => {
    const test = new ChecksTest(Array.from({ length: 1000 }, () => 200));
    expect(test.stat('health_check.attempt')).toBe(256);
    test.clock.advance(24);
    expect(test.stat('health_check.attempt')).toBe(1000);
  });

  it('in a large cluster what is found takes effect together, and all of it before the cluster is used', async () => {
    const test = new ChecksTest([...Array.from({ length: 600 }, () => 200), 'hang']);
    expect(test.flips.length).toBe(0);
    test.clock.advance(60);
    expect(new Set(test.flips.map(({ atMs }) => atMs)).size).toBe(1);
    await test.clock.advanceAsync(200);
    expect([test.ready, test.flips.length]).toEqual([true, 600]);
  });

  it('nothing is asked and no timer runs after close', () => {
    const test = new ChecksTest([200, 'hang', 'lost']);
    test.monitor.close();
    test.clock.advance(60_000);
    expect(test.stat('health_check.attempt')).toBe(3);
    expect([test.clock.pending, test.stat('health_check.healthy')]).toEqual([0, 0]);
  });

  it('no host changes sides faster than the thresholds allow, whatever it answers', () => {
    let seed = 7;
    const chance = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed / 2 ** 32;
    };
    const answers: readonly ScriptedAnswer[] = [200, 200, 200, 'lost', 'lost', 'hang', 503];
    for (let round = 0; round < 20; round++) {
      const [unhealthyThreshold, healthyThreshold] = [1 + (round % 4), 1 + (round % 3)];
      const test = new ChecksTest([200], [{ ...RETRIABLE, unhealthyThreshold, healthyThreshold }]);
      const results: boolean[] = [true];
      const sides: boolean[] = [test.failed()];
      for (let at = 0; at < 200; at++) {
        const answer = answers[Math.floor(chance() * answers.length)] as ScriptedAnswer;
        test.next(answer);
        results.push(answer === 200);
        sides.push(test.failed());
      }
      for (let at = 1; at < sides.length; at++) {
        if (sides[at] === sides[at - 1]) continue;
        const needed = sides[at] ? unhealthyThreshold : healthyThreshold;
        expect(results.slice(at + 1 - needed, at + 1)).toEqual(Array.from({ length: needed }, () => !sides[at]));
      }
      expect(test.flips.length).toBeGreaterThan(2);
      test.monitor.close();
    }
  });
});
