import type { LoadReport } from '@mesh/core';
import { afterEach, describe, expect, it } from 'vitest';
import { host, hosts, inZone, setsOf, TestContext, type TestHost, tally } from '../fixture.ts';
import { wrrLocality } from '../wrr-locality/index.ts';
import { weightOf } from './host-load.ts';
import { clientSideWeightedRoundRobin } from './index.ts';
import { median } from './weights.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

function report(given: Partial<LoadReport> = {}): LoadReport {
  const none = new Map<string, number>();
  return {
    cpuUtilization: 0,
    applicationUtilization: 0,
    memUtilization: 0,
    rpsFractional: 0,
    eps: 0,
    namedMetrics: none,
    utilization: none,
    requestCost: none,
    ...given,
  };
}

function balancerOf(all: readonly TestHost[], given: Parameters<typeof clientSideWeightedRoundRobin>[0] = {}) {
  const context = new TestContext();
  const balancer = clientSideWeightedRoundRobin.create(clientSideWeightedRoundRobin(given).config, context);
  closing.push(() => balancer.close?.());
  balancer.update(setsOf(all));
  return { balancer, context };
}

/** Has hosts report so that their weights are as given, now and until `ms` have passed. */
function reporting(context: TestContext, weights: readonly [TestHost, number][], ms: number): void {
  for (let passed = 0; passed < ms; passed += 1000) {
    for (const [each, weight] of weights)
      each.loadReports?.onReport(report({ rpsFractional: weight, cpuUtilization: 1 }));
    context.clock.advance(1000);
  }
}

describe('weightOf', () => {
  it.each<[name: string, given: Partial<LoadReport>, names: string[], penalty: number, weight: number | undefined]>([
    ['cpu', { rpsFractional: 1000, cpuUtilization: 0.5 }, [], 0, 2000],
    ['application before cpu', { rpsFractional: 100, cpuUtilization: 1, applicationUtilization: 0.25 }, [], 0, 400],
    [
      'named before application',
      { rpsFractional: 100, applicationUtilization: 1, namedMetrics: new Map([['queue', 0.5]]) },
      ['named_metrics.queue'],
      0,
      200,
    ],
    [
      'the greatest of the named',
      {
        rpsFractional: 100,
        utilization: new Map([
          ['a', 0.2],
          ['b', 0.4],
        ]),
        memUtilization: 0.3,
      },
      ['mem_utilization', 'utilization.*', 'request_cost.none'],
      0,
      250,
    ],
    ['errors', { rpsFractional: 100, eps: 10, cpuUtilization: 0.4 }, [], 1, 200],
    ['errors without a penalty', { rpsFractional: 100, eps: 10, cpuUtilization: 0.4 }, [], 0, 250],
    ['no requests', { cpuUtilization: 0.5 }, [], 1, undefined],
    ['no utilization', { rpsFractional: 100 }, [], 1, undefined],
    ['no fraction', { rpsFractional: 10, cpuUtilization: 3 }, [], 0, 3],
    ['no weight of 0', { rpsFractional: 0.1, cpuUtilization: 1 }, [], 0, 1],
    ['no more than 32 bits', { rpsFractional: 1e12, cpuUtilization: 1e-9 }, [], 0, 0xffff_ffff],
  ])('%s', (_name, given, metricNames, errorPenalty, weight) => {
    expect(weightOf(report(given), { metricNames, errorPenalty })).toBe(weight);
  });
});

it.each<[values: number[], middle: number]>([
  [[], 1],
  [[5], 5],
  [[9, 1, 5], 5],
  [[10, 3], 6],
  [[4, 1, 3, 2], 2],
])('median of %j is %i', (values, middle) => {
  expect(median(values)).toBe(middle);
});

