/**
 * The macro benchmark: Mesh beside its peers, same upstream, same load generator, interleaved rounds.
 * Compares CPU time of the proxy per request; see benchmarks/README.md for the method.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuClock } from './cpu.mjs';
import { judge } from './goals.mjs';
import { http2Generator, missingHttp2, pickGenerator } from './load.mjs';
import { measure } from './measure.mjs';
import { parseOptions, USAGE } from './options.mjs';
import { isHttp2 } from './ports.mjs';
import { cleanUpOnExit, hasTaskset } from './processes.mjs';
import { goalLines, problemLines, ratioLines, scenarioTable } from './report.mjs';
import { findTarget, targets } from './targets.mjs';
import { startUpstream } from './upstreams.mjs';

/** @typedef {{ scenario: import('./scenarios.mjs').Scenario, target: import('./targets.mjs').Target }} Pair */

const results = fileURLToPath(new URL('../results/', import.meta.url));
const startedAt = new Date();

/** @param {import('./options.mjs').Options} options */
async function main(options) {
  cleanUpOnExit();
  noteMachine(options);
  const pairs = plan(options);
  const usesHttp2 = pairs.some(({ scenario }) => isHttp2(scenario.shape));
  const http1 = pickGenerator(options.load);
  const generators = { http1, http2: usesHttp2 ? http2Generator() : http1 };
  const load = usesHttp2 ? `${http1.description}, ${generators.http2.description}` : http1.description;
  const shapes = new Set(pairs.map(({ scenario }) => scenario.shape));
  const upstream = await startUpstream(options.upstream, options.loadCpus, shapes);
  const machine = describe(options, load, upstream.description, pairs);
  console.log(`upstream ${upstream.description}; load ${load}; CPU clock ${cpuClock}`);
  const samples = await runRounds(options, pairs, { ...options, generators, upstream });
  for (const process_ of upstream.processes) await process_.stop();

  const outcomes = judge(samples);
  print(options, samples, outcomes);
  console.log(`\nstored in ${store(options, { ...machine, outcomes, samples })}`);
  return exitCode(options, pairs, samples, outcomes);
}

/** @param {import('./options.mjs').Options} options */
function noteMachine(options) {
  if (!hasTaskset()) console.log('note: no taskset here, so nothing is pinned to a core and the numbers are noisier');
  else if (availableParallelism() < 2) console.log('note: only one core: proxy, load generator and upstream share it');
  if (options.proxyCpus === options.loadCpus) console.log('note: proxy and load generator are pinned to the same core');
}

/** Which targets run in which scenario; prints why one is left out. @param {import('./options.mjs').Options} options @returns {Pair[]} */
function plan(options) {
  /** @type {Set<string>} */
  const said = new Set();
  const say = (/** @type {string} */ line) => {
    if (!said.has(line)) console.log(`skipped: ${line}`);
    said.add(line);
  };
  return options.scenarios.flatMap((scenario) =>
    candidates(scenario, options.only).flatMap((target) => {
      const missing = target.missing();
      const unsupported = target.unsupported[scenario.name];
      const unloadable = isHttp2(scenario.shape) ? missingHttp2() : undefined;
      if (unloadable) say(`${scenario.name}: ${unloadable}`);
      else if (missing) say(`${target.name}: ${missing}`);
      else if (unsupported) say(`${target.name} in ${scenario.name}: n/a, ${unsupported}`);
      return missing || unsupported || unloadable ? [] : [{ scenario, target }];
    }),
  );
}

/** @param {import('./scenarios.mjs').Scenario} scenario @param {string[] | undefined} only */
function candidates(scenario, only) {
  const named = scenario.targets?.map(findTarget);
  // An earlier version is measured on request only.
  if (named) return named.filter((target) => (only ? only.includes(target.name) : target.name !== 'mesh-before'));
  return targets.filter((target) => (only ? only.includes(target.name) : !target.optional));
}

