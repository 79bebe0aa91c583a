import {
  type Host,
  type LoadBalancer,
  type PickContext,
  type RequestHash,
  Word64,
  xxHash64,
  xxHash64Into,
} from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { host, hosts, setsOf, TestContext, type TestHost } from '../fixture.ts';
import { maglev } from '../maglev/index.ts';
import { ringHash } from '../ring-hash/index.ts';
import { Ring } from '../ring-hash/ring.ts';
import recorded from './fixtures/envoy.json' with { type: 'json' };
import {
  bounded,
  numberOf,
  retried,
  type Scenario,
  scenarios,
  snapshot,
  tableScenarios,
} from './fixtures/scenarios.ts';

interface Answer {
  readonly chosen: string | readonly string[];
  readonly gauges: Readonly<Record<string, number>>;
}

const answers = recorded as Readonly<Record<string, Answer>>;
const policies = { ring: ringHash, maglev };
type Policy = keyof typeof policies;

function rig(policy: Policy, scenario: Scenario) {
  const {
    panicThreshold: healthyPanicThreshold = 50,
    useHostname,
    balanceFactor,
    localityWeighted,
    tableSize,
  } = scenario;
  const context = new TestContext({ healthyPanicThreshold });
  const { config } = policies[policy]({
    consistentHashingLbConfig: {
      useHostnameForHashing: useHostname ?? false,
      ...(balanceFactor !== undefined && { hashBalanceFactor: balanceFactor }),
    },
    ...(localityWeighted && { localityWeightedLbConfig: {} }),
    ...(tableSize !== undefined && { tableSize }),
  });
  const balancer = policies[policy].create(config, context);
  balancer.update(snapshot(scenario));
  return { balancer, counted: context.counted };
}

const hashed = (value: string): PickContext => ({ hash: () => xxHash64(value) });
const pick = (balancer: LoadBalancer, value: string) => balancer.pick(hashed(value), 0);

const tables = [
  ...Object.entries(scenarios).flatMap(([name, scenario]) =>
    (['ring', 'maglev'] as const).map((policy) => ({ name: `${policy}-${name}`, policy, scenario })),
  ),
  ...Object.entries(tableScenarios).map(([name, scenario]) => ({
    name: `maglev-${name}`,
    policy: 'maglev' as const,
    scenario,
  })),
];

