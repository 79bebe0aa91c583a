import { describe, expect, it } from 'vitest';
import { chiSquare, host, hosts, setsOf, TestContext, tally } from '../fixture.ts';
import { random } from './index.ts';

function balancerOf(all: ReturnType<typeof hosts>, context = new TestContext()) {
  const balancer = random.create(random().config, context);
  balancer.update(setsOf(all));
  return balancer;
}

describe('random', () => {
  it('gives every host the same chance, whatever its weight', () => {
    const all = [host('a', { weight: 1 }), host('b', { weight: 50 }), host('c', { weight: 5 })];
    expect(chiSquare(tally(balancerOf(all), 30_000), { a: 1, b: 1, c: 1 })).toBeLessThan(1);
  });

  it('finds every one of many hosts, the last one too', () => {
    const last = new TestContext({ random: () => 1 - Number.EPSILON });
    expect(balancerOf(hosts('a', 10_000), last).pick({}, 0)?.address).toBe('a9999');
  });

  it('draws no host twice in a row more often than chance does', () => {
    const balancer = balancerOf(hosts('a', 4));
    let before: string | undefined;
    const counts = { same: 0, other: 0 };
    for (let i = 0; i < 20_000; i++) {
      const address = balancer.pick({}, 0)?.address;
      counts[address === before ? 'same' : 'other']++;
      before = address;
    }
    expect(chiSquare(counts, { same: 1, other: 3 })).toBeLessThan(1);
  });

  it('peeks at the picks that follow', () => {
    const balancer = balancerOf(hosts('a', 9));
    const told = Array.from({ length: 9 }, () => balancer.peek?.({})?.address);
    expect(balancer.peek?.({})).toBeUndefined();
    expect(Array.from({ length: 9 }, () => balancer.pick({}, 0)?.address)).toEqual(told);
  });

  it('answers nothing without hosts', () => {
    const balancer = balancerOf([]);
    expect([balancer.pick({}, 0), balancer.peek?.({})]).toEqual([undefined, undefined]);
  });
});
