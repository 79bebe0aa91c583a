/** What docs/operations shows is done: its files are run, its commands asked. Ports and paths are others. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createProxy, type MeshProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { refusedPort } from '@mesh/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Collector } from './sidecars/collector/server.ts';

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
let folder: string;
let proxy: MeshProxy;
/** The port of this run for each port of the file. */
let ports: Map<string, number>;

/** Tries again with other ports, should somebody have taken one in the meantime. */
async function start(name: string, own: Readonly<Record<string, number>> = {}, tries = 3): Promise<void> {
  const text = read(`yaml/${name}`);
  folder = mkdtempSync(path.join(tmpdir(), 'mesh-operations-'));
  ports = new Map(Object.entries(own));
  for (const [, port = ''] of text.matchAll(/port_value: (\d+)/g)) {
    if (!ports.has(port)) ports.set(port, await refusedPort());
  }
  const configOverride = text
    .replace(/port_value: (\d+)/g, (_, port: string) => `port_value: ${ports.get(port)}`)
    .replaceAll('/tmp/', `${folder}/`)
    .replace(/envoy\.access_loggers\.stdout|stream\.v3\.StdoutAccessLog/g, (found) =>
      found.startsWith('envoy')
        ? 'envoy.access_loggers.file'
        : `file.v3.FileAccessLog\n${' '.repeat(22)}path: ${folder}/stdout.log`,
    );
  proxy = await createProxy({ configOverride, extensions: standard, node: { id: 'shop-1', cluster: 'shop' } });
  try {
    await proxy.start();
  } catch (error) {
    await stop();
    if (tries === 1) throw error;
    await start(name, own, tries - 1);
  }
}

async function stop(): Promise<void> {
  await proxy.close();
  rmSync(folder, { recursive: true });
}

const url = (written: number) => `http://127.0.0.1:${ports.get(String(written))}`;

async function text(at: string, init?: RequestInit): Promise<string> {
  return (await fetch(at, init)).text();
}

const entries = (name: string) => readFileSync(path.join(folder, name), 'utf8').trimEnd().split('\n');

describe('stats.yaml', () => {
  afterEach(stop);

  it('counts under the names, with the tags, in the buckets that it asks for', async () => {
    await start('stats.yaml');
    expect(await text(`${url(8080)}/cart/7`)).toBe('three apples\n');
    expect(await text(`${url(8001)}/stats?filter=^cluster.shop-app.upstream_rq_(200|total)`)).toBe(
      'cluster.shop-app.upstream_rq_200: 1\ncluster.shop-app.upstream_rq_total: 1\n',
    );
    const all = await text(`${url(8001)}/stats`);
    expect(all).toContain('vhost.shop.vcluster.cart.upstream_rq_total: 1\n');
    expect(all).toContain('cluster.shop-app.upstream_rq_timeout_budget_percent_used');
    expect(all).not.toMatch(/^cluster\.collector\.|_http3_/m);
    const labels = 'region="eu-1",envoy_cluster_name="shop-app",team="shop"';
    const scraped = await text(`${url(8001)}/stats/prometheus`);
    expect(scraped).toContain(`envoy_cluster_upstream_rq{envoy_response_code="200",${labels}} 1\n`);
    expect(scraped).toContain(`envoy_cluster_upstream_rq_time_bucket{${labels},le="2.5"}`);
  });
});

describe('access-logs.yaml', () => {
  afterEach(stop);

  it('writes what it says where it says', async () => {
    await start('access-logs.yaml');
    await text(`${url(8080)}/cart`, { headers: { 'x-user': 'annabella' } });
    await text(`${url(8080)}/none`);
    // The application's page through tcp_proxy: the same bytes.
    await text(url(7000), { headers: { connection: 'close' } });
    expect(await text(`${url(8001)}/reopen_logs`, { method: 'POST' })).toBe('OK\n');
    expect((await fetch(`${url(8001)}/certs`)).status).toBe(403);
    const kept = folder;
    await proxy.close();
    folder = kept;
    const json = entries('mesh-access.log').map((line) => JSON.parse(line));
    expect(json.map(({ type, request: asked, status }) => [type, asked, status])).toEqual([
      ['DownstreamStart', 'GET /cart', 0],
      ['DownstreamEnd', 'GET /cart', 200],
      ['DownstreamStart', 'GET /none', 0],
      ['DownstreamEnd', 'GET /none', 404],
    ]);
    expect(json[1]).toMatchObject({ user: 'annabell', upstream: { cluster: 'app' }, flags: '-' });
    expect(entries('mesh-errors.log')).toContain('404 NoRouteFound route_not_found /none');
    expect(entries('stdout.log')[1]).toMatch(
      /^\[[^\]]+\] "GET \/cart HTTP\/1\.1" 200 - 0 13 \d+ \d+ "-" "node" "[0-9a-f-]{36}" /,
    );
    expect(entries('mesh-attempts.log')).toEqual([expect.stringMatching(/^[0-9a-f-]{36} 127\.0\.0\.1:\d+ 200 - \d+$/)]);
    expect(entries('mesh-tcp.log').map((line) => line.split(' ')[0])).toEqual([
      'TcpUpstreamConnected',
      'TcpConnectionEnd',
    ]);
    expect(entries('mesh-listener.log').length).toBeGreaterThan(0);
    expect(entries('mesh-admin.log')).toContainEqual(expect.stringContaining('"GET /certs HTTP/1.1" 403'));
  });
});