describe('client-side weighted round robin', () => {
  it('is round robin before the blackout is over, and follows reports then', () => {
    const all = hosts('a', 3);
    const [a, b, c] = all as [TestHost, TestHost, TestHost];
    const { balancer, context } = balancerOf(all);
    const weights: [TestHost, number][] = [
      [a, 100],
      [b, 200],
      [c, 700],
    ];
    reporting(context, weights, 9000);
    expect(tally(balancer, 30)).toEqual({ a0: 10, a1: 10, a2: 10 });
    reporting(context, weights, 2000);
    expect(tally(balancer, 100)).toEqual({ a0: 10, a1: 20, a2: 70 });
  });

  it('gives hosts without reports the median', () => {
    const all = hosts('a', 4);
    const [a, b, c] = all as [TestHost, TestHost, TestHost];
    const { balancer, context } = balancerOf(all, { blackoutPeriod: '0s' });
    reporting(
      context,
      [
        [a, 100],
        [b, 200],
        [c, 600],
      ],
      2000,
    );
    expect(tally(balancer, 1100)).toEqual({ a0: 100, a1: 200, a2: 600, a3: 200 });
  });

  it('forgets reports that are too old, and waits again when they come back', () => {
    const all = hosts('a', 2);
    const [a, b] = all as [TestHost, TestHost];
    const { balancer, context } = balancerOf(all, { blackoutPeriod: '2s', weightExpirationPeriod: '5s' });
    reporting(
      context,
      [
        [a, 100],
        [b, 300],
      ],
      4000,
    );
    // To five picks: the cycle is entered anywhere.
    expect(tally(balancer, 400).a1).toBeCloseTo(300, -1);
    context.clock.advance(7000);
    expect(tally(balancer, 400)).toEqual({ a0: 200, a1: 200 });
    reporting(
      context,
      [
        [a, 100],
        [b, 300],
      ],
      1000,
    );
    expect(tally(balancer, 400)).toEqual({ a0: 200, a1: 200 });
    reporting(
      context,
      [
        [a, 100],
        [b, 300],
      ],
      3000,
    );
    expect(tally(balancer, 400).a1).toBeCloseTo(300, -1);
  });

  it('works weights out once per period, at most every 100 ms', () => {
    const all = hosts('a', 2);
    const [a, b] = all as [TestHost, TestHost];
    const { balancer, context } = balancerOf(all, { blackoutPeriod: '0s', weightUpdatePeriod: '0.001s' });
    a.loadReports?.onReport(report({ rpsFractional: 3, cpuUtilization: 1 }));
    b.loadReports?.onReport(report({ rpsFractional: 1, cpuUtilization: 1 }));
    context.clock.advance(99);
    expect(tally(balancer, 4)).toEqual({ a0: 2, a1: 2 });
    context.clock.advance(1);
    expect(tally(balancer, 4)).toEqual({ a0: 3, a1: 1 });
  });

  it('keeps what hosts have reported when others come', () => {
    const all = hosts('a', 2);
    const [a, b] = all as [TestHost, TestHost];
    const { balancer, context } = balancerOf(all, { blackoutPeriod: '0s' });
    reporting(
      context,
      [
        [a, 100],
        [b, 300],
      ],
      1000,
    );
    balancer.update(setsOf([...all, host('new')]));
    expect(tally(balancer, 600)).toEqual({ a0: 100, a1: 300, new: 200 });
  });

  it('ends its timer and hears no reports once it is closed', () => {
    const all = hosts('a', 2);
    const { balancer, context } = balancerOf(all);
    expect(context.clock.pending).toBe(1);
    balancer.close?.();
    expect(context.clock.pending).toBe(0);
    expect(all.map(({ loadReports }) => loadReports)).toEqual([undefined, undefined]);
  });

  it('refuses out-of-band reports', () => {
    expect(() => clientSideWeightedRoundRobin({ enableOobLoadReport: true })).toThrow('out-of-band');
  });
});

describe('wrr locality', () => {
  it('divides by the weights of localities first', () => {
    const all = [...hosts('a', 1, inZone('a')), ...hosts('b', 3, inZone('b'))];
    const context = new TestContext();
    context.make = ({ config }) => clientSideWeightedRoundRobin.create(config, context);
    const { config } = wrrLocality({ endpointPickingPolicy: clientSideWeightedRoundRobin() });
    const balancer = wrrLocality.create(config, context);
    closing.push(() => balancer.close?.());
    balancer.update(setsOf(all, { weights: { a: 3, b: 1 } }));
    const { a0 = 0, ...others } = tally(balancer, 1200);
    expect(a0).toBe(900);
    expect(others).toEqual({ b0: 100, b1: 100, b2: 100 });
  });
});
