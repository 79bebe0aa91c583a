/** One measurement: start a proxy, check it, warm it up, load it, stop it. */
import { cpuMicros, residentBytes } from './cpu.mjs';
import { freePort, isHttp2, isTls, request, waitReady } from './ports.mjs';
import { isWrapper, launch, makeWorkDir, removeWorkDir } from './processes.mjs';
import { upstreamFor } from './upstreams.mjs';

/**
 * @typedef {object} Sample
 * @property {number} round from 1
 * @property {string} scenario
 * @property {string} target
 * @property {number} [requests]
 * @property {number} [seconds]
 * @property {number} [cpuMicros] CPU time of the proxy during the load
 * @property {number} [cpuMicrosPerRequest]
 * @property {number} [requestsPerSecond]
 * @property {number} [busy] share of one core that the proxy used; well below 1 means that something else was the limit
 * @property {number} [p50Ms]
 * @property {number} [p99Ms]
 * @property {number} [residentBytes] after the load, wrapper scripts left out
 * @property {string} [invalid] why the numbers must not be used
 *
 * @typedef {object} Setting
 * @property {number} seconds
 * @property {number} warmupSeconds
 * @property {import('./upstreams.mjs').Upstream} upstream
 * @property {string} proxyCpus
 * @property {string} loadCpus
 * @property {import('./load.mjs').Generators} generators
 */

/**
 * @param {import('./targets.mjs').Target} target
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {number} round
 * @param {Setting} setting
 * @returns {Promise<Sample>} a sample marked invalid when anything went wrong; never rejects for a failing proxy
 */
export async function measure(target, scenario, round, setting) {
  const base = { round, scenario: scenario.name, target: target.name };
  const workDir = makeWorkDir();
  const listenPort = await freePort();
  const { shape } = scenario;
  const upstreamPort = upstreamFor(shape, setting.upstream);
  const certificate = isTls(shape) ? setting.upstream.certificate : undefined;
  const place = { listenPort, adminPort: await freePort(), upstreamPort, workDir, shape, certificate };
  const proxy = launch(target.command(place), { cpus: setting.proxyCpus, label: target.name });
  try {
    await waitReady(proxy, listenPort, '/tiny', shape);
    await checkBody(listenPort, scenario);
    return { ...base, ...(await load(proxy, listenPort, scenario, setting, workDir)) };
  } catch (error) {
    return { ...base, invalid: error instanceof Error ? error.message : String(error) };
  } finally {
    await proxy.stop();
    removeWorkDir(workDir);
  }
}

/** @param {number} port @param {import('./scenarios.mjs').Scenario} scenario */
async function checkBody(port, { path, uploadBytes, responseBytes, shape }) {
  const { status, bodyBytes } = await request(port, path, uploadBytes, shape);
  if (status !== 200 || bodyBytes !== responseBytes) {
    throw new Error(`${path}: expected 200 with ${responseBytes} bytes, got ${status} with ${bodyBytes}`);
  }
}

/**
 * @param {import('./processes.mjs').Launched} proxy @param {number} port
 * @param {import('./scenarios.mjs').Scenario} scenario @param {Setting} setting @param {string} workDir
 */
async function load(proxy, port, scenario, setting, workDir) {
  const options = { port, scenario, cpus: setting.loadCpus, workDir };
  const generator = setting.generators[isHttp2(scenario.shape) ? 'http2' : 'http1'];
  await generator.run({ ...options, seconds: setting.warmupSeconds });
  const before = proxy.members();
  const cpuBefore = cpuMicros(before);
  const result = await generator.run({ ...options, seconds: setting.seconds });
  if (!proxy.running) throw new Error(`${proxy.label} died under load: ${proxy.output.trim() || 'no output'}`);
  const after = proxy.members();
  if (before.join() !== after.join()) throw new Error('the set of proxy processes changed during the measurement');
  const used = cpuMicros(after) - cpuBefore;
  return {
    requests: result.requests,
    seconds: result.seconds,
    cpuMicros: used,
    cpuMicrosPerRequest: used / result.requests,
    requestsPerSecond: result.requests / result.seconds,
    busy: used / (result.seconds * 1e6),
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    residentBytes: residentBytes(after.filter((pid) => !isWrapper(pid))),
    ...verdict(result, scenario),
  };
}

/** @param {import('./load.mjs').LoadResult} result @param {import('./scenarios.mjs').Scenario} scenario */
function verdict(result, scenario) {
  if (result.problems.length > 0) return { invalid: result.problems.join(', ') };
  if (result.requests === 0) return { invalid: 'no request completed' };
  // Answers can be 2xx or 3xx and still be cut short.
  if (result.bytes < result.requests * scenario.responseBytes) return { invalid: 'response bodies were incomplete' };
  return {};
}
