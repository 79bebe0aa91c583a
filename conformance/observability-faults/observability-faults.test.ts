/**
 * What takes logs, spans and statistics fails, in every way that is known: traffic goes on as before, what is lost is
 * counted, memory stays bounded. `OBSERVABILITY_FAULTS_SECONDS=30` puts load on each fault for so long instead of a moment.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startUpstream, type Upstream } from '@mesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rssMb } from '../floods/meter.ts';
import { MeshProcess, type ProcessOptions } from '../mesh-process/index.ts';
import { type Listening, neverReads } from './broken.ts';
import { bootstrap, cluster, FAULTS, fileLog, type Lane, LOSSES, listener, openLanes } from './lanes.ts';
import { type Measured, measure } from './measure.ts';

const SECONDS = Number(process.env.OBSERVABILITY_FAULTS_SECONDS ?? 0);
const LONG = SECONDS > 0;
/** 4 KB a line: more than a buffer of 1 MiB and a pipe hold. */
const AMOUNT = LONG ? { ms: SECONDS * 1000 } : { requests: 600 };
const TEST_MS = 20_000 + SECONDS * 2000;
/** Everything that is held back together, with the room that V8 takes for a while. */
const MAX_GROWTH_MB = LONG ? 160 : 64;
const SIZE_LIMIT_BYTES = 65_536;

let folder: string;
let app: Upstream;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mesh-observability-'));
  app = await startUpstream({ body: 'hello' });
});

afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await app.close();
  await rm(folder, { recursive: true });
});

async function start(config: object, options?: ProcessOptions): Promise<MeshProcess> {
  const mesh = await MeshProcess.start(JSON.stringify(config), ['--file-flush-interval-msec', '50'], options);
  cleanups.push(() => mesh.stop());
  return mesh;
}

/** The sum of these counters. */
async function counted(mesh: MeshProcess, names: readonly string[]): Promise<number> {
  const stats = await mesh.page('/stats?type=Counters');
  const values = names.map((name) => new RegExp(`^${name.replaceAll('.', '\\.')}: (\\d+)$`, 'm').exec(stats)?.[1]);
  return values.reduce((sum, value) => sum + Number(value ?? 0), 0);
}

/** A busy machine may make any request wait for a while; what is broken would make them wait for its timeouts. */
function expectUnaffected(seen: Measured, calm: Measured): void {
  expect(seen.bad).toEqual([]);
  if (!LONG) expect(seen.good).toBe(600);
  expect(seen.p50Ms).toBeLessThan(calm.p50Ms * 4 + 10);
  expect(seen.p99Ms).toBeLessThan(calm.p99Ms * 5 + 100);
}

describe('faults of what observes', () => {
  let mesh: MeshProcess;
  let lanes: readonly Lane[];
  let statsd: Listening;
  let calm: Measured;
  let startMb: number;

  const portOf = (name: string) => mesh.ports[lanes.findIndex((lane) => lane.name === name)] ?? 0;

  beforeAll(async () => {
    const opened = await openLanes(folder);
    cleanups.push(opened.close);
    ({ lanes } = opened);
    statsd = await neverReads();
    cleanups.push(statsd.close);
    mesh = await start(bootstrap(lanes, app.port, statsd.port));
    await measure(portOf('calm'), { requests: 600 });
    calm = await measure(portOf('calm'), { requests: 600 });
    startMb = rssMb(mesh.pid);
  }, 60_000);

  it('without one, logs and spans arrive', async () => {
    expect(calm.bad).toEqual([]);
    await expect.poll(async () => (await stat(path.join(folder, 'access.log'))).size).toBeGreaterThan(1200 * 4000);
    await expect.poll(() => counted(mesh, ['tracing.zipkin.reports_sent'])).toBeGreaterThan(0);
    expect(await counted(mesh, ['access_logs.dropped', 'tracing.zipkin.spans_dropped'])).toBe(0);
  });

  it.each(FAULTS.map(({ name, wrong, kind }) => [name, wrong, kind] as const))(
    '%s, %s: traffic is unaffected, losses are counted, memory is bounded',
    async (name, _wrong, kind) => {
      const before = await counted(mesh, LOSSES[kind]);
      expectUnaffected(await measure(portOf(name), AMOUNT), calm);
      await expect.poll(() => counted(mesh, LOSSES[kind]), { timeout: 5000 }).toBeGreaterThan(before);
      if (kind !== 'file') expect(await counted(mesh, [`cluster.${name}_there.upstream_cx_total`])).toBeGreaterThan(0);
      expect(rssMb(mesh.pid) - startMb).toBeLessThan(MAX_GROWTH_MB);
    },
    TEST_MS,
  );

  it(
    'dead statistics servers lose their statistics, which is counted, and nothing else',
    async () => {
      expectUnaffected(await measure(portOf('calm'), AMOUNT), calm);
      for (const lost of ['statsd.lines_dropped', 'metrics_service_stat_sink.flushes_dropped'])
        await expect.poll(() => counted(mesh, [lost]), { timeout: 5000 }).toBeGreaterThan(0);
      expect(await counted(mesh, ['cluster.statsd_refused.upstream_cx_connect_fail'])).toBeGreaterThan(0);
      expect(rssMb(mesh.pid) - startMb).toBeLessThan(MAX_GROWTH_MB);
    },
    TEST_MS,
  );
});

/** One listener with this access log. */
const single = (file: string) => ({
  admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
  static_resources: { listeners: [listener('one', fileLog(file))], clusters: [cluster('app', app.port)] },
});

describe('limits of the process', () => {
  it(
    'standard output that nobody reads: traffic is unaffected, lines are counted as lost',
    async () => {
      const mesh = await start(single('/dev/stdout'), { stdout: 'pipe' });
      const calm = await measure(mesh.port, { requests: 10 });
      expectUnaffected(await measure(mesh.port, AMOUNT), calm);
      await expect.poll(() => counted(mesh, ['access_logs.dropped']), { timeout: 5000 }).toBeGreaterThan(0);
    },
    TEST_MS,
  );

  it(
    'a file that may not grow any more: traffic is unaffected, lines are counted as lost',
    async () => {
      const file = path.join(folder, 'limited.log');
      const mesh = await start(single(file), { prefix: ['prlimit', `--fsize=${SIZE_LIMIT_BYTES}`] });
      const calm = await measure(mesh.port, { requests: 10 });
      expectUnaffected(await measure(mesh.port, AMOUNT), calm);
      await expect.poll(() => counted(mesh, ['access_logs.dropped']), { timeout: 5000 }).toBeGreaterThan(0);
      expect((await stat(file)).size).toBeLessThanOrEqual(SIZE_LIMIT_BYTES);
    },
    TEST_MS,
  );
});
