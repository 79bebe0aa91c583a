import { describe, expect, it } from 'vitest';
import { hosts, inZone, setsOf, TestContext, type TestHost, tally } from '../fixture.ts';
import { roundRobin } from '../round-robin/index.ts';
import { effectiveWeight, LocalitySchedule } from './locality-schedule.ts';

const WEIGHTED = { localityLbConfig: { localityWeightedLbConfig: {} } };

/** Hosts of a zone, the first of them healthy, then degraded, then excluded. */
function zone(name: string, count: number, healthy = count, degraded = 0): TestHost[] {
  return hosts(name, count, inZone(name)).map((each, i) => {
    each.health = i < healthy ? 'healthy' : i < healthy + degraded ? 'degraded' : 'unhealthy';
    return each;
  });
}

function balancerOf(all: readonly TestHost[], weights: Record<string, number>, context = new TestContext()) {
  const balancer = roundRobin.create(roundRobin(WEIGHTED).config, context);
  balancer.update(setsOf(all, { weights }));
  return { balancer, context };
}

/** Picks by zone. */
function zones(counts: Readonly<Record<string, number>>): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [address, count] of Object.entries(counts)) {
    const name = address.replace(/\d+$/, '');
    sums[name] = (sums[name] ?? 0) + count;
  }
  return sums;
}

describe('effectiveWeight', () => {
  it.each<[count: number, healthy: number, excluded: number, factor: number, weight: number]>([
    [10, 10, 0, 140, 60],
    [10, 8, 0, 140, 60],
    [100, 72, 0, 140, 60],
    [100, 70, 0, 140, 60 * 0.98],
    [10, 5, 0, 140, 60 * 0.7],
    [10, 5, 0, 100, 30],
    [10, 0, 0, 140, 0],
    [10, 5, 5, 140, 60],
    [10, 0, 10, 140, 0],
  ])('of %i hosts, %i healthy and %i excluded, at %i %% is %d', (count, healthy, excluded, factor, weight) => {
    const all = zone('a', count, healthy);
    const [first] = setsOf(all, { weights: { a: 60 }, excluded: all.slice(count - excluded) }).priorities;
    const [place] = first?.localities ?? [];
    if (place === undefined) throw new Error('no locality');
    expect(effectiveWeight(place, 'healthy', factor)).toBeCloseTo(weight, 10);
  });
});

describe('locality weights', () => {
  it('divide requests exactly by weight, whatever the number of hosts', () => {
    const { balancer } = balancerOf([...zone('a', 1), ...zone('b', 9)], { a: 60, b: 20 });
    expect(zones(tally(balancer, 800))).toEqual({ a: 600, b: 200 });
  });

  it('are lowered by missing hosts', () => {
    const { balancer } = balancerOf([...zone('a', 10, 5), ...zone('b', 10)], { a: 10, b: 10 });
    // 10 × 0.5 × 1.4 = 7 against 10.
    expect(zones(tally(balancer, 1700))).toEqual({ a: 700, b: 1000 });
  });

  it('divide exactly over updates too', () => {
    const all = [...zone('a', 2), ...zone('b', 2)];
    const { balancer } = balancerOf(all, { a: 3, b: 1 });
    const counts: Record<string, number> = {};
    for (let round = 0; round < 40; round++) {
      for (const name of Object.keys(zones(tally(balancer, 1)))) counts[name] = (counts[name] ?? 0) + 1;
      balancer.update(setsOf(all, { weights: { a: 3, b: 1 } }));
    }
    expect(counts).toEqual({ a: 30, b: 10 });
  });

  it('pass over localities without a weight', () => {
    const { balancer } = balancerOf([...zone('a', 2), ...zone('b', 2)], { a: 3 });
    expect(zones(tally(balancer, 10))).toEqual({ a: 10 });
  });

  it('decide nothing when no locality has one', () => {
    const { balancer } = balancerOf([...zone('a', 1), ...zone('b', 3)], {});
    expect(zones(tally(balancer, 400))).toEqual({ a: 100, b: 300 });
  });

  it('hold for degraded hosts by themselves', () => {
    const all = [...zone('a', 4, 0, 4), ...zone('b', 4, 0, 2)];
    const { balancer } = balancerOf(all, { a: 10, b: 10 });
    expect(zones(tally(balancer, 1700))).toEqual({ a: 1000, b: 700 });
  });

  it('decide nothing in panic', () => {
    const { balancer, context } = balancerOf([...zone('a', 3, 1), ...zone('b', 1, 0)], { a: 1, b: 9 });
    expect(zones(tally(balancer, 400))).toEqual({ a: 300, b: 100 });
    expect(context.counted.lb_healthy_panic).toBe(400);
  });

  it('are told ahead', () => {
    const { balancer } = balancerOf([...zone('a', 2), ...zone('b', 2)], { a: 3, b: 1 });
    const told = Array.from({ length: 4 }, () => balancer.peek?.({})?.address);
    expect(Array.from({ length: 4 }, () => balancer.pick({}, 0)?.address)).toEqual(told);
  });
});

it('LocalitySchedule is nothing without a usable locality', () => {
  const [first] = setsOf(zone('a', 3, 0), { weights: { a: 5 } }).priorities;
  expect(LocalitySchedule.of(first?.localities ?? [], 'healthy', 140, 0)).toBeUndefined();
});
