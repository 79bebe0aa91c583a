/** examples/yaml/observability.yaml does what its head says, and Envoy takes it where there is one. Ports and paths are others. */
import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createProxy, type MeshProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { refusedPort } from '@mesh/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Collector } from './sidecars/collector/server.ts';

const TEXT = readFileSync(new URL('yaml/observability.yaml', import.meta.url), 'utf8');
const ENVOY = process.env.ENVOY_BIN ?? 'envoy';

function envoyIsThere(): boolean {
  try {
    execFileSync(ENVOY, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('examples/yaml/observability.yaml', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mesh-observability-'));
  const collector = new Collector();
  const datagrams: string[] = [];
  let statsd: Socket;
  let proxy: MeshProxy;

  beforeAll(async () => {
    statsd = createSocket('udp4').bind(0, '127.0.0.1');
    statsd.on('message', (bytes) => void datagrams.push(bytes.toString()));
    await once(statsd, 'listening');
    const application = await refusedPort();
    const ports: Readonly<Record<string, number>> = {
      8080: 0,
      8001: 0,
      8081: application,
      9411: await collector.listen(),
      8125: statsd.address().port,
    };
    const configOverride = TEXT.replace(/port_value: (\d+)/g, (_all, port: string) => `port_value: ${ports[port]}`)
      .replace(/path: (\w+\.log)/g, (_all, name: string) => `path: ${path.join(folder, name)}`)
      .replace('stats_flush_interval: 1s', 'stats_flush_interval: 0.05s');
    proxy = await createProxy({ configOverride, extensions: standard, node: { cluster: 'shop' } });
    await proxy.start();
    for (const name of ['/cart', '/other']) {
      const headers = { 'x-client-trace-id': 'wanted', 'x-tier': 'paid' };
      await (await fetch(`http://127.0.0.1:${proxy.address('ingress').port}${name}`, { headers })).text();
    }
    const pushed = () => expect(datagrams.join('\n')).toContain('shop.http.ingress.downstream_rq_2xx:1|c');
    await vi.waitFor(pushed, { timeout: 5000 });
    await proxy.close();
  }, 20_000);

  afterAll(() => {
    statsd.close();
    collector.close();
    rmSync(folder, { recursive: true });
  });

  const lines = (name: string) => readFileSync(path.join(folder, name), 'utf8').trimEnd().split('\n');

  it('writes every request as a line of JSON', () => {
    const entries = lines('access.log').map((line) => JSON.parse(line));
    expect(entries).toMatchObject([
      { method: 'GET', path: '/cart', status: 200, flags: '-', details: 'via_upstream', sent: 13, cluster: 'shop' },
      { path: '/other', status: 404, flags: 'NR', details: 'route_not_found', host: null, cluster: null },
    ]);
    expect(entries[0].duration_ms).toBeTypeOf('number');
  });

  it('writes what went wrong once more, in words', () => {
    expect(lines('errors.log')).toEqual([
      expect.stringMatching(/ 404 NoRouteFound route_not_found GET 127\.0\.0\.1:\d+\/other$/),
    ]);
  });

  it('sends the spans that are asked for, under the name of the route', () => {
    const spans = collector.all().flat();
    const cart = spans.find(({ tags }) => tags?.['http.status_code'] === '200');
    expect(cart).toMatchObject({ name: 'shop', localEndpoint: { serviceName: 'shop' }, tags: { tier: 'paid' } });
  });

  it.skipIf(!envoyIsThere())('is valid for Envoy', () => {
    const file = path.join(folder, 'observability.yaml');
    writeFileSync(file, TEXT);
    const told = execFileSync(ENVOY, ['--mode', 'validate', '-c', file, '-l', 'error'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(told).toContain('OK');
  });
});