/** Asks a unix socket. */
function askSocket(socketPath: string, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: target, agent: new Agent() }, (answer) => {
      let all = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        all += chunk;
      });
      answer.on('end', () => resolve(all));
    });
    asked.on('error', reject).end();
  });
}

describe('tracing', () => {
  const collector = new Collector();
  let port: number;
  beforeAll(async () => {
    port = await collector.listen();
  });
  afterEach(stop);
  afterAll(() => collector.close());

  const spans = (name: string) =>
    collector
      .all()
      .flat()
      .filter((span) => span.name === name);

  it('tracing.yaml traces who asks and what the route says, and tells the counters on a unix socket', async () => {
    await start('tracing.yaml', { 9411: port });
    await text(`${url(8080)}/cart`, { headers: { 'x-client-trace-id': 'mine', 'x-tier': 'paid' } });
    await text(`${url(8080)}/checkout`);
    const told = await askSocket(path.join(folder, 'mesh-admin.sock'), '/stats?filter=http.ingress.tracing');
    expect(told).toContain('client_enabled: 1\n');
    expect(told).toContain('random_sampling: 1\n');
    await proxy.close();
    await vi.waitFor(() => expect(spans('checkout').length).toBe(1));
    const [checkout] = spans('checkout');
    expect(checkout).toMatchObject({ kind: 'SERVER', tags: { team: 'payments', tier: 'free', node_id: 'shop-1' } });
    const cart = collector
      .all()
      .flat()
      .find(({ tags }) => tags?.['guid:x-client-trace-id'] === 'mine');
    expect(cart).toMatchObject({ tags: { team: 'shop', tier: 'paid', release: '7' } });
    expect(cart?.tags?.['guid:x-request-id']?.[14]).toBe('b');
    expect(
      spans('router app egress')
        .map(({ parentId }) => parentId)
        .sort(),
    ).toEqual([cart?.id, checkout?.id].sort());
  });

  it('tracing-2018.yaml sends client spans under the name of the route', async () => {
    await start('tracing-2018.yaml', { 9411: port });
    await text(`${url(8080)}/`, { headers: { 'x-tier': 'paid' } });
    await proxy.close();
    await vi.waitFor(() => expect(spans('checkAvailability').length).toBe(1));
    expect(spans('checkAvailability')).toMatchObject([{ kind: 'CLIENT', tags: { 'x-tier': 'paid' } }]);
  });
});

/** Every `curl` of a table of the page, as `[method, target, body]`. */
const commands = [...read('../docs/operations/admin.md').matchAll(/^\| `curl ([^`]+)` \|/gm)].map(([, line = '']) => {
  const [, target = ''] = /127\.0\.0\.1:8001(\/[^' ]*)/.exec(line) ?? [];
  const [, body] = /-d '([^']*)'/.exec(line) ?? [];
  return [line.includes('-X POST') || body !== undefined ? 'POST' : 'GET', target, body] as const;
});

describe('docs/operations/admin.md', () => {
  beforeAll(() => start('front-proxy.yaml'));
  afterAll(stop);

  it('has every endpoint that changes nothing for good', async () => {
    const help = await text(`${url(8001)}/help`);
    const known = [...help.matchAll(/^ {2}(\/\S+?)( \(POST\))?: /gm)].map(([, name = '']) => name);
    const shown = commands.map(([, target]) => target.split('?')[0]);
    expect(known.filter((name) => !shown.includes(name) && !name.startsWith('/stats/recentlookups/'))).toEqual([
      '/help',
    ]);
  });

  const ending = /drain_listeners|quitquitquit|profiler|heap_dump|runtime_modify/;
  it.each(commands.filter(([, target]) => !ending.test(target)))('%s %s is answered', async (method, target, body) => {
    const answer = await fetch(`${url(8001)}${target}`, { method, ...(body !== undefined && { body }) });
    const told = await answer.text();
    expect([answer.status, told]).toEqual([200, expect.stringMatching(/\S/)]);
  });
});

describe('tap.yaml', () => {
  beforeAll(() => start('tap.yaml'));
  afterAll(stop);

  it('shows what the command of the page asks for', async () => {
    const [, body = ''] =
      /-d '\n(config_id[^']+)' 127\.0\.0\.1:8001\/tap/.exec(read('../docs/operations/admin.md')) ?? [];
    const leave = new AbortController();
    const answer = await fetch(`${url(8001)}/tap`, { method: 'POST', body, signal: leave.signal });
    expect(answer.status).toBe(200);
    await text(`${url(8080)}/cart`);
    await text(`${url(8080)}/lost`);
    const traces = (answer.body as ReadableStream<Uint8Array>).getReader();
    const trace = JSON.parse(Buffer.from((await traces.read()).value ?? []).toString());
    expect(trace.http_buffered_trace.response.body).toEqual({ as_string: 'no such thing\n', truncated: false });
    leave.abort();
  });
});
