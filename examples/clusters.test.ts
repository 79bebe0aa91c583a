/** The files of examples/yaml about clusters do what their heads and pages say. Ports and times are others. */
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createProxy, HealthFlag, type MeshProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { refusedPort } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';

const log = path.join(tmpdir(), `mesh-clusters-${process.pid}.log`);
let proxy: MeshProxy;
/** The port of this run for each port of the file. */
let ports: Map<string, number>;

/** Tries again with other ports, should somebody have taken one in the meantime. */
async function start(name: string, tries = 3): Promise<void> {
  const text = readFileSync(new URL(`yaml/${name}`, import.meta.url), 'utf8');
  ports = new Map();
  for (const [, port = ''] of text.matchAll(/port_value: (\d{4,})/g)) ports.set(port, await refusedPort());
  const configOverride = text
    .replace(/port_value: (\d{4,})/g, (_, port: string) => `port_value: ${ports.get(port)}`)
    .replaceAll('no_traffic_interval: 1s', 'no_traffic_interval: 0.02s')
    .replace(/\/tmp\/\w+-events\.log/g, log);
  proxy = await createProxy({ configOverride, extensions: standard });
  try {
    await proxy.start();
  } catch (error) {
    await proxy.close();
    if (tries === 1) throw error;
    await start(name, tries - 1);
  }
}

afterEach(async () => {
  await proxy.close();
  rmSync(log, { force: true });
});

const port = (written: number): number => ports.get(String(written)) as number;
const address = (written: number): string => `127.0.0.1:${port(written)}`;

function get(url: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://${address(8080)}${url}`, { headers });
}

async function text(url: string, headers?: Record<string, string>): Promise<string> {
  return (await (await get(url, headers)).text()).trim();
}

async function texts(count: number, url: string, headers?: Record<string, string>): Promise<string[]> {
  const all: string[] = [];
  for (let i = 0; i < count; i++) all.push(await text(url, headers));
  return all;
}

async function flags(cluster: string, written: number): Promise<string | undefined> {
  const page = await (await fetch(`http://${address(8001)}/clusters`)).text();
  return new RegExp(`^${cluster}::${address(written)}::health_flags::(.*)$`, 'm').exec(page)?.[1];
}

async function stat(name: string): Promise<string | undefined> {
  const page = await (await fetch(`http://${address(8001)}/stats?filter=^${name}$`)).text();
  return /: (.*)/.exec(page)?.[1];
}

describe('load-balancing.yaml', () => {
  it('chooses hosts in each of its ways', async () => {
    await start('load-balancing.yaml');
    const weighted = await texts(8, '/weighted');
    expect(weighted.sort()).toEqual(['one', 'one', 'one', 'one', 'three', 'three', 'two', 'two']);
    expect(await text('/busy')).toMatch(/one|two|three/);
    expect(new Set(await texts(5, '/hashed', { 'x-user': 'ann' })).size).toBe(1);
    expect((await get('/hashed')).headers.get('set-cookie')).toMatch(
      /^session="[0-9a-f]{16}"; Max-Age=3600; HttpOnly$/,
    );
    expect([await text('/versions', { 'x-version': '2' }), await text('/versions')]).toEqual(['three', 'one']);
    expect(await texts(3, '/priorities')).toEqual(['one', 'one', 'one']);
    const first = await get('/sessions');
    const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
    const host = (await first.text()).trim();
    expect(await texts(4, '/sessions', { cookie })).toEqual([host, host, host, host]);
  });
});

describe('health-checks.yaml', () => {
  it('finds out who is well, and answers whether the proxy is', async () => {
    await start('health-checks.yaml');
    for (const host of [9001, 9002]) await expect.poll(() => flags('http', host), { timeout: 5000 }).toBe('healthy');
    expect(await flags('http', 9003)).toBe('/failed_active_hc');
    expect(await flags('tcp', 9003)).toBe('/failed_active_hc');
    expect(await flags('grpc', 50051)).toBe('/failed_active_hc');
    expect(await flags('sidecars', 9002)).toBe('healthy');
    await expect.poll(() => flags('sidecars', 9001), { timeout: 5000 }).toBe('healthy');
    expect((await texts(4, '/')).sort()).toEqual(['one', 'one', 'two', 'two']);
    expect((await get('/healthz')).status).toBe(200);
    await fetch(`http://${address(8001)}/healthcheck/fail`, { method: 'POST' });
    const failed = await get('/healthz');
    expect([failed.status, failed.headers.get('x-envoy-immediate-health-check-fail')]).toEqual([503, 'true']);
    await expect.poll(() => readFileSync(log, 'utf8')).toContain('"add_healthy_event":{"first_check":false}');
  });
});

describe('outliers.yaml', () => {
  it('takes out the host that fails', async () => {
    await start('outliers.yaml');
    const answers = await texts(20, '/');
    expect(answers.filter((answer) => answer === 'three')).toHaveLength(3);
    expect(await flags('app', 9003)).toBe('/failed_outlier_check');
    expect(await stat('cluster.app.outlier_detection.ejections_enforced_consecutive_5xx')).toBe('1');
    await expect.poll(() => readFileSync(log, 'utf8')).toContain(`"upstream_url":"${address(9003)}","action":"EJECT"`);
  });
});

describe('circuit-breakers.yaml', () => {
  it('refuses what is beyond its limits, at once', async () => {
    await start('circuit-breakers.yaml');
    expect([await text('/'), await text('/admin')]).toEqual(['one', 'one']);
    const refused = await get('/closed');
    expect([refused.status, refused.headers.get('x-envoy-overloaded')]).toEqual([503, 'true']);
    expect(await refused.text()).toMatch(/reset reason: overflow$/);
    expect(await stat('cluster.closed.upstream_rq_active_overflow')).toBe('1');
    expect(await stat('cluster.app.circuit_breakers.default.remaining_rq')).toBe('200');
  });
});

describe('dns-clusters.yaml', () => {
  it('finds hosts in each of its ways, and none where clients must not go', async () => {
    await start('dns-clusters.yaml');
    expect([await text('/strict'), await text('/logical'), await text('/both')]).toEqual(['one', 'one', 'one']);
    const original = (to: string) => get('/original', { 'x-envoy-original-dst-host': to });
    expect(await (await original(address(9001))).text()).toBe('one\n');
    for (const to of [`[::1]:${port(9001)}`, '169.254.169.254:80', 'localhost:80', '']) {
      expect([to, (await original(to)).status]).toEqual([to, 503]);
    }
    const forward = await fetch(`http://${address(8081)}/`, { headers: { host: `localhost:${port(9001)}` } });
    expect(forward.status).toBe(503);
    expect(await stat('dns_cache.forward.dns_address_filter_out')).toBe('1');
  }, 30_000);
});

it('docs/clusters.md names every flag that /clusters prints', () => {
  const page = readFileSync(new URL('../docs/clusters.md', import.meta.url), 'utf8');
  const names = Object.keys(HealthFlag).map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
