/**
 * The admin benchmark: what an answer of the admin server, or a flush of the stats, costs with very many clusters, and
 * for how long it holds up everything else. See README.md for the method.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';

const USAGE = `usage: node benchmarks/admin.mjs [options]                                       (the built packages)
       node --conditions=@mesh/source --import tsx benchmarks/admin.mjs [options]   (the source)
  --clusters N   (10000)
  --statsd       flush to a UDP statsd sink, which nobody listens to, too
  --strict       exit 1 when something holds the event loop for more than 50 ms`;

/** Most that anything may hold the event loop. */
const MOST_MS = 50;
const FLUSH_INTERVAL_MS = 5000;
/** The discard port. */
const STATSD_PORT = 9;

/** The first of them sorts all names. */
const PATHS = [
  '/stats',
  '/stats',
  '/stats?usedonly',
  '/stats?filter=upstream_rq_total',
  '/stats?format=json',
  '/stats?format=html',
  '/stats/prometheus',
  '/stats/prometheus?usedonly',
  '/clusters',
  '/clusters?format=json',
  '/config_dump',
  '/config_dump?include_eds',
];

/** @param {string} name @returns {Promise<Record<string, any> | undefined>} */
async function load(name) {
  const source = process.execArgv.includes('tsx');
  const entry = new URL(`../packages/${name}/${source ? 'src/index.ts' : 'dist/index.js'}`, import.meta.url);
  return existsSync(entry) ? import(entry.href) : undefined;
}

/** @param {number} count @param {boolean} statsd */
function configOf(count, statsd) {
  const address = (port, protocol = 'TCP') => ({
    socket_address: { address: '127.0.0.1', port_value: port, protocol },
  });
  const clusters = Array.from({ length: count }, (_, n) => {
    const name = `service-${n}`;
    const endpoint = { address: address(1024 + (n % 50_000)) };
    return { name, load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] } };
  });
  const type = 'type.googleapis.com/envoy.config.metrics.v3.StatsdSink';
  const sink = {
    name: 'envoy.stat_sinks.statsd',
    typed_config: { '@type': type, address: address(STATSD_PORT, 'UDP') },
  };
  return { static_resources: { clusters }, ...(statsd && { stats_sinks: [sink] }) };
}

/**
 * Looks at the clocks in every turn of the event loop. What the process did not compute it did not hold: on a busy
 * machine the smaller of time and CPU time counts.
 */
class Meter {
  #worstMs = 0;
  #lastMs = performance.now();
  #lastCpuMs = cpuMs();
  #timer = setTimeout(() => this.#turn(), 1);

  #turn() {
    const [nowMs, nowCpuMs] = [performance.now(), cpuMs()];
    this.#worstMs = Math.max(this.#worstMs, Math.min(nowMs - this.#lastMs, nowCpuMs - this.#lastCpuMs));
    this.#lastMs = nowMs;
    this.#lastCpuMs = nowCpuMs;
    this.#timer = setTimeout(() => this.#turn(), 1);
  }

  stop() {
    clearTimeout(this.#timer);
    return this.#worstMs;
  }
}

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Asks from another process, so that reading is not measured. @param {string} url @returns {Promise<number>} bytes */
function bytesOf(url) {
  const script = `require('node:http').get(${JSON.stringify(url)}, { agent: false }, (response) => {
    let bytes = 0;
    response.on('data', (chunk) => { bytes += chunk.length; });
    response.on('end', () => console.log(bytes));
  });`;
  return new Promise((resolve, reject) => {
    const client = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    client.stdout.on('data', (chunk) => {
      text += chunk;
    });
    client.on('error', reject);
    client.on('close', () => resolve(Number(text)));
  });
}

/** @param {{ clusters: number, statsd: boolean }} options @returns {Promise<number>} the worst of all */
async function main({ clusters, statsd }) {
  const [core, sinks] = [await load('core'), statsd ? await load('stat-sinks') : {}];
  if (core === undefined || sinks === undefined) {
    console.log('skipped: the packages are not built');
    return 0;
  }
  const proxy = await core.createProxy({
    config: configOf(clusters, statsd),
    admin: { port: 0 },
    extensions: Object.values(sinks).flat(),
  });
  await proxy.start();
  const rows = {};
  let worst = 0;
  const measure = async (name, work) => {
    const meter = new Meter();
    const [startMs, startCpuMs] = [performance.now(), cpuMs()];
    const bytes = await work();
    const row = { MB: bytes / 1e6, ms: performance.now() - startMs, 'CPU ms': cpuMs() - startCpuMs };
    const held = meter.stop();
    worst = Math.max(worst, held);
    rows[name] = Object.fromEntries(
      Object.entries({ ...row, 'longest hold ms': held, 'resident MB': process.memoryUsage.rss() / 1e6 }).map(
        ([key, value]) => [key, Number(value.toFixed(1))],
      ),
    );
  };
  // The first flush is in the first of them, and names the metrics for the sink.
  for (const turn of ['first flush', 'another flush']) {
    await measure(turn, () => new Promise((resolve) => setTimeout(() => resolve(0), FLUSH_INTERVAL_MS)));
  }
  for (const [index, path] of PATHS.entries()) {
    const name = PATHS.indexOf(path) === index ? path : `${path} again`;
    await measure(name, () => bytesOf(`http://127.0.0.1:${proxy.adminAddress.port}${path}`));
  }
  await proxy.close();
  console.log(`${clusters} clusters${statsd ? ', statsd sink' : ''}`);
  console.table(rows);
  return worst;
}

const { values } = parseArgs({
  options: {
    clusters: { type: 'string', default: '10000' },
    statsd: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(USAGE);
else {
  const worst = await main({ clusters: Number(values.clusters), statsd: values.statsd });
  const missed = worst > MOST_MS;
  console.log(`longest hold: ${worst.toFixed(1)} ms (limit ${MOST_MS})${missed ? ': missed' : ''}`);
  if (missed && values.strict) process.exitCode = 1;
}
