/**
 * The memory benchmark: (a) idle kept-alive connections, (b) slow readers of a huge response.
 * Works with every target of the macro benchmark; see README.md for the method.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cleanUpOnExit } from './macro/processes.mjs';
import { findTarget } from './macro/targets.mjs';
import { IDLE_LIMIT_BYTES, IDLE_TLS_LIMIT_BYTES, idleConnections } from './memory/idle.mjs';
import { GROWTH_LIMIT_BYTES, HELD_LIMIT_BYTES, slowReaders } from './memory/slow-readers.mjs';
import { startUpstream } from './memory/upstream.mjs';

const USAGE = `usage: node benchmarks/memory.mjs [options]
  --target NAME        any target of the macro benchmark (mesh)
  --connections N      idle connections in test (a) (10000)
  --readers N          slow readers in test (b) (100)
  --tls                the idle connections of test (a) come over TLS
  --only idle|slow     one of the two tests
  --strict             exit 1 when a limit is missed`;

const FILES_TO_SPARE = 1000;

/** @typedef {{ target: string, connections: number, readers: number, only: string | undefined, strict: boolean, tls: boolean }} Options */

/** @param {Options} options @returns {Promise<number>} exit code */
async function main(options) {
  cleanUpOnExit();
  const target = findTarget(options.target);
  const missing = target.missing();
  if (missing) {
    console.log(`skipped: ${target.name}: ${missing}`);
    return 0;
  }
  const needed = options.connections + FILES_TO_SPARE;
  const allowed = openFileLimit();
  if (options.only !== 'slow' && allowed < needed) {
    console.error(
      `${options.connections} connections need an open-file limit of ${needed}, here it is ${allowed}: run "ulimit -n ${needed}" first, or ask for fewer with --connections`,
    );
    return 1;
  }
  console.log(`${target.name} ${target.version()}`);
  const upstream = await startUpstream();
  const passed = [];
  if (options.only !== 'slow') passed.push(await attempt(() => idle(target, upstream.port, options)));
  if (options.only !== 'idle') passed.push(await attempt(() => slow(target, upstream.port, options)));
  upstream.close();
  return options.strict && passed.includes(false) ? 1 : 0;
}

/** A proxy that dies or refuses during a test has missed its limit. @param {() => Promise<boolean | undefined>} test */
async function attempt(test) {
  try {
    return await test();
  } catch (error) {
    console.log(`\nmissed: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

/** @param {import('./macro/targets.mjs').Target} target @param {number} upstreamPort @param {Options} options */
async function idle(target, upstreamPort, options) {
  const limit = options.tls ? IDLE_TLS_LIMIT_BYTES : IDLE_LIMIT_BYTES;
  const result = await idleConnections(target, upstreamPort, options.connections, { tls: options.tls, limit });
  console.log(`\n(a) ${options.connections} idle connections${options.tls ? ' over TLS' : ''}: ${word(result.passed)}`);
  console.log(
    `    RSS ${mb(result.resident)} (limit ${mb(limit)}); ${mb(result.baseline)} before; ${kb(result.perConnection)} per connection; ${result.lost} lost`,
  );
  return result.passed;
}

/** @param {import('./macro/targets.mjs').Target} target @param {number} upstreamPort @param {Options} options */
async function slow(target, upstreamPort, options) {
  const unsupported = target.unsupported['slow-readers'];
  if (unsupported) {
    console.log(`\n(b) slow readers: n/a, ${unsupported}`);
    return undefined;
  }
  const result = await slowReaders(target, upstreamPort, options.readers);
  console.log(`\n(b) ${options.readers} slow readers of 1 GiB: ${word(result.passed)}`);
  console.log(`    RSS growth ${mb(result.growth)} (limit ${mb(GROWTH_LIMIT_BYTES)}); ${mb(result.baseline)} before`);
  console.log(
    `    held by the proxy per stream: median ${kb(result.heldMedian)}, most ${kb(result.heldMax)} (limit ${kb(HELD_LIMIT_BYTES)})`,
  );
  console.log(
    `    came to rest: ${yes(result.quiet)}; streams taken without end: ${result.capped}; goes on when read again: ${yes(result.resumed)}`,
  );
  return result.passed;
}

/** Soft limit of this process, which its children inherit. */
function openFileLimit() {
  const match = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
  return match?.[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(match?.[1] ?? 0);
}

/** @param {number} bytes */
function mb(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** @param {number} bytes */
function kb(bytes) {
  return `${(bytes / 1e3).toFixed(1)} kB`;
}

/** @param {boolean} passed */
function word(passed) {
  return passed ? 'reached' : 'missed';
}

/** @param {boolean} value */
function yes(value) {
  return value ? 'yes' : 'no';
}

/** @returns {Options | 'help'} */
function readOptions() {
  try {
    const { values } = parseArgs({
      args: process.argv.slice(2).filter((each) => each !== '--'),
      options: {
        target: { type: 'string', default: 'mesh' },
        connections: { type: 'string', default: '10000' },
        readers: { type: 'string', default: '100' },
        only: { type: 'string' },
        strict: { type: 'boolean', default: false },
        tls: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return 'help';
    findTarget(values.target);
    if (values.only !== undefined && values.only !== 'idle' && values.only !== 'slow')
      throw new Error('--only takes idle or slow');
    const { target, only, strict, tls } = values;
    return {
      target,
      only,
      strict,
      tls,
      connections: count('connections', values.connections),
      readers: count('readers', values.readers),
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(2);
  }
}

/** @param {string} name @param {string} text */
function count(name, text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number above 0, not "${text}"`);
  return value;
}

const options = readOptions();
if (options === 'help') console.log(USAGE);
else process.exitCode = await main(options);
