import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../api/discovery.ts';
import type { PickContext } from '../api/load-balancer.ts';
import { xxHash64 } from '../hash/xxhash64.ts';
import { ringHashStats, StatsStore } from '../stats/index.ts';
import { clusterRig, endpoint } from './fixture.ts';
import { UpstreamHost } from './host.ts';
import { DEFAULT_HOST_SETS_POLICY, hostSets } from './host-sets.ts';
import { RingHash } from './ring-hash.ts';
import type { RingHashSettings } from './settings.ts';

const DEFAULTS: RingHashSettings = {
  minimumRingSize: 1024,
  maximumRingSize: 8_388_608,
  hashFunction: 'XX_HASH',
  useHostnameForHashing: false,
};

function rig(settings: Partial<RingHashSettings> = {}, random = () => 0) {
  const store = new StatsStore();
  const balancer = new RingHash({ ...DEFAULTS, ...settings }, random, ringHashStats(store.scope('cluster.c')));
  const stat = (name: string) => store.gauges().find((gauge) => gauge.name === `cluster.c.ring_hash_lb.${name}`)?.value;
  return { balancer, stat };
}

const hashed = (hash: bigint): PickContext => ({ hash: () => hash });
const hostAt = (port: number, more: Partial<Endpoint> = {}) => new UpstreamHost(endpoint(port, more));
const keyed = (hash_key: unknown): Partial<Endpoint> => ({ metadata: { 'envoy.lb': { hash_key } } });

/** Hosts at 127.0.0.1:25001 and up. */
function hosts(...more: Partial<Endpoint>[]): UpstreamHost[] {
  return more.map((each, index) => hostAt(25_001 + index, each));
}

const FIVE = [{}, {}, {}, {}, {}];

/** What Envoy 1.40 chose for the header values `v0` to `v49`: the last digits of the ports. */
const RECORDED: readonly {
  readonly what: string;
  readonly settings?: Partial<RingHashSettings>;
  readonly hosts: readonly Partial<Endpoint>[];
  readonly chosen: string;
  readonly stats: readonly [size: number, fewest: number, most: number];
}[] = [
  {
    what: 'equal hosts',
    hosts: FIVE,
    chosen: '22121144255533245415335415145523312224425354241252',
    stats: [1025, 205, 205],
  },
  {
    what: 'weights on a small ring',
    settings: { minimumRingSize: 100 },
    hosts: [1, 2, 3, 5, 7].map((weight) => ({ weight })),
    chosen: '54435555255525453454335325253253324525454453155222',
    stats: [108, 6, 42],
  },
  {
    what: 'more shares than places',
    settings: { minimumRingSize: 3, maximumRingSize: 7 },
    hosts: [3, 1, 2, 1, 1].map((weight) => ({ weight })),
    chosen: '43231311211121223323331321223121343121111123112422',
    stats: [7, 0, 3],
  },
  {
    what: 'MurmurHash2',
    settings: { hashFunction: 'MURMUR_HASH_2' },
    hosts: FIVE,
    chosen: '13252422425221415142212421455214542512342452522424',
    stats: [1025, 205, 205],
  },
  {
    what: 'MurmurHash2 on a small ring',
    settings: { hashFunction: 'MURMUR_HASH_2', minimumRingSize: 64 },
    hosts: FIVE,
    chosen: '14544425344411535334442451454115434534433454224335',
    stats: [65, 13, 13],
  },
  {
    what: 'host names',
    settings: { useHostnameForHashing: true },
    hosts: ['a.test', 'b.test', 'c.test', 'd.test', 'é.test'].map((hostname) => ({ hostname })),
    chosen: '14241225543345132432332432511354423254442343523134',
    stats: [1025, 205, 205],
  },
  {
    what: 'hash keys, of which empty ones do not count',
    hosts: [keyed('one'), keyed('two'), {}, keyed(''), keyed('ünf')],
    chosen: '51253544155232245425332424242543341134413341441452',
    stats: [1025, 205, 205],
  },
];

const sets = (of: readonly UpstreamHost[]) => hostSets(of, DEFAULT_HOST_SETS_POLICY, undefined);