describe('HashBalancer', () => {
  it.each(tables)('chooses as Envoy: $name', ({ name, policy, scenario }) => {
    const { balancer, counted } = rig(policy, scenario);
    const { chosen, gauges } = answers[name] as Answer;
    const picked = Array.from({ length: 100 }, (_, i) => numberOf(pick(balancer, `v${i}`)));
    expect(picked.join(' ')).toBe(chosen);
    expect(counted).toMatchObject(gauges);
    expect(counted.lb_healthy_panic ?? 0).toBe(name.endsWith('-panic') ? 100 : 0);
  });

  it.each(['ring', 'maglev'] as const)('goes on as Envoy when hosts are refused: %s', (policy) => {
    const { balancer } = rig(policy, retried);
    const walks = Array.from({ length: 12 }, (_, i) => walkOf(balancer, `v${i}`));
    expect(walks).toEqual(answers[`${policy}-retry`]?.chosen);
  });

  it.each(
    Object.entries(bounded).flatMap(([name, scenario]) =>
      (['ring', 'maglev'] as const).map((policy) => ({ name: `${policy}-${name}`, policy, scenario })),
    ),
  )('keeps loads within bounds as Envoy: $name', ({ name, policy, scenario }) => {
    const walks = scenario.values.map((value) => {
      const { balancer, counted } = rig(policy, scenario);
      return Array.from({ length: 14 }, () => {
        const found = pick(balancer, value) as TestHost;
        found.stats.rqActive++;
        counted.upstream_rq_active = (counted.upstream_rq_active ?? 0) + 1;
        return numberOf(found);
      }).join(' ');
    });
    expect(walks).toEqual(answers[name]?.chosen);
  });

  it('asks for the hash once per choice', () => {
    const { balancer } = rig('ring', { hosts: [{}, {}] });
    let asked = 0;
    const context: PickContext = { hash: () => BigInt(++asked) };
    for (let reselection = 0; reselection < 4; reselection++) balancer.pick(context, reselection);
    expect(asked).toBe(1);
  });

  it.each(['ring', 'maglev'] as const)('asks for the hash by its own policies where it has any: %s', (policy) => {
    const asked = [{}, { consistentHashingLbConfig: { hashPolicy: [{ header: { headerName: 'x-p' } }] } }].map(
      (given) => {
        const balancer = policies[policy].create(policies[policy](given).config, new TestContext());
        balancer.update(setsOf(hosts('a', 3)));
        let by: RequestHash | undefined;
        balancer.pick({ hash: (own) => void (by = own) as undefined }, 0);
        return by?.hash({ requestHeaders: { get: () => 'v', getAll: () => ['v'] } } as never, () => {});
      },
    );
    expect(asked).toEqual([undefined, xxHash64('v')]);
  });

  it.each(['ring', 'maglev'] as const)('draws a place for requests without a hash: %s', (policy) => {
    const { balancer } = rig(policy, { hosts: [{}, {}, {}, {}, {}] });
    const drawn = new Set<Host | undefined>();
    for (let i = 0; i < 100; i++) drawn.add(balancer.pick({ hash: () => undefined }, 0)).add(balancer.pick({}, 0));
    expect(drawn.size).toBe(5);
  });

  it.each(['ring', 'maglev'] as const)('has nothing to give without hosts: %s', (policy) => {
    const { balancer } = rig(policy, { hosts: [{}] });
    balancer.update(setsOf([]));
    expect(pick(balancer, 'v0')).toBeUndefined();
    expect(balancer.pick({}, 1)).toBeUndefined();
  });

  it('has nothing to give on a ring without places', () => {
    const context = new TestContext();
    const { config } = ringHash({ minimumRingSize: 0 });
    const balancer = ringHash.create(config, context);
    balancer.update(setsOf(hosts('a', 3)));
    expect(pick(balancer, 'v0')).toBeUndefined();
    expect(context.counted.size).toBe(0);
  });

  it.each([
    ['ring', 0.3],
    ['maglev', 0.05],
  ] as const)('moves few requests of the other hosts when one goes: %s', (policy, most) => {
    const { balancer } = rig(policy, { hosts: [] });
    const all = hosts('a', 5);
    const choices = () => Array.from({ length: 500 }, (_, i) => pick(balancer, `k${i}`));
    balancer.update(setsOf(all));
    const before = choices();
    balancer.update(setsOf(all.slice(1)));
    const after = choices();
    expect(after).not.toContain(all[0]);
    const others = before.flatMap((one, i) => (one === all[0] ? [] : [after[i] === one]));
    expect(others.filter((stayed) => !stayed).length / others.length).toBeLessThan(most);
  });

  it('makes a new table for a new weight or key of a host, not for another order', () => {
    const [a, b] = [host('a'), host('b')];
    const context = new TestContext();
    const balancer = ringHash.create(ringHash({ minimumRingSize: 10 }).config, context);
    balancer.update(setsOf([a, b]));
    const choices = () => Array.from({ length: 40 }, (_, i) => pick(balancer, `k${i}`)?.address);
    const before = choices();
    balancer.update(setsOf([b, a]));
    expect(choices()).toEqual(before);
    expect(context.counted.max_hashes_per_host).toBe(5);
    a.weight = 3;
    balancer.update(setsOf([a, b]));
    expect(context.counted.max_hashes_per_host).toBe(9);
    const heavy = choices();
    a.metadata = { 'envoy.lb': { hash_key: 'other' } };
    balancer.update(setsOf([a, b]));
    expect(choices()).not.toEqual(heavy);
  });
});

/** The hosts of four tries, each of which would rather not have those before it. */
function walkOf(balancer: LoadBalancer, value: string): string {
  const walk: number[] = [];
  for (let tries = 0; tries < 4; tries++) {
    let found = numberOf(pick(balancer, value));
    for (let again = 1; again <= 5 && walk.includes(found); again++) {
      found = numberOf(balancer.pick(hashed(value), again));
    }
    walk.push(found);
  }
  return walk.join(' ');
}

describe('Ring', () => {
  it('finds every place by its own hash, also where hashes share their upper half', () => {
    const members = Array.from({ length: 40 }, (_, i) => ({ key: `k${i}`, share: 1 / 40 }));
    const ring = new Ring(members, { minimumRingSize: 200_000, maximumRingSize: 8_388_608, hashFunction: 'XX_HASH' });
    const word = new Word64();
    let wrong = 0;
    for (let i = 0; i < 5000; i++) {
      for (const [index, { key }] of members.entries()) {
        xxHash64Into(`${key}_${i}`, word);
        if (ring.memberAt(word.high >>> 0, word.low >>> 0, 0) !== index) wrong++;
      }
    }
    expect(wrong).toBe(0);
  });
});
