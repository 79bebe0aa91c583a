import type { HostSets } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { host, hosts, sequence, setsOf, TestContext, type TestHost, tally } from '../fixture.ts';
import { roundRobin } from './index.ts';
import { RoundRobin } from './round-robin.ts';

/** Chance that makes every start the first host. */
const fromTheFirst = () => 0;

function walker(sets: HostSets, context = new TestContext({ random: fromTheFirst })): RoundRobin {
  const balancer = new RoundRobin({}, context);
  balancer.update(sets);
  return balancer;
}

function weighted(...weights: number[]): TestHost[] {
  return weights.map((weight, i) => host(`a${i}`, { weight }));
}

function withHealth(all: readonly TestHost[], health: TestHost['health'], ...which: number[]): readonly TestHost[] {
  for (const i of which) (all[i] as TestHost).health = health;
  return all;
}

describe('round robin', () => {
  it('walks equal hosts in turn', () => {
    expect(sequence(walker(setsOf(hosts('a', 3))), 7)).toEqual(['a0', 'a1', 'a2', 'a0', 'a1', 'a2', 'a0']);
  });

  it('begins at random', () => {
    const starts = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const context = new TestContext({ random: () => seed / 100 });
      starts.add(sequence(walker(setsOf(hosts('a', 4)), context), 1)[0] as string);
    }
    expect([...starts].sort()).toEqual(['a0', 'a1', 'a2', 'a3']);
  });

  it('keeps its place when health and membership change', () => {
    const all = hosts('a', 4);
    const balancer = walker(setsOf(all));
    expect(sequence(balancer, 2)).toEqual(['a0', 'a1']);
    balancer.update(setsOf(all));
    expect(sequence(balancer, 1)).toEqual(['a2']);
    balancer.update(setsOf(withHealth(all, 'unhealthy', 0)));
    // Three picks are behind it: the fourth of [a1 a2 a3], again and again.
    expect(sequence(balancer, 3)).toEqual(['a1', 'a2', 'a3']);
    balancer.update(setsOf(withHealth(all, 'healthy', 0)));
    expect(sequence(balancer, 4)).toEqual(['a2', 'a3', 'a0', 'a1']);
  });

  it('takes weighted hosts by earliest deadline', () => {
    expect(sequence(walker(setsOf(weighted(1, 2, 3))), 12)).toEqual([
      'a2',
      'a1',
      'a2',
      'a0',
      'a1',
      'a2',
      'a2',
      'a1',
      'a2',
      'a0',
      'a1',
      'a2',
    ]);
  });

  it('gives weighted hosts their exact shares, also over updates', () => {
    const all = weighted(1, 3, 6);
    const balancer = walker(setsOf(all));
    const counts: Record<string, number> = {};
    for (let round = 0; round < 100; round++) {
      for (const address of sequence(balancer, 1)) counts[address] = (counts[address] ?? 0) + 1;
      balancer.update(setsOf(all));
    }
    expect(counts).toEqual({ a0: 10, a1: 30, a2: 60 });
  });

  it('answers nothing without hosts', () => {
    const balancer = walker(setsOf([]));
    expect([balancer.pick({}), balancer.peek({})]).toEqual([undefined, undefined]);
  });

  it('uses all hosts of a priority that panics, and counts it', () => {
    const context = new TestContext({ random: fromTheFirst });
    const balancer = walker(setsOf(withHealth(hosts('a', 4), 'unhealthy', 0, 1, 2)), context);
    expect(sequence(balancer, 4)).toEqual(['a0', 'a1', 'a2', 'a3']);
    expect(context.counted.lb_healthy_panic).toBe(4);
  });

  it('reads the panic threshold from the runtime with every update', () => {
    const context = new TestContext({ random: fromTheFirst });
    const all = withHealth(hosts('a', 4), 'unhealthy', 0, 1, 2);
    const balancer = walker(setsOf(all), context);
    context.keys['upstream.healthy_panic_threshold'] = '20';
    balancer.update(setsOf(all));
    expect(sequence(balancer, 2)).toEqual(['a3', 'a3']);
    expect(context.counted.lb_healthy_panic).toBeUndefined();
  });

  it('has no host when panic fails traffic', () => {
    const context = new TestContext({ random: fromTheFirst });
    const { config } = roundRobin({ localityLbConfig: { zoneAwareLbConfig: { failTrafficOnPanic: true } } });
    const balancer = roundRobin.create(config, context);
    balancer.update(setsOf(withHealth(hosts('a', 4), 'unhealthy', 0, 1, 2)));
    expect(balancer.pick({}, 0)).toBeUndefined();
    expect(context.counted.lb_healthy_panic).toBe(1);
  });

  it('divides the load among priorities and their degraded hosts exactly as it was worked out', () => {
    const all = [...hosts('a', 4), ...hosts('b', 2, { priority: 1 }), host('c', { priority: 1, health: 'degraded' })];
    withHealth(all, 'unhealthy', 0, 1, 2);
    let drawn = 0;
    const balancer = walker(setsOf(all), new TestContext({ random: () => (drawn++ % 100) / 100 }));
    drawn = 0;
    // Priority 0: 1/4 × 1.4 = 35 %; priority 1: 2/3 × 1.4 = 93 %.
    const counts = tally(balancer, 100);
    expect(counts.a3).toBe(35);
    expect((counts.b0 ?? 0) + (counts.b1 ?? 0)).toBe(65);
  });

  it('takes the priority and the kind of hosts that an outer choice has made', () => {
    const all = [host('a'), host('b', { priority: 1 }), host('c', { priority: 1, health: 'degraded' })];
    const balancer = walker(setsOf(all));
    expect(balancer.pick({ within: { priority: 1, degraded: false } })?.address).toBe('b');
    expect(balancer.pick({ within: { priority: 1, degraded: true } })?.address).toBe('c');
    expect(balancer.pick({ within: { priority: 2, degraded: false } })).toBeUndefined();
  });

  it('leaves out the priorities of the hosts that a request has tried, and says when none is left', () => {
    const [a, b] = [host('a'), host('b', { priority: 1 })];
    const balancer = walker(setsOf([a, b]));
    let told = 0;
    const address = (triedHosts: readonly TestHost[]) =>
      balancer.pick({ triedHosts, onNoPriorityLeft: () => void told++ })?.address;
    expect([address([a]), address([]), told]).toEqual(['b', 'a', 0]);
    expect([address([a, b]), told]).toEqual(['a', 1]);
  });

  it.each([[[1, 1, 1]], [[1, 2, 3]]])(
    'peeks at the picks that follow, at most once per healthy host: %j',
    (weights) => {
      const balancer = walker(setsOf(weighted(...weights)), new TestContext());
      sequence(balancer, 5);
      const told = Array.from({ length: 4 }, () => balancer.peek({})?.address);
      expect(told[3]).toBeUndefined();
      expect(sequence(balancer, 3)).toEqual(told.slice(0, 3));
      expect(balancer.peek({})?.address).toBe(sequence(balancer, 1)[0]);
    },
  );
});

describe('roundRobin', () => {
  it('is made without a config', () => {
    const balancer = roundRobin.create(undefined, new TestContext());
    balancer.update(setsOf([host('a')]));
    expect(balancer.pick({}, 0)?.address).toBe('a');
  });

  it('refuses two ways to choose a place', () => {
    expect(() => roundRobin({ localityLbConfig: { zoneAwareLbConfig: {}, localityWeightedLbConfig: {} } })).toThrow(
      'only one of zone_aware_lb_config, locality_weighted_lb_config may be given',
    );
  });
});
