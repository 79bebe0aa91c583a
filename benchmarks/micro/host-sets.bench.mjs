/**
 * What a change of a cluster's hosts costs, with ten thousand of them in ten places: each kind under 50 ms.
 *   node benchmarks/micro/run.mjs host-sets                 (the built package)
 *   node --import tsx benchmarks/micro/run.mjs host-sets    (the source)
 */
import { loadEngine } from './core.mjs';

const HOSTS = 10_000;
const ZONES = 10;
/** Most that one change may cost. */
const MOST_MS = 50;
/** Of `HealthFlag`. */
const FAILED_OUTLIER_CHECK = 2;
/** What of a cluster's settings matters to its hosts. */
const SETTINGS = { name: 'c', statName: 'c', thresholds: { default: {}, high: {} }, maxStreamDurationMs: 0 };

/** @param {import('tinybench').Bench} bench @returns {Promise<string | undefined>} why it cannot run */
export async function register(bench) {
  const engine = await loadEngine();
  if (!engine) return 'packages/core is not built';
  const { Cluster, StatsStore, TimerWheel } = engine;
  const clock = { nowMs: () => 0, wallMs: () => 0, schedule: () => () => {} };
  const made = () => {
    const equipment = { scope: new StatsStore().scope(''), wheel: new TimerWheel(clock, () => {}), random: () => 0 };
    return new Cluster(SETTINGS, 'static', equipment);
  };
  const localities = Array.from({ length: ZONES }, (_, i) => ({ region: 'r', zone: `z${i}`, subZone: '' }));
  const endpoints = (net, more = {}) =>
    Array.from({ length: HOSTS }, (_, i) => ({
      ip: `10.${net}.${i >> 8}.${i & 255}`,
      port: 80,
      hostname: '',
      weight: 1,
      priority: 0,
      locality: localities[i % ZONES],
      ...more,
    }));
  const [ones, others] = [endpoints(1), endpoints(2)];

  const fresh = made();
  let turn = 0;
  bench.add('all new', () => fresh.update(turn++ % 2 === 0 ? ones : others));

  const kept = made();
  kept.update(ones);
  bench.add('all kept', () => kept.update(ones));

  const changed = made();
  const spare = { ...ones[0], ip: '10.9.9.9' };
  const swapped = ones.with(5000, spare);
  changed.update(ones);
  bench.add('one changed', () => changed.update(turn++ % 2 === 0 ? swapped : ones));

  const flipped = made();
  flipped.update(ones);
  bench.add('one host ejected or taken back', () => {
    flipped.setHealth(flipped.hosts[turn % HOSTS], FAILED_OUTLIER_CHECK, turn % 3 !== 0);
    turn++;
    flipped.pick({});
  });
  return undefined;
}

/** @param {import('tinybench').Bench} bench @returns {string | undefined} what is too slow */
export function check(bench) {
  const slow = [];
  for (const { name, result } of bench.tasks) {
    const ms = result?.latency?.p50 ?? Number.NaN;
    console.log(`${HOSTS} hosts, ${name}: ${ms.toFixed(2)} ms`);
    if (!(ms < MOST_MS)) slow.push(name);
  }
  return slow.length === 0 ? undefined : `${MOST_MS} ms or more: ${slow.join('; ')}`;
}
