/** Prints what a run measured. */
import { cheapest, median, ratio, spread, valid } from './statistics.mjs';
import { PACKAGED_PEERS } from './targets.mjs';

/** @typedef {readonly import('./measure.mjs').Sample[]} Samples */

const HEADINGS = [
  'target',
  'µs CPU/request',
  'requests/s',
  'p50 ms',
  'p99 ms',
  'RSS MiB',
  'core busy',
  '× nginx',
  'rounds',
];

/** @param {string} scenario @param {Samples} samples @returns {string} one table, cheapest target first */
export function scenarioTable(scenario, samples) {
  const names = [...new Set(samples.filter((each) => each.scenario === scenario).map((each) => each.target))];
  const rows = names
    .map((name) => ({ name, cost: spread(numbers(scenario, name, samples, 'cpuMicrosPerRequest')) }))
    .sort((a, b) => (a.cost.count === 0 ? 1 : b.cost.count === 0 ? -1 : a.cost.median - b.cost.median))
    .map(({ name }) => row(scenario, name, samples));
  return `\n${scenario}\n${columns([HEADINGS, ...rows])}`;
}

/** Ratios of Mesh to each of its yardsticks. @param {string} scenario @param {Samples} samples */
export function ratioLines(scenario, samples) {
  const best = cheapest(samples, scenario, PACKAGED_PEERS);
  const peers = [
    'nginx',
    'nginx-unbuffered',
    'haproxy',
    'envoy',
    'nghttpx',
    'node-http2',
    'floor',
    'undici',
    ...(best ? [best] : []),
  ];
  const pairs = [
    /** @type {const} */ (['mesh', 'mesh-before']),
    ...peers.map((peer) => /** @type {const} */ (['mesh', peer])),
    /** @type {const} */ (['mesh-code-six', 'mesh-code']),
    /** @type {const} */ (['mesh-observed', 'mesh']),
    /** @type {const} */ (['mesh-traced', 'mesh']),
    /** @type {const} */ (['envoy-observed', 'envoy']),
    /** @type {const} */ (['envoy-traced', 'envoy']),
    /** @type {const} */ (['mesh-traced', 'envoy-traced']),
  ];
  return pairs.flatMap(([target, peer]) => {
    const measured = ratio(samples, scenario, target, peer);
    if (!measured) return [];
    const label = peer === best ? `${peer} (best packaged peer)` : peer;
    return [`  ${target} / ${label}: ${range(measured, 2)}`];
  });
}

/** @param {readonly import('./goals.mjs').Outcome[]} outcomes */
export function goalLines(outcomes) {
  return outcomes.map(({ goal, peer, measured, verdict }) => {
    const value = measured ? range(measured, 3) : '–';
    return `  ${verdict.padEnd(12)}  ${goal.scenario}: ${goal.target} ≤ ${goal.limit} × ${peer}   measured ${value}`;
  });
}

/** @param {Samples} samples */
export function problemLines(samples) {
  return samples
    .filter((each) => each.invalid !== undefined)
    .map((each) => `  round ${each.round}, ${each.scenario}, ${each.target}: ${each.invalid}`);
}

/** @param {string} scenario @param {string} target @param {Samples} samples */
function row(scenario, target, samples) {
  const rounds = valid(samples, scenario, target).length;
  const asked = samples.filter((each) => each.scenario === scenario && each.target === target).length;
  const toNginx = ratio(samples, scenario, target, 'nginx');
  const cell = (/** @type {NumberKey} */ key, /** @type {number} */ digits) =>
    range(spread(numbers(scenario, target, samples, key)), digits);
  const middle = (/** @type {NumberKey} */ key, /** @type {number} */ digits, scale = 1) =>
    rounds === 0 ? '–' : (median(numbers(scenario, target, samples, key)) * scale).toFixed(digits);
  return [
    target,
    cell('cpuMicrosPerRequest', 1),
    cell('requestsPerSecond', 0),
    cell('p50Ms', 2),
    cell('p99Ms', 2),
    middle('residentBytes', 0, 1 / 1024 ** 2),
    middle('busy', 2),
    toNginx ? toNginx.median.toFixed(2) : '–',
    rounds === asked ? String(rounds) : `${rounds} of ${asked}`,
  ];
}

/** @typedef {'cpuMicrosPerRequest' | 'requestsPerSecond' | 'p50Ms' | 'p99Ms' | 'residentBytes' | 'busy'} NumberKey */

/** @param {string} scenario @param {string} target @param {Samples} samples @param {NumberKey} key */
function numbers(scenario, target, samples, key) {
  return valid(samples, scenario, target).map((each) => each[key] ?? Number.NaN);
}

/** @param {import('./statistics.mjs').Spread} values @param {number} digits @returns {string} median (min–max) */
function range(values, digits) {
  if (values.count === 0 || Number.isNaN(values.median)) return '–';
  return `${values.median.toFixed(digits)} (${values.min.toFixed(digits)}–${values.max.toFixed(digits)})`;
}

/** @param {readonly (readonly string[])[]} rows first column left, the others right aligned */
function columns(rows) {
  const widths = HEADINGS.map((_, index) => Math.max(...rows.map((cells) => cells[index]?.length ?? 0)));
  return rows
    .map((cells) =>
      cells
        .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
        .join('  '),
    )
    .map((line) => `  ${line}`)
    .join('\n');
}
