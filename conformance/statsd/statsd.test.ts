/** The lines of a busy proxy are read by a real statsd (`npm install statsd`), whose folder is in `STATSD_HOME`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import os from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const HOME = process.env.STATSD_HOME;
if (HOME === undefined) console.log('statsd is left out: STATSD_HOME is not set');

const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What statsd's management port says to a command. */
function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1');
    let text = '';
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (text.includes('END')) socket.end();
    });
    socket.on('close', () => resolve(text));
    socket.write(`${command}\n`);
  });
}

async function eventually<T>(attempt: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const end = performance.now() + 15_000;
  for (;;) {
    const value = await attempt().catch(() => undefined);
    if (value !== undefined && holds(value)) return value;
    if (performance.now() > end) throw new Error(`waited in vain; last: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function startStatsd(home: string): Promise<{ udp: number; tcp: number; management: number }> {
  const [udp, tcp, management] = [await freePort(), await freePort(), await freePort()];
  const folder = mkdtempSync(join(os.tmpdir(), 'mesh-statsd-'));
  closing.push(() => rmSync(folder, { recursive: true }));
  const servers = [
    { server: './servers/udp', address: '127.0.0.1', port: udp },
    { server: './servers/tcp', address: '127.0.0.1', port: tcp },
  ];
  const settings = { servers, mgmt_port: management, backends: [], flushInterval: 60_000 };
  writeFileSync(join(folder, 'config.js'), JSON.stringify(settings));
  const child: ChildProcess = spawn(process.execPath, ['stats.js', join(folder, 'config.js')], { cwd: home });
  closing.push(() => child.kill());
  await eventually(
    () => ask(management, 'stats'),
    (text) => text.includes('END'),
  );
  return { udp, tcp, management };
}

it.skipIf(HOME === undefined)('statsd takes every line', async () => {
  // Loading them takes a second, which a run without statsd need not spend.
  const [{ createProxy }, { standard }] = await Promise.all([import('@mesh/core'), import('@mesh/standard')]);
  const { udp, tcp, management } = await startStatsd(HOME ?? '');
  const socket = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const sink = (name: string, type: string, config: object) => ({
    name: `envoy.stat_sinks.${name}`,
    typed_config: { '@type': `type.googleapis.com/envoy.${type}`, ...config },
  });
  const graphite = 'extensions.stat_sinks.graphite_statsd.v3.GraphiteStatsdSink';
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: socket(tcp) } }] }];
  const config = {
    node: { id: 'me', cluster: 'here' },
    stats_flush_interval: '0.05s',
    stats_sinks: [
      sink('statsd', 'config.metrics.v3.StatsdSink', { prefix: 'udp', address: socket(udp) }),
      sink('statsd', 'config.metrics.v3.StatsdSink', { prefix: 'tcp', tcp_cluster_name: 'statsd' }),
      sink('graphite_statsd', graphite, { prefix: 'graphite', address: socket(udp), max_bytes_per_datagram: 1400 }),
    ],
    static_resources: {
      clusters: [{ name: 'statsd', load_assignment: { cluster_name: 'statsd', endpoints } }],
    },
  };
  const proxy = await createProxy({ config, extensions: standard });
  closing.push(() => proxy.close());
  await proxy.start();
  const tagged = 'graphite.cluster.upstream_cx_total;envoy.cluster_name=statsd';
  const wanted = ['udp.cluster.statsd.upstream_cx_total', 'tcp.cluster.statsd.upstream_cx_total', tagged];
  await eventually(
    () => ask(management, 'counters'),
    (text) => wanted.every((name) => text.includes(name)),
  );
  await eventually(
    () => ask(management, 'timers'),
    (text) => text.includes('udp.cluster.statsd.upstream_cx_connect_ms'),
  );
  const counters = await ask(management, 'counters');
  expect(counters).toMatch(/'statsd\.bad_lines_seen': 0,/);
  expect(proxy.stats.counters().find(({ name }) => name === 'statsd.lines_dropped')?.value).toBe(0);
});
