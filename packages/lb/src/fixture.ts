/** Hosts, snapshots and contexts for tests of policies. */
import type {
  Host,
  HostHealth,
  HostSets,
  LoadBalancerContext,
  LocalCluster,
  Locality,
  LocalityHosts,
  PriorityHosts,
  RandomSource,
  Runtime,
  StatsScope,
  Timers,
} from '@mesh/core';
import { VirtualClock } from '@mesh/testing';

/** What of a host a test may set; health, weight and times may change later. */
export type TestHost = { -readonly [K in keyof Host]: Host[K] };

/** A healthy host of weight 1 and priority 0, in no place. */
export function host(address: string, given: Partial<TestHost> & { health?: HostHealth } = {}): TestHost {
  const stats = {
    cxActive: 0,
    cxConnectFail: 0,
    cxTotal: 0,
    rqActive: 0,
    rqError: 0,
    rqSuccess: 0,
    rqTimeout: 0,
    rqTotal: 0,
  };
  return {
    address,
    ip: address,
    port: 80,
    hostname: '',
    weight: 1,
    locality: { region: '', zone: '', subZone: '' },
    priority: 0,
    health: 'healthy',
    healthFlags: 0,
    addedMs: 0,
    recoveredMs: undefined,
    stats,
    ...given,
    get healthy() {
      return this.health === 'healthy';
    },
  };
}

/** Hosts `a0`, `a1`, … */
export function hosts(prefix: string, count: number, given: Partial<TestHost> = {}): TestHost[] {
  return Array.from({ length: count }, (_, i) => host(`${prefix}${i}`, given));
}

/** What of a snapshot is not its hosts. */
export interface SetsOptions {
  readonly overprovisioningFactor?: number;
  readonly weightedPriorityHealth?: boolean;
  /** The zone that comes first. */
  readonly ownZone?: string;
  /** Weights of localities by zone. */
  readonly weights?: Readonly<Record<string, number>>;
  readonly excluded?: readonly Host[];
}

/** A snapshot; zones are in the order of the alphabet, but for the own one. */
export function setsOf(all: readonly Host[], options: SetsOptions = {}): HostSets {
  const last = all.reduce((most, { priority }) => Math.max(most, priority), 0);
  const priorities = Array.from({ length: last + 1 }, (_, priority) => priorityOf(priority, all, options));
  const { overprovisioningFactor = 140, weightedPriorityHealth = false } = options;
  return { priorities, overprovisioningFactor, weightedPriorityHealth };
}

function priorityOf(priority: number, all: readonly Host[], options: SetsOptions): PriorityHosts {
  const { ownZone, weights = {} } = options;
  const members = all.filter((each) => each.priority === priority);
  const zones = [...new Set(members.map(({ locality }) => locality.zone))].sort((a, b) =>
    a === ownZone ? -1 : b === ownZone ? 1 : a < b ? -1 : 1,
  );
  const localities = zones.map((zone): LocalityHosts => {
    const there = members.filter(({ locality }) => locality.zone === zone);
    return { locality: inZone(zone).locality, weight: weights[zone] ?? 0, ...divided(there, options) };
  });
  const hasLocal = ownZone !== undefined && zones[0] === ownZone;
  return {
    priority,
    ...divided(members, options),
    localities,
    hasLocal,
    localityWeights: localities.some(({ weight }) => weight > 0),
  };
}

function divided(members: readonly Host[], { excluded = [] }: SetsOptions) {
  return {
    hosts: members,
    healthy: members.filter(({ health }) => health === 'healthy'),
    degraded: members.filter(({ health }) => health === 'degraded'),
    excluded: members.filter((each) => excluded.includes(each)),
  };
}

/** The place of a host. */
export function inZone(zone: string): { readonly locality: Locality } {
  return { locality: { region: '', zone, subZone: '' } };
}

/** A context on virtual time, with chance from a seed and counters that can be read. */
export class TestContext implements LoadBalancerContext {
  readonly clusterName = 'test';
  readonly clock = new VirtualClock();
  readonly timers: Timers;
  readonly random: RandomSource;
  readonly counted: Record<string, number> = {};
  /** Values that the runtime has. */
  readonly keys: Record<string, string> = {};
  readonly runtime: Runtime;
  readonly stats: StatsScope;
  readonly healthyPanicThreshold: number;
  readonly local: LocalCluster | undefined;
  make: LoadBalancerContext['make'] = () => {
    throw new Error('this test makes no inner policy');
  };

