/**
 * What a full update of a cluster costs, from the endpoints that a discovery publishes to the policy that is ready for the
 * next choice: ten thousand hosts in ten zones, of which a tenth is replaced each time. It must take less than 50 ms.
 *   node benchmarks/micro/run.mjs balancing-update                                                (the built packages)
 *   node --import tsx --conditions=@mesh/source benchmarks/micro/run.mjs balancing-update         (the source)
 */
import { existsSync } from 'node:fs';

const HOSTS = 10_000;
/** Most that an update may cost. */
const MOST_MS = 50;

/** Name → the policy, its config, and whether hosts have different weights. */
const POLICIES = {
  'round robin': ['roundRobin', {}, false],
  'round robin, weighted': ['roundRobin', {}, true],
  'round robin, zones by weight': ['roundRobin', { localityLbConfig: { localityWeightedLbConfig: {} } }, true],
  'least request, weighted': ['leastRequest', {}, true],
  random: ['random', {}, false],
  maglev: ['maglev', {}, false],
};

/** @param {import('tinybench').Bench} bench @returns {Promise<string | undefined>} why it cannot run */
export async function register(bench) {
  const core = await load('core');
  const lb = await load('lb');
  if (core === undefined || lb === undefined) return 'packages/core and packages/lb are not built';
  for (const [name, [policy, config, weighted]] of Object.entries(POLICIES)) {
    if (lb[policy] === undefined) continue;
    const publish = await publisher(core, lb[policy](config));
    const sets = [0, HOSTS / 10].map((from) => endpoints(from, weighted));
    let turn = 0;
    bench.add(name, () => publish(sets[turn++ % 2]));
  }
  return undefined;
}

/** @param {import('tinybench').Bench} bench @returns {string | undefined} what is too slow */
export function check(bench) {
  const slow = [];
  for (const { name, result } of bench.tasks) {
    // The best of many passes: what else the machine does only ever adds to one.
    const ms = result.latency?.min ?? Number.NaN;
    console.log(`${name}: ${ms.toFixed(1)} ms`);
    if (!(ms < MOST_MS)) slow.push(name);
  }
  return slow.length === 0 ? undefined : `too slow: ${slow.join('; ')}`;
}

/** A proxy with one cluster, and what replaces its hosts. The proxy is never started: it has no socket. */
async function publisher({ cluster, createProxy, defineDiscovery }, loadBalancing) {
  let publish;
  const source = defineDiscovery({
    name: 'bench.clusters.published',
    create(context) {
      publish = (endpoints) => context.publish(endpoints);
      return { start: async () => undefined, close() {} };
    },
  });
  const { definition } = source();
  const config = cluster('bench', { clusterType: { definition, config: {} }, loadBalancing });
  await createProxy({ clusters: [config], extensions: [source] });
  return publish;
}

function endpoints(from, weighted) {
  return Array.from({ length: HOSTS }, (_, n) => {
    const i = from + n;
    const locality = { region: 'r', zone: `z${i % 10}`, subZone: '' };
    const ip = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    const weight = weighted ? 1 + (i % 100) : 1;
    return { ip, port: 80, hostname: '', weight, priority: 0, locality, localityWeight: 1 + (i % 10) };
  });
}

/** The source under tsx, else what was built. */
async function load(name) {
  const part = process.execArgv.includes('tsx') ? 'src/index.ts' : 'dist/index.js';
  const url = new URL(`../../packages/${name}/${part}`, import.meta.url);
  return existsSync(url) ? import(url.href) : undefined;
}