/**
 * @param {import('./options.mjs').Options} options @param {Pair[]} pairs @param {import('./measure.mjs').Setting} setting
 * @returns {Promise<import('./measure.mjs').Sample[]>}
 */
async function runRounds(options, pairs, setting) {
  /** @type {import('./measure.mjs').Sample[]} */
  const samples = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const scenario of options.scenarios) {
      const group = pairs.filter((pair) => pair.scenario === scenario);
      for (const { target } of rotate(group, round - 1)) {
        const sample = await measure(target, scenario, round, setting);
        samples.push(sample);
        console.log(progress(options, sample));
      }
    }
  }
  return samples;
}

/** Each round begins with another target, so that none always follows the same one. @template T @param {T[]} items @param {number} by */
function rotate(items, by) {
  const start = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

/** @param {import('./options.mjs').Options} options @param {import('./measure.mjs').Sample} sample */
function progress(options, sample) {
  const head = `[${sample.round}/${options.rounds}] ${sample.scenario} ${sample.target}`;
  if (sample.invalid !== undefined) return `${head}: INVALID: ${sample.invalid}`;
  return `${head}: ${sample.cpuMicrosPerRequest?.toFixed(1)} µs/request, ${sample.requestsPerSecond?.toFixed(0)} requests/s`;
}

/** @param {import('./options.mjs').Options} options @param {import('./measure.mjs').Sample[]} samples @param {import('./goals.mjs').Outcome[]} outcomes */
function print(options, samples, outcomes) {
  for (const { name } of options.scenarios) {
    if (!samples.some((sample) => sample.scenario === name)) continue;
    console.log(scenarioTable(name, samples));
    const lines = ratioLines(name, samples);
    if (lines.length > 0) console.log(`same-round CPU ratios, median (min–max)\n${lines.join('\n')}`);
  }
  console.log(`\ntargets\n${goalLines(outcomes).join('\n')}`);
  const problems = problemLines(samples);
  if (problems.length > 0) console.log(`\ninvalid measurements (left out above)\n${problems.join('\n')}`);
}

/** @param {import('./options.mjs').Options} options @param {string} load @param {string} upstream @param {Pair[]} pairs */
function describe(options, load, upstream, pairs) {
  const used = [...new Set(pairs.map((pair) => pair.target))];
  return {
    date: startedAt.toISOString(),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    kernel: release(),
    pinned: hasTaskset() ? { proxy: options.proxyCpus, loadAndUpstream: options.loadCpus } : false,
    cpuClock,
    upstream,
    load,
    rounds: options.rounds,
    seconds: options.seconds,
    warmupSeconds: options.warmupSeconds,
    versions: Object.fromEntries(used.map((target) => [target.name, target.version()])),
  };
}

/** @param {import('./options.mjs').Options} options @param {object} result @returns {string} the path */
function store(options, result) {
  const stamp = startedAt.toISOString().slice(0, 16).replace(':', '');
  const path = options.json ?? join(results, `${stamp}.json`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}

/**
 * 1 when the run itself broke (something that should have been measured has no valid sample), or with --strict when a goal was missed.
 * @param {import('./options.mjs').Options} options @param {Pair[]} pairs
 * @param {import('./measure.mjs').Sample[]} samples @param {import('./goals.mjs').Outcome[]} outcomes
 */
function exitCode(options, pairs, samples, outcomes) {
  const measured = new Set(
    samples.filter((each) => each.invalid === undefined).map((each) => `${each.scenario} ${each.target}`),
  );
  const broken = pairs.filter(({ scenario, target }) => !measured.has(`${scenario.name} ${target.name}`));
  for (const { scenario, target } of broken)
    console.error(`broken: no valid measurement of ${target.name} in ${scenario.name}`);
  if (broken.length > 0) return 1;
  return options.strict && outcomes.some((outcome) => outcome.verdict === 'missed') ? 1 : 0;
}

/** @returns {import('./options.mjs').Options | 'help'} */
function readOptions() {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(2);
  }
}

const options = readOptions();
if (options === 'help') console.log(USAGE);
else process.exitCode = await main(options);
