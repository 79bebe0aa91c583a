import { type LoadBalancer, type PickContext, xxHash64 } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { host, inZone, setsOf, TestContext, type TestHost } from '../fixture.ts';
import { maglev } from '../maglev/index.ts';
import { roundRobin } from '../round-robin/index.ts';
import recorded from './fixtures/envoy.json' with { type: 'json' };
import { asks, type Given, hosts, type Scenario, scenarios } from './fixtures/scenarios.ts';
import { subset } from './index.ts';

interface Answer {
  readonly chosen: Readonly<Record<string, string>>;
  readonly stats: Readonly<Record<string, number>>;
}

const answers = recorded as unknown as Readonly<Record<string, Answer>>;

function rig(
  config: object,
  { inner = maglev(), panicThreshold = 50 }: { inner?: object; panicThreshold?: number } = {},
) {
  const context = new TestContext({ healthyPanicThreshold: panicThreshold });
  const made: LoadBalancer[] = [];
  context.make = (choice) => {
    const { definition } = choice as never as { definition: typeof maglev };
    const balancer = definition.create(choice.config, context);
    made.push(balancer);
    return balancer;
  };
  const balancer = subset.create(subset({ ...config, subsetLbPolicy: inner } as never).config, context);
  return { balancer, counted: context.counted, made };
}

const hostOf = ({ md, zone, ...given }: Given, i: number): TestHost =>
  host(`127.0.1.${1 + i}:21150`, {
    ...given,
    ...(md && { metadata: { 'envoy.lb': md } }),
    ...(zone !== undefined && inZone(zone)),
  });

const numberOf = (address: string | undefined) =>
  address === undefined ? '-' : String(Number(address.split(/[.:]/)[3]) - 1);

const asking = (metadataMatch: PickContext['metadataMatch'], value = 'v0'): PickContext => ({
  metadataMatch,
  hash: () => xxHash64(value),
});

/** The hosts for twelve values; `-` when there is none for any. */
function chosenFor(balancer: LoadBalancer, ask: PickContext['metadataMatch']): string {
  const all = Array.from({ length: 12 }, (_, i) => numberOf(balancer.pick(asking(ask, `v${i}`), 0)?.address));
  return all.join('').replace(/^-{12}$/, '-');
}

function rigOf({ config, hosts: given = hosts, zones = {}, panicThreshold = 50 }: Scenario) {
  const made = rig(config, {
    panicThreshold,
    inner: maglev(zones.a === undefined ? {} : { localityWeightedLbConfig: {} }),
  });
  made.balancer.update(setsOf(given.map(hostOf), { weights: zones }));
  return made;
}

