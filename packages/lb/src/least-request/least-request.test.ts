import { describe, expect, it } from 'vitest';
import { chiSquare, host, hosts, setsOf, TestContext, type TestHost, tally } from '../fixture.ts';
import { leastRequest } from './index.ts';

type Input = Parameters<typeof leastRequest>[0];

function balancerOf(all: readonly TestHost[], config: Input = {}, context = new TestContext()) {
  const balancer = leastRequest.create(leastRequest(config).config, context);
  balancer.update(setsOf(all));
  return balancer;
}

/** Hosts with so many requests under way. */
function busy(...requests: number[]): TestHost[] {
  return requests.map((rqActive, i) => {
    const made = host(`a${i}`);
    made.stats.rqActive = rqActive;
    return made;
  });
}

describe('least request', () => {
  it('takes the less busy of two drawn hosts', () => {
    // Of two draws out of four the busiest wins only when it is drawn twice.
    const counts = tally(balancerOf(busy(0, 1, 2, 3)), 32_000);
    expect(chiSquare(counts, { a0: 7, a1: 5, a2: 3, a3: 1 })).toBeLessThan(1);
  });

  it('gives equal hosts the same chance', () => {
    expect(chiSquare(tally(balancerOf(hosts('a', 5)), 20_000), { a0: 1, a1: 1, a2: 1, a3: 1, a4: 1 })).toBeLessThan(1);
  });

  it.each([1, 2, 3, 5])('draws %i hosts', (choiceCount) => {
    const chance = 0.5 ** choiceCount;
    const counts = tally(balancerOf(busy(0, 9), { choiceCount }), 20_000);
    expect(chiSquare(counts, { a0: 1 - chance, a1: chance })).toBeLessThan(1);
  });

  it('looks at all hosts when told to, and settles ties by lot', () => {
    const balancer = balancerOf(busy(3, 1, 2, 1, 1), { selectionMethod: 'FULL_SCAN' });
    const counts = tally(balancer, 15_000);
    expect(chiSquare(counts, { a1: 1, a3: 1, a4: 1 })).toBeLessThan(1);
  });

  it('takes weighted hosts in turn, less often the busier they are', () => {
    const [a, b] = [host('a', { weight: 3 }), host('b', { weight: 1 })];
    const balancer = balancerOf([a, b]);
    expect(tally(balancer, 400)).toEqual({ a: 300, b: 100 });
    a.stats.rqActive = 5;
    // 3/6 against 1; the first deadline still comes of the old weight.
    expect(tally(balancer, 3).a).toBeLessThanOrEqual(2);
    expect(tally(balancer, 300)).toEqual({ a: 100, b: 200 });
  });

  it.each<[bias: number, shares: Record<string, number>]>([
    [0, { a: 4, b: 2 }],
    [1, { a: 1, b: 2 }],
    [2, { a: 1, b: 8 }],
    [-3, { a: 1, b: 2 }],
  ])('lowers weights by the power %d of the requests', (bias, shares) => {
    const [a, b] = [host('a', { weight: 4 }), host('b', { weight: 2 })];
    a.stats.rqActive = 3;
    const balancer = balancerOf([a, b], { activeRequestBias: { defaultValue: bias } });
    const total = Object.values(shares).reduce((sum, each) => sum + each, 0);
    expect(tally(balancer, total * 100)).toEqual(
      Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, share * 100])),
    );
  });

  it('reads the bias from the runtime with every update', () => {
    const [a, b] = [host('a', { weight: 4 }), host('b', { weight: 2 })];
    a.stats.rqActive = 3;
    const context = new TestContext();
    const balancer = balancerOf([a, b], { activeRequestBias: { defaultValue: 1, runtimeKey: 'bias' } }, context);
    context.keys.bias = '0';
    balancer.update(setsOf([a, b]));
    expect(tally(balancer, 600)).toEqual({ a: 400, b: 200 });
  });

  it('starts new hosts slowly', () => {
    const context = new TestContext();
    const balancer = balancerOf([host('a')], { slowStartConfig: { slowStartWindow: '10s' } }, context);
    context.clock.advance(20_000);
    balancer.update(setsOf([host('a'), host('new', { addedMs: 20_000 })]));
    context.clock.advance(5_000);
    tally(balancer, 50);
    expect(tally(balancer, 300)).toEqual({ a: 200, new: 100 });
  });

  it('tells ahead only what weights decide', () => {
    expect(balancerOf(hosts('a', 3)).peek?.({})).toBeUndefined();
    const weighted = balancerOf([host('a', { weight: 3 }), host('b')]);
    const told = weighted.peek?.({})?.address;
    expect(told).toBeDefined();
    expect(weighted.pick({}, 0)?.address).toBe(told);
  });

  it('answers nothing without hosts', () => {
    expect(balancerOf([]).pick({}, 0)).toBeUndefined();
    expect(balancerOf([], { selectionMethod: 'FULL_SCAN' }).pick({}, 0)).toBeUndefined();
  });
});

describe('leastRequest', () => {
  it('is made without a config', () => {
    const balancer = leastRequest.create(undefined, new TestContext());
    balancer.update(setsOf([host('a')]));
    expect(balancer.pick({}, 0)?.address).toBe('a');
  });

  it('refuses what Envoy itself ignores', () => {
    expect(() => leastRequest({ enableFullScan: true } as Input)).toThrow('use selection_method: FULL_SCAN');
  });
});
