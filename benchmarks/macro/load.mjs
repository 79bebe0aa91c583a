/** Drives one scenario against one port with wrk, or with autocannon where wrk is not installed. */

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTls } from './ports.mjs';
import { firstLine, launch, which } from './processes.mjs';
import { GRPC_MESSAGE } from './scenarios.mjs';

/**
 * @typedef {object} LoadResult
 * @property {number} requests completed
 * @property {number} seconds
 * @property {number} bytes read by the client, heads included
 * @property {number} p50Ms
 * @property {number} p99Ms
 * @property {string[]} problems empty when every answer was good
 *
 * @typedef {object} LoadOptions
 * @property {number} port
 * @property {import('./scenarios.mjs').Scenario} scenario
 * @property {number} seconds
 * @property {string | undefined} cpus
 * @property {string} workDir
 *
 * @typedef {object} Generator
 * @property {string} description
 * @property {(options: LoadOptions) => Promise<LoadResult>} run
 */

const script = fileURLToPath(new URL('./wrk/report.lua', import.meta.url));
const require = createRequire(import.meta.url);

/** @param {'auto' | 'wrk' | 'autocannon'} kind @returns {Generator} */
export function pickGenerator(kind) {
  const useWrk = kind === 'wrk' || (kind === 'auto' && which('wrk') !== undefined);
  if (useWrk) return { description: firstLine('wrk', ['-v']).replace(/ \[.*/, ''), run: runWrk };
  return { description: `autocannon ${require('autocannon/package.json').version}`, run: runAutocannon };
}

/**
 * One generator for each version of HTTP; `http2` cannot run where h2load is missing.
 * @typedef {{ http1: Generator, http2: Generator }} Generators
 */

/** HTTP/2 needs h2load (or the binary that H2LOAD_BIN names). @returns {Generator} */
export function http2Generator() {
  return { description: firstLine(h2load, ['--version']), run: runH2load };
}

const h2load = process.env.H2LOAD_BIN ?? 'h2load';

/** Why HTTP/2 cannot be loaded here. @returns {string | undefined} */
export function missingHttp2() {
  return which(h2load) ? undefined : 'no h2load on PATH and no H2LOAD_BIN';
}

/** Streams of one connection; so many connections that as much is under way as with HTTP/1. */
const HTTP2_STREAMS = 16;

/** @param {LoadOptions} options @returns {Promise<LoadResult>} */
async function runH2load({ port, scenario, seconds, cpus, workDir }) {
  const connections = Math.ceil(scenario.connections / HTTP2_STREAMS);
  const args = ['-t1', `-c${connections}`, `-m${HTTP2_STREAMS}`, `-D${Math.max(1, Math.round(seconds))}`];
  if (scenario.uploadBytes > 0) {
    const body = join(workDir, 'upload.bin');
    writeFileSync(body, scenario.shape === 'grpc' ? GRPC_MESSAGE : Buffer.alloc(scenario.uploadBytes, 'x'));
    args.push('-d', body);
  }
  if (scenario.shape === 'grpc') args.push('-H', 'content-type: application/grpc', '-H', 'te: trailers');
  args.push(`${isTls(scenario.shape) ? 'https' : 'http'}://127.0.0.1:${port}${scenario.path}`);
  const process_ = launch({ file: h2load, args }, { cpus, label: 'h2load' });
  await process_.exited;
  await process_.stop();
  return readH2load(process_.output);
}

/** @param {string} output @returns {LoadResult} */
function readH2load(output) {
  const finished = /finished in ([\d.]+)(ms|s), /.exec(output);
  const counts = /(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(output);
  const statuses = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(output);
  const data = /\((\d+)\) data/.exec(output);
  if (!finished || !counts || !statuses || !data) throw new Error(`h2load gave no result: ${output.trim()}`);
  const [, requests, failed, errored, timeouts] = counts.map(Number);
  const bad = Number(statuses[3]) + Number(statuses[4]);
  const named = { failed, errored, timeouts, badStatus: bad };
  const problems = Object.entries(named).flatMap(([name, count]) => (count ? [`${count} ${name}`] : []));
  const seconds = Number(finished[1]) / (finished[2] === 'ms' ? 1000 : 1);
  // It tells the mean and the longest time only.
  return { requests: requests ?? 0, seconds, bytes: Number(data[1]), p50Ms: Number.NaN, p99Ms: Number.NaN, problems };
}

/** @param {LoadOptions} options @returns {Promise<LoadResult>} */
async function runWrk({ port, scenario, seconds, cpus }) {
  const args = [
    '-t1',
    `-c${scenario.connections}`,
    `-d${Math.ceil(seconds)}s`,
    '--timeout',
    '10s',
    '--latency',
    '-s',
    script,
  ];
  args.push(`${isTls(scenario.shape) ? 'https' : 'http'}://127.0.0.1:${port}${scenario.path}`);
  if (scenario.uploadBytes > 0) args.push('--', String(scenario.uploadBytes));
  const process_ = launch({ file: 'wrk', args }, { cpus, label: 'wrk' });
  // wrk takes whole seconds only; on SIGINT it ends early and still reports what it measured.
  const early = Number.isInteger(seconds) ? undefined : setTimeout(() => process_.signal('SIGINT'), seconds * 1000);
  await process_.exited;
  clearTimeout(early);
  await process_.stop();
  const line = /^RESULT (\{.*\})$/m.exec(process_.output);
  if (!line?.[1]) throw new Error(`wrk gave no result: ${process_.output.trim()}`);
  const raw = JSON.parse(line[1]);
  const problems = ['connectErrors', 'readErrors', 'writeErrors', 'timeouts', 'badStatus'].flatMap((key) =>
    raw[key] > 0 ? [`${raw[key]} ${key}`] : [],
  );
  const { requests, bytes, p50Ms, p99Ms } = raw;
  return { requests, seconds: raw.seconds, bytes, p50Ms, p99Ms, problems };
}

/** @param {LoadOptions} options @returns {Promise<LoadResult>} */
async function runAutocannon({ port, scenario, seconds, cpus, workDir }) {
  const args = [
    require.resolve('autocannon/autocannon.js'),
    '-j',
    '-c',
    String(scenario.connections),
    '-d',
    String(Math.ceil(seconds)),
  ];
  if (scenario.uploadBytes > 0) {
    const body = join(workDir, 'upload.bin');
    writeFileSync(body, 'x'.repeat(scenario.uploadBytes));
    args.push('-m', 'POST', '-i', body);
  }
  args.push(`${isTls(scenario.shape) ? 'https' : 'http'}://127.0.0.1:${port}${scenario.path}`);
  const process_ = launch({ file: process.execPath, args }, { cpus, label: 'autocannon' });
  await process_.exited;
  await process_.stop();
  const start = process_.output.indexOf('{"');
  if (start < 0) throw new Error(`autocannon gave no result: ${process_.output.trim()}`);
  const raw = JSON.parse(process_.output.slice(start, process_.output.lastIndexOf('}') + 1));
  const problems = ['errors', 'timeouts', 'non2xx', 'mismatches'].flatMap((key) =>
    raw[key] > 0 ? [`${raw[key]} ${key}`] : [],
  );
  return {
    requests: raw.requests.total,
    seconds: raw.duration,
    bytes: raw.throughput.total,
    p50Ms: raw.latency.p50,
    p99Ms: raw.latency.p99,
    problems,
  };
}
