/**
 * What hashing policies cost: tables and rings of ten thousand hosts made anew, choices among them with and without bounded
 * loads, and hosts divided into subsets. A choice must take less than a microsecond, a table less than 50 ms.
 *   node benchmarks/micro/run.mjs balancing-maglev                                                (the built packages)
 *   node --import tsx --conditions=@mesh/source benchmarks/micro/run.mjs balancing-maglev         (the source)
 */
import { existsSync } from 'node:fs';

const HOSTS = 10_000;
const PICKS = 1000;
/** Most that a choice may cost, in the tasks that say `pick`. */
const MOST_PICK_NS = 1000;
/** Most that an update may cost, in the tasks that say `update`. Larger rings cost what they cost. */
const MOST_UPDATE_MS = 50;

const WEIGHTS = {
  equal: () => 1,
  'weights 1 to 100': (i) => 1 + (i % 100),
  'one host of weight 1000': (i) => (i === 7 ? 1000 : 1),
};
const bounds = { consistentHashingLbConfig: { hashBalanceFactor: 120 } };

/** @param {import('tinybench').Bench} bench @returns {Promise<string | undefined>} why it cannot run */
export async function register(bench) {
  const lb = await load('lb');
  if (lb === undefined) return 'packages/lb is not built';
  const { maglev, ringHash, roundRobin, subset } = lb;
  for (const [name, weightOf] of Object.entries(WEIGHTS)) {
    addUpdate(bench, `update: maglev, ${name}`, maglev(), weightOf);
    // The lightest host has one place at least: weights of 1 to 100 make half a million of them.
    const kind = name === 'weights 1 to 100' ? 'large ring' : 'update: ring hash';
    addUpdate(bench, `${kind}, ${name}`, ringHash(), weightOf);
  }
  addUpdate(bench, 'ring of 100 000 places', ringHash({ minimumRingSize: 100_000 }), WEIGHTS.equal);
  addUpdate(
    bench,
    'update: 120 subsets, round robin',
    subset({ ...subsets, subsetLbPolicy: roundRobin() }),
    WEIGHTS.equal,
  );
  addPicks(bench, 'pick: maglev', maglev(), {});
  addPicks(bench, 'pick: maglev, bounded', maglev(bounds), {});
  addPicks(bench, 'pick: ring hash', ringHash(), {});
  addPicks(bench, 'pick: subset, round robin', subset({ ...subsets, subsetLbPolicy: roundRobin() }), {
    metadataMatch: { stage: 's3' },
  });
  return undefined;
}

const subsets = { subsetSelectors: [{ keys: ['stage'] }, { keys: ['stage', 'version'] }] };

/** @param {import('tinybench').Bench} bench @returns {string | undefined} what is too slow */
export function check(bench) {
  const slow = [];
  for (const { name, result } of bench.tasks) {
    const ms = result.latency?.min ?? Number.NaN;
    const pick = name.startsWith('pick');
    console.log(pick ? `${name}: ${((ms * 1e6) / PICKS).toFixed(0)} ns` : `${name}: ${ms.toFixed(1)} ms`);
    if (pick && !((ms * 1e6) / PICKS < MOST_PICK_NS)) slow.push(name);
    if (name.startsWith('update') && !(ms < MOST_UPDATE_MS)) slow.push(name);
  }
  return slow.length === 0 ? undefined : `too slow: ${slow.join('; ')}`;
}

function addUpdate(bench, name, choice, weightOf) {
  const balancer = made(choice);
  // Two sets that differ in one host: an equal one would change nothing.
  const sets = [0, 1].map((from) => snapshot(from, weightOf));
  let turn = 0;
  bench.add(name, () => balancer.update(sets[turn++ % 2]));
}

function addPicks(bench, name, choice, more) {
  const balancer = made(choice);
  balancer.update(snapshot(0, WEIGHTS.equal));
  const values = Array.from({ length: 64 }, (_, i) => BigInt(i + 1) * 0x9e37_79b9_7f4a_7c15n);
  let turn = 0;
  const context = { ...more, hash: () => BigInt.asUintN(64, values[turn++ & 63]) };
  bench.add(name, () => {
    for (let i = 0; i < PICKS; i++) if (balancer.pick(context, 0) === undefined) throw new Error('no host');
  });
}

function made({ definition, config }) {
  const gauge = { value: 0, inc() {}, dec() {}, add() {}, set() {} };
  const stats = { counter: () => gauge, gauge: () => gauge, histogram: () => gauge, scope: () => stats };
  const context = {
    random: Math.random,
    stats,
    healthyPanicThreshold: 50,
    runtime: { get: () => undefined, integer: (_key, fallback) => fallback, boolean: (_key, fallback) => fallback },
    timers: { nowMs: () => 0 },
    make: (inner) => made(inner),
  };
  return definition.create(config, context);
}

function snapshot(from, weightOf) {
  const hosts = Array.from({ length: HOSTS }, (_, n) => hostOf(n === 0 ? from * HOSTS : n, weightOf));
  const lists = { hosts, healthy: hosts, degraded: [], excluded: [] };
  const locality = { region: '', zone: '', subZone: '' };
  const set = { priority: 0, ...lists, localities: [{ locality, weight: 0, ...lists }], hasLocal: false };
  return {
    priorities: [{ ...set, localityWeights: false }],
    overprovisioningFactor: 140,
    weightedPriorityHealth: false,
  };
}

const known = new Map();

/** The same object for the same number and weight: updates keep most hosts. */
function hostOf(i, weightOf) {
  const key = `${i} ${weightOf(i)}`;
  const host = known.get(key) ?? {
    address: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:80`,
    weight: weightOf(i),
    health: 'healthy',
    stats: { rqActive: 0 },
    metadata: { 'envoy.lb': { stage: `s${i % 20}`, version: `v${i % 100}` } },
  };
  known.set(key, host);
  return host;
}

/** The source under tsx, else what was built. */
async function load(name) {
  const part = process.execArgv.includes('tsx') ? 'src/index.ts' : 'dist/index.js';
  const url = new URL(`../../packages/${name}/${part}`, import.meta.url);
  return existsSync(url) ? import(url.href) : undefined;
}
