/** Command line of the macro benchmark. */
import { parseArgs } from 'node:util';
import { scenarios } from './scenarios.mjs';
import { findTarget, targets } from './targets.mjs';

export const USAGE = `usage: node benchmarks/macro/run.mjs [options]
  --rounds N            interleaved rounds (6)
  --seconds S           length of one measurement (3)
  --warmup S            load before each measurement (1.5)
  --only a,b            only these targets: ${targets.map((target) => target.name).join(', ')}
  --scenarios a,b       only these scenarios: ${scenarios.map((scenario) => scenario.name).join(', ')}
  --json FILE           where to store the results (benchmarks/results/<date>.json)
  --strict              exit 1 when a goal is missed
  --upstream KIND       auto (nginx if installed), nginx or node
  --load KIND           auto (wrk if installed), wrk or autocannon
  --proxy-cpu LIST      core of the proxy, as for taskset -c (0)
  --load-cpu LIST       cores of load generator and upstream (1)`;

/**
 * @typedef {object} Options
 * @property {number} rounds
 * @property {number} seconds
 * @property {number} warmupSeconds
 * @property {string[] | undefined} only
 * @property {readonly import('./scenarios.mjs').Scenario[]} scenarios
 * @property {string | undefined} json
 * @property {boolean} strict
 * @property {'auto' | 'nginx' | 'node'} upstream
 * @property {'auto' | 'wrk' | 'autocannon'} load
 * @property {string} proxyCpus
 * @property {string} loadCpus
 */

/** @param {string[]} argv @returns {Options | 'help'} throws with a readable message on anything unknown */
export function parseOptions(argv) {
  const string = /** @type {const} */ ({ type: 'string' });
  const boolean = /** @type {const} */ ({ type: 'boolean', default: false });
  const { values } = parseArgs({
    // pnpm hands a separating `--` on to the script.
    args: argv.filter((each) => each !== '--'),
    options: {
      rounds: { ...string, default: '6' },
      seconds: { ...string, default: '3' },
      warmup: { ...string, default: '1.5' },
      only: string,
      scenarios: string,
      json: string,
      strict: boolean,
      upstream: { ...string, default: 'auto' },
      load: { ...string, default: 'auto' },
      'proxy-cpu': { ...string, default: '0' },
      'load-cpu': { ...string, default: '1' },
      help: boolean,
    },
  });
  if (values.help) return 'help';
  const only = list(values.only);
  for (const name of only ?? []) findTarget(name);
  const rounds = positive('rounds', values.rounds);
  if (!Number.isInteger(rounds)) throw new Error('--rounds takes a whole number');
  return {
    rounds,
    seconds: positive('seconds', values.seconds),
    warmupSeconds: positive('warmup', values.warmup),
    only,
    scenarios: pickScenarios(list(values.scenarios)),
    json: values.json,
    strict: values.strict,
    upstream: oneOf('upstream', values.upstream, ['auto', 'nginx', 'node']),
    load: oneOf('load', values.load, ['auto', 'wrk', 'autocannon']),
    proxyCpus: values['proxy-cpu'],
    loadCpus: values['load-cpu'],
  };
}

/** @param {string | undefined} text */
function list(text) {
  return text
    ?.split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

/** @param {string} name @param {string} text */
function positive(name, text) {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0, not "${text}"`);
  return value;
}

/** @template {string} T @param {string} name @param {string} value @param {readonly T[]} allowed @returns {T} */
function oneOf(name, value, allowed) {
  const found = allowed.find((each) => each === value);
  if (!found) throw new Error(`--${name} takes ${allowed.join(', ')}, not "${value}"`);
  return found;
}

/** @param {string[] | undefined} names */
function pickScenarios(names) {
  if (!names) return scenarios;
  return names.map((name) => {
    const found = scenarios.find((scenario) => scenario.name === name);
    if (!found) throw new Error(`no scenario "${name}"; known: ${scenarios.map((each) => each.name).join(', ')}`);
    return found;
  });
}