describe('RingHash', () => {
  it.each(RECORDED)('chooses as Envoy: $what', ({ settings, hosts: five, chosen, stats }) => {
    const { balancer, stat } = rig(settings);
    balancer.update(sets(hosts(...five)));
    const picked = [...chosen].map((_digit, i) => balancer.pick(hashed(xxHash64(`v${i}`)), 0)?.address.at(-1));
    expect(picked.join('')).toBe(chosen);
    expect(['size', 'min_hashes_per_host', 'max_hashes_per_host'].map(stat)).toEqual(stats);
  });

  // A host that has been chosen is refused from then on, up to five times for one choice, as in
  // `retry_host_predicate: previous_hosts` with three retries. Recorded for `v0` to `v7`.
  it.each([
    ['equal hosts', 0, ['2513', '2313', '1241', '2341', '1351', '1543', '4213', '4235']],
    ['weights', 1, ['5244', '4213', '4321', '3542', '5455', '5421', '5413', '5133']],
    ['a tiny ring', 2, ['4311', '3124', '2431', '3124', '1243', '3124', '1243', '1324']],
  ])('goes on along the ring as Envoy when hosts are refused: %s', (_what, index, walks) => {
    const recorded = RECORDED[index];
    const { balancer } = rig(recorded?.settings);
    balancer.update(sets(hosts(...(recorded?.hosts ?? []))));
    expect(walks.map((_walk, i) => walkOf(balancer, `v${i}`))).toEqual(walks);
  });

  it('asks for the hash once per choice', () => {
    const { balancer } = rig();
    balancer.update(sets(hosts({}, {})));
    let asked = 0;
    const context: PickContext = { hash: () => BigInt(++asked) };
    for (let reselection = 0; reselection < 4; reselection++) balancer.pick(context, reselection);
    expect(asked).toBe(1);
  });

  it('draws a place for requests without a hash', () => {
    let next = 0;
    const { balancer } = rig({}, () => next);
    balancer.update(sets(hosts(...FIVE)));
    const drawn = new Set<unknown>();
    for (; next < 1; next += 0.01) drawn.add(balancer.pick({ hash: () => undefined }, 0)).add(balancer.pick({}, 0));
    expect(drawn.size).toBe(5);
  });

  it('has nothing to give without hosts or places', () => {
    const { balancer, stat } = rig({ minimumRingSize: 0 });
    expect(balancer.pick(hashed(1n), 0)).toBeUndefined();
    balancer.update(sets(hosts(...FIVE)));
    expect(balancer.pick(hashed(1n), 0)).toBeUndefined();
    expect(stat('size')).toBe(0);
    balancer.update(sets([]));
    expect(balancer.pick({}, 1)).toBeUndefined();
  });

  it('moves few requests of the other hosts when one goes', () => {
    const { balancer } = rig();
    const all = hosts(...FIVE);
    const choices = () => Array.from({ length: 500 }, (_, i) => balancer.pick(hashed(xxHash64(`k${i}`)), 0));
    balancer.update(sets(all));
    const before = choices();
    balancer.update(sets(all.slice(1)));
    const after = choices();
    expect(after).not.toContain(all[0]);
    const others = before.flatMap((host, i) => (host === all[0] ? [] : [after[i] === host]));
    expect(others.filter((stayed) => !stayed).length / others.length).toBeLessThan(0.3);
  });

  it('makes a new ring for a new weight or key of a host, not for another order', () => {
    const { balancer, stat } = rig({ minimumRingSize: 10 });
    const [a, b] = hosts({}, {}) as [UpstreamHost, UpstreamHost];
    balancer.update(sets([a, b]));
    const choices = () => Array.from({ length: 40 }, (_, i) => balancer.pick(hashed(xxHash64(`k${i}`)), 0)?.address);
    const before = choices();
    balancer.update(sets([b, a]));
    expect(choices()).toEqual(before);
    expect(stat('max_hashes_per_host')).toBe(5);
    a.refresh(endpoint(a.port, { weight: 3 }));
    balancer.update(sets([a, b]));
    expect(stat('max_hashes_per_host')).toBe(9);
    const heavy = choices();
    a.refresh(endpoint(a.port, { weight: 3, ...keyed('other') }));
    balancer.update(sets([a, b]));
    expect(choices()).not.toEqual(heavy);
  });
});

/** The hosts of four tries, each of which would rather not have those before it. */
function walkOf(balancer: RingHash, value: string): string {
  const context = hashed(xxHash64(value));
  let walk = '';
  for (let tries = 0; tries < 4; tries++) {
    let digit = balancer.pick(context, 0)?.address.at(-1) as string;
    for (let again = 1; again <= 5 && walk.includes(digit); again++) {
      digit = balancer.pick(context, again)?.address.at(-1) as string;
    }
    walk += digit;
  }
  return walk;
}

describe('Cluster with a hash ring', () => {
  it('walks the ring for hosts that a request refuses', () => {
    const { cluster } = clusterRig();
    const store = new StatsStore();
    cluster.useBalancer(new RingHash(DEFAULTS, () => 0, ringHashStats(store.scope('cluster.c.'))));
    cluster.update([1, 2, 3, 4, 5].map((digit) => endpoint(25_000 + digit)));
    const context = { hash: () => xxHash64('v0'), reselections: 5 };
    const first = cluster.pick(context)?.address;
    expect(first).toBe('127.0.0.1:25002');
    expect(cluster.pick({ ...context, shouldSkip: ({ address }) => address === first })?.address).toBe(
      '127.0.0.1:25005',
    );
    expect(store.gauges().find(({ name }) => name === 'cluster.c.ring_hash_lb.size')?.value).toBe(1025);
  });

  it('has no statistics of a ring when it goes round robin', () => {
    expect(clusterRig().stat('ring_hash_lb.size')).toBeUndefined();
  });
});