  constructor({
    random = seeded(1),
    healthyPanicThreshold = 50,
    local,
  }: { random?: RandomSource; healthyPanicThreshold?: number; local?: LocalCluster } = {}) {
    this.random = random;
    this.healthyPanicThreshold = healthyPanicThreshold;
    this.local = local;
    this.timers = timersOf(this.clock);
    this.runtime = runtimeOf(this.keys);
    this.stats = statsOf(this.counted);
  }
}

/** The proxy's own cluster; `set` replaces its hosts. */
export class TestLocalCluster implements LocalCluster {
  readonly name = 'proxies';
  private current: HostSets;
  private readonly watchers = new Set<() => void>();

  constructor(sets: HostSets) {
    this.current = sets;
  }

  sets(): HostSets {
    return this.current;
  }

  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => void this.watchers.delete(changed);
  }

  /** How many listen. */
  get listeners(): number {
    return this.watchers.size;
  }

  set(sets: HostSets): void {
    this.current = sets;
    for (const changed of this.watchers) changed();
  }
}

/** The same numbers in every run (mulberry32). */
export function seeded(seed: number): RandomSource {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Addresses that `picks` picks come to, in order. */
export function sequence(
  balancer: { pick(context: object, reselection: number): Host | undefined },
  picks: number,
): string[] {
  return Array.from({ length: picks }, () => balancer.pick({}, 0)?.address ?? 'none');
}

/** How often each address comes up in `picks` picks. */
export function tally(
  balancer: { pick(context: object, reselection: number): Host | undefined },
  picks: number,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const address of sequence(balancer, picks)) counts[address] = (counts[address] ?? 0) + 1;
  return counts;
}

/**
 * Chi-square of counts against expected shares, in units of the bound for a chance of one in a thousand: below 1 is a
 * distribution that nothing speaks against.
 */
export function chiSquare(counts: Readonly<Record<string, number>>, shares: Readonly<Record<string, number>>): number {
  const names = Object.keys(shares);
  const total = Object.values(counts).reduce((sum, each) => sum + each, 0);
  const all = Object.values(shares).reduce((sum, each) => sum + each, 0);
  let sum = Object.keys(counts).every((name) => names.includes(name)) ? 0 : Number.POSITIVE_INFINITY;
  for (const name of names) {
    const expected = (total * (shares[name] as number)) / all;
    sum += ((counts[name] ?? 0) - expected) ** 2 / expected;
  }
  // Wilson and Hilferty's approximation of the quantile, with 3.09 standard deviations.
  const freedom = names.length - 1;
  const bound = freedom * (1 - 2 / (9 * freedom) + 3.09 * Math.sqrt(2 / (9 * freedom))) ** 3;
  return sum / bound;
}

function timersOf(clock: VirtualClock): Timers {
  return {
    clock,
    nowMs: () => clock.nowMs(),
    arm: () => {
      throw new Error('policies use after()');
    },
    after: (delayMs, callback) => ({ cancel: clock.schedule(callback, delayMs) }),
  };
}

function runtimeOf(keys: Readonly<Record<string, string>>): Runtime {
  return {
    get: (key) => keys[key],
    integer: (key, fallback) => (keys[key] === undefined ? fallback : Number(keys[key])),
    boolean: (key, fallback) => (keys[key] === undefined ? fallback : keys[key] === 'true'),
    enabled: ({ numerator, denominator, runtimeKey }, random) =>
      random % denominator < (keys[runtimeKey] === undefined ? numerator : Number(keys[runtimeKey])),
  };
}

function statsOf(counted: Record<string, number>): StatsScope {
  const metric = (name: string) => ({
    name,
    get value() {
      return counted[name] ?? 0;
    },
    inc: () => void (counted[name] = (counted[name] ?? 0) + 1),
    dec: () => void (counted[name] = (counted[name] ?? 0) - 1),
    add: (amount: number) => void (counted[name] = (counted[name] ?? 0) + amount),
    set: (value: number) => void (counted[name] = value),
    record: () => undefined,
  });
  return { counter: metric, gauge: metric, histogram: metric, scope: () => statsOf(counted) };
}
