/**
 * What choosing one of ten thousand hosts costs, and what an update of all of them costs. A choice must take less than a
 * microsecond, an update less than 50 ms.
 *   node benchmarks/micro/run.mjs balancing                                                      (the built packages)
 *   node --import tsx --conditions=@mesh/source benchmarks/micro/run.mjs balancing               (the source)
 */
import { existsSync } from 'node:fs';

const HOSTS = 10_000;
const PICKS = 1000;
/** Most that a choice may cost. */
const MOST_PICK_NS = 1000;
/** Most that an update may cost. */
const MOST_UPDATE_MS = 50;

const built = new URL('../../packages/lb/dist/index.js', import.meta.url);
const source = new URL('../../packages/lb/src/index.ts', import.meta.url);

/** Name → the policy, its config, and the hosts that it is given. */
const POLICIES = {
  'round robin': ['roundRobin', {}, {}],
  'round robin, weighted': ['roundRobin', {}, { weighted: true }],
  'round robin, slow start': ['roundRobin', { slowStartConfig: { slowStartWindow: '60s' } }, { weighted: true }],
  'round robin, ten zones by weight': [
    'roundRobin',
    { localityLbConfig: { localityWeightedLbConfig: {} } },
    { weighted: true },
  ],
  'round robin, zone-aware': ['roundRobin', {}, { local: true }],
  'round robin, two priorities': ['roundRobin', {}, { failing: true }],
  'least request': ['leastRequest', {}, {}],
  'least request, weighted': ['leastRequest', {}, { weighted: true }],
  random: ['random', {}, {}],
  maglev: ['maglev', {}, {}],
  'ring hash': ['ringHash', {}, {}],
};

/** Picks by the hash of a request, as a route's hash policy gives it. */
const hashed = { hash: () => 0x1234_5678_9abc_def0n };

/** @param {import('tinybench').Bench} bench @returns {Promise<string | undefined>} why it cannot run */
export async function register(bench) {
  const url = process.execArgv.includes('tsx') ? source : built;
  if (!existsSync(url)) return 'packages/lb is not built';
  const policies = await import(url.href);
  for (const [name, [policy, config, situation]] of Object.entries(POLICIES)) {
    const definition = policies[policy];
    if (definition === undefined) continue;
    const sets = setsOf(situation);
    const balancer = definition.create(definition(config).config, contextOf(situation));
    balancer.update(sets);
    // One task is many picks, so that the clock of the bench does not count.
    bench.add(`pick, ${name}`, () => {
      for (let i = 0; i < PICKS; i++) if (balancer.pick(hashed, 0) === undefined) throw new Error('no host');
    });
    bench.add(`update, ${name}`, () => balancer.update(sets));
  }
  return undefined;
}

/** @param {import('tinybench').Bench} bench @returns {string | undefined} what is too slow */
export function check(bench) {
  const slow = [];
  for (const { name, result } of bench.tasks) {
    // The best of many passes: what else the machine does only ever adds to one.
    const ms = result.latency?.min ?? Number.NaN;
    const picks = name.startsWith('pick');
    const cost = picks ? (ms / PICKS) * 1e6 : ms;
    console.log(`${name}: ${picks ? `${cost.toFixed(0)} ns` : `${cost.toFixed(2)} ms`}`);
    if (!(cost < (picks ? MOST_PICK_NS : MOST_UPDATE_MS))) slow.push(name);
  }
  return slow.length === 0 ? undefined : `too slow: ${slow.join('; ')}`;
}

function setsOf({ weighted = false, failing = false }) {
  const hosts = Array.from({ length: HOSTS }, (_, i) => hostOf(i, weighted ? 1 + (i % 100) : 1));
  const priorities = failing ? [hosts.slice(0, HOSTS / 2), hosts.slice(HOSTS / 2)] : [hosts];
  return {
    priorities: priorities.map((members, i) => priorityOf(members, i, failing && i === 0 ? 0.5 : 1)),
    overprovisioningFactor: 140,
    weightedPriorityHealth: false,
  };
}

/** Ten zones, of which the first is our own. */
function priorityOf(hosts, priority, healthy) {
  const localities = Array.from({ length: 10 }, (_, zone) => ({
    locality: zoneOf(zone),
    weight: 1 + zone,
    ...divide(
      hosts.filter((_, i) => i % 10 === zone),
      healthy,
    ),
  }));
  return { priority, ...divide(hosts, healthy), localities, hasLocal: true, localityWeights: true };
}

function divide(hosts, part) {
  return { hosts, healthy: hosts.slice(0, hosts.length * part), degraded: [], excluded: [] };
}

function zoneOf(zone) {
  return { region: 'r', zone: `z${zone}`, subZone: '' };
}

function hostOf(i, weight) {
  const ip = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
  return {
    address: `${ip}:80`,
    ip,
    port: 80,
    hostname: '',
    weight,
    locality: zoneOf(i % 10),
    priority: 0,
    health: 'healthy',
    healthy: true,
    healthFlags: 0,
    addedMs: 0,
    recoveredMs: undefined,
    metadata: undefined,
    stats: { rqActive: i % 7 },
    loadReports: undefined,
  };
}

function contextOf({ local = false }) {
  const metric = { inc() {}, dec() {}, add() {}, set() {}, record() {} };
  const stats = { counter: () => metric, gauge: () => metric, histogram: () => metric, scope: () => stats };
  const clock = { nowMs: () => 1000, wallMs: () => 0, schedule: () => () => undefined };
  return {
    clusterName: 'bench',
    random: Math.random,
    timers: { clock, nowMs: () => 1000, arm() {}, after: () => ({ cancel() {} }) },
    runtime: {
      get: () => undefined,
      integer: (_key, fallback) => fallback,
      boolean: (_key, fallback) => fallback,
      enabled: ({ numerator, denominator }, random) => random % denominator < numerator,
    },
    stats,
    healthyPanicThreshold: 50,
    // A third of the proxies is in our zone: a part of the requests has to leave it.
    local: local ? { sets: () => proxies(), watch: () => () => undefined } : undefined,
    make: () => {
      throw new Error('nothing is made of others here');
    },
  };
}

function proxies() {
  const localities = [10, 20].map((count, zone) => ({
    locality: zoneOf(zone),
    weight: 0,
    ...divide(
      Array.from({ length: count }, (_, i) => hostOf(i, 1)),
      1,
    ),
  }));
  const hosts = localities.flatMap((place) => place.hosts);
  const priority = { priority: 0, ...divide(hosts, 1), localities, hasLocal: true, localityWeights: false };
  return { priorities: [priority], overprovisioningFactor: 140, weightedPriorityHealth: false };
}