describe('SubsetBalancer', () => {
  it.each(Object.entries(scenarios))('chooses as Envoy: %s', (name, scenario) => {
    const { balancer, counted } = rigOf(scenario);
    const { chosen, stats } = answers[name] as Answer;
    const expected = Object.entries(chosen).flatMap(([names, digits]) => names.split(' ').map((ask) => [ask, digits]));
    const found = Object.keys(asks).map((ask) => [ask, chosenFor(balancer, asks[ask])]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    const nothing = /^(?:lb_subsets_|lb_healthy)/;
    expect(
      Object.fromEntries(Object.entries(counted).filter(([key, value]) => nothing.test(key) && value > 0)),
    ).toEqual(stats);
  });

  it('makes, keeps and removes subsets as hosts come and go', () => {
    const { balancer, counted, made } = rig({ subsetSelectors: [{ keys: ['stage'] }] });
    const at = (...stages: string[]) => balancer.update(setsOf(stages.map((stage, i) => hostOf({ md: { stage } }, i))));
    at('a', 'a', 'b');
    expect([counted.lb_subsets_active, counted.lb_subsets_created, made.length]).toEqual([2, 2, 2]);
    at('a', 'c', 'b');
    expect([counted.lb_subsets_active, counted.lb_subsets_created, counted.lb_subsets_removed]).toEqual([
      3,
      3,
      undefined,
    ]);
    expect(numberOf(balancer.pick(asking({ stage: 'c' }), 0)?.address)).toBe('1');
    at('c');
    expect([counted.lb_subsets_active, counted.lb_subsets_created, counted.lb_subsets_removed]).toEqual([1, 3, 2]);
    expect(balancer.pick(asking({ stage: 'a' }), 0)).toBeUndefined();
    expect(made.length).toBe(3);
    balancer.close?.();
    expect([counted.lb_subsets_active, counted.lb_subsets_removed]).toEqual([0, 3]);
  });

  it('sees that the metadata or the health of a host have changed', () => {
    const { balancer } = rig({ subsetSelectors: [{ keys: ['stage'] }] }, { panicThreshold: 0 });
    const [first, second] = [hostOf({ md: { stage: 'a' } }, 0), hostOf({ md: { stage: 'a' } }, 1)];
    const ask = { stage: 'a' };
    const seen = () => new Set(Array.from({ length: 30 }, (_, i) => balancer.pick(asking(ask, `v${i}`), 0)));
    balancer.update(setsOf([first, second]));
    expect(seen()).toEqual(new Set([first, second]));
    first.metadata = { 'envoy.lb': { stage: 'b' } };
    balancer.update(setsOf([first, second]));
    expect(seen()).toEqual(new Set([second]));
    expect(balancer.pick(asking({ stage: 'b' }), 0)).toBe(first);
    second.health = 'unhealthy';
    balancer.update(setsOf([first, second]));
    expect(seen()).toEqual(new Set([undefined]));
  });

  it('asks the same subset again when its answer is refused', () => {
    const { balancer, counted } = rig({ subsetSelectors: [{ keys: ['stage'] }] }, { inner: roundRobin() });
    const all = ['a', 'a', 'b'].map((stage, i) => hostOf({ md: { stage } }, i));
    balancer.update(setsOf(all));
    const context = asking({ stage: 'a' });
    const [one, other] = [balancer.pick(context, 0), balancer.pick(context, 1)];
    expect(new Set([one, other])).toEqual(new Set(all.slice(0, 2)));
    expect(counted.lb_subsets_selected).toBe(1);
  });

  it('knows equal values whatever the order of their keys, and unequal ones whatever their text', () => {
    const { balancer } = rig({ subsetSelectors: [{ keys: ['v'] }] });
    const values = [{ a: 1, b: [2, null] }, '1', 1, true, null];
    balancer.update(setsOf(values.map((v, i) => hostOf({ md: { v } }, i))));
    const asked = [{ b: [2, null], a: 1 }, '1', 1, true, null, { b: [null, 2], a: 1 }, 'true', false];
    expect(asked.map((v) => numberOf(balancer.pick(asking({ v }), 0)?.address)).join('')).toBe('01234---');
  });

  it('takes what filters say of a request over what its route says', () => {
    const { balancer } = rig({ subsetSelectors: [{ keys: ['stage'] }, { keys: ['stage', 'version'] }] });
    const hosts = ['a', 'b'].map((stage, i) => hostOf({ md: { stage, version: 1 } }, i));
    balancer.update(setsOf(hosts));
    const said = (own: object, metadataMatch: PickContext['metadataMatch']) =>
      balancer.pick({ metadataMatch, dynamicMetadata: new Map([['envoy.lb', own]]) }, 0);
    expect(said({ stage: 'b' }, { stage: 'a' })).toBe(hosts[1]);
    expect(said({ stage: 'b' }, undefined)).toBe(hosts[1]);
    expect(said({ version: 1 }, { stage: 'a' })).toBe(hosts[0]);
    expect(said({ version: 2 }, { stage: 'a' })).toBeUndefined();
  });

  it('bounds what the lists of one host come to', () => {
    const { balancer, counted } = rig({ subsetSelectors: [{ keys: ['a', 'b', 'c'] }], listAsAny: true });
    const list = Array.from({ length: 40 }, (_, i) => i);
    balancer.update(setsOf([hostOf({ md: { a: list, b: list, c: list } }, 0)]));
    expect(counted.lb_subsets_active).toBe(1024);
  });
});

describe('subset', () => {
  const checked = (selector: object) => () =>
    subset({ subsetSelectors: [selector], subsetLbPolicy: maglev() } as never);

  it.each([
    [
      { keys: ['a'], fallbackKeysSubset: ['a'] },
      'fallback_keys_subset can be set only for KEYS_SUBSET fallback_policy',
    ],
    [{ keys: ['a'], fallbackPolicy: 'KEYS_SUBSET' }, 'fallback_keys_subset cannot be empty'],
    [
      { keys: ['a', 'b'], fallbackPolicy: 'KEYS_SUBSET', fallbackKeysSubset: ['x'] },
      'fallback_keys_subset must be a subset of selector keys',
    ],
    [
      { keys: ['a'], fallbackPolicy: 'KEYS_SUBSET', fallbackKeysSubset: ['a', 'a'] },
      'fallback_keys_subset cannot be equal to keys',
    ],
  ])('refuses %j', (selector, message) => {
    expect(checked(selector)).toThrow(`subsetSelectors.0.fallback_keys_subset: ${message}`);
  });

  it('needs a policy', () => {
    expect(() => subset({} as never)).toThrow('subset_lb_policy: is required');
  });
});
