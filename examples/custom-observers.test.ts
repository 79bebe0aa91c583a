import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cluster, createProxy, http, listener, route } from '@mesh/core';
import { router } from '@mesh/filters-http';
import { standard } from '@mesh/standard';
import { recordingTracer, startProxy, startUpstream, testFilter, type Upstream } from '@mesh/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checked, influx, posted, timed, written } from './custom-observers.ts';

let folder: string;
let app: Upstream;
let service: Upstream;
let closing: (() => Promise<unknown>)[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-observers-'));
  app = await startUpstream({ body: 'app' });
  service = await startUpstream({ status: 200 });
  closing = [() => app.close(), () => service.close()];
});

afterEach(async () => {
  for (const close of closing.reverse()) await close();
  rmSync(folder, { recursive: true });
});

const bodies = () => service.requests.map(({ body }) => body.toString()).join('');

/** A proxy whose cluster `service` is the one that is told. */
async function start(options: Parameters<typeof startProxy>[0], port = service.port) {
  const clusters = [cluster('service', { endpoints: [`127.0.0.1:${port}`] })];
  const proxy = await startProxy({ upstream: app, clusters, ...options });
  closing.push(() => proxy.close());
  return proxy;
}

describe('posted', () => {
  it('posts lines when its proxy ends', async () => {
    const proxy = await start({ accessLogs: [posted({ cluster: 'service', path: '/logs' })] });
    await (await fetch(`${proxy.url}/a`)).text();
    await proxy.close();
    expect(service.requests.map(({ path }) => path)).toEqual(['/logs']);
    expect(JSON.parse(bodies())).toEqual({ flags: '-', ms: expect.any(Number), path: '/a', status: 200 });
  });

  it('counts what a service that is gone does not take', async () => {
    await service.close();
    const proxy = await start({ accessLogs: [posted({ cluster: 'service', flushMs: 1 })] });
    await (await fetch(`${proxy.url}/a`)).text();
    await proxy.untilStat('access_logs.posted.dropped', 1);
  });

  it('is found by its name in YAML', async () => {
    const configOverride = `
static_resources:
  listeners:
  - address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          access_log:
          - name: acme.access_loggers.posted
            filter: { status_code_filter: { comparison: { op: GE, value: { default_value: 500, runtime_key: x } } } }
            typed_config:
              "@type": type.googleapis.com/google.protobuf.Struct
              value: { cluster: service }
          route_config: { virtual_hosts: [{ name: v, domains: ["*"], routes: [] }] }
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
`;
    await (await createProxy({ configOverride, extensions: [...standard, posted] })).close();
  });
});

describe('written', () => {
  it('writes a tree of spans, and tells the upstream of it', async () => {
    const file = join(folder, 'spans.log');
    const proxy = await start({ tracing: { provider: written({ path: file }), spawnUpstreamSpan: true } });
    const headers = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    await (await fetch(proxy.url, { headers })).text();
    await proxy.close();
    const spans = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const [call, request] = spans;
    expect(spans).toMatchObject([{ name: 'router upstream egress', kind: 'client' }, { kind: 'server' }]);
    expect(request).toMatchObject({ traceId: 'a'.repeat(32), parentId: 'b'.repeat(16) });
    expect(request.tags).toMatchObject({ 'http.status_code': '200' });
    expect(call.parentId).toBe(request.spanId);
    expect(app.requests[0]?.headers.traceparent).toBe(`00-${'a'.repeat(32)}-${call.spanId}-01`);
  });
});

describe('influx', () => {
  it('posts what was counted, at the latest when the proxy ends', async () => {
    const proxy = await createProxy({
      listeners: [listener({ host: '127.0.0.1', http: http({ routes: [route('/', 'app')], filters: [router()] }) })],
      clusters: [
        cluster('app', { endpoints: [`127.0.0.1:${app.port}`] }),
        cluster('service', { endpoints: [`127.0.0.1:${service.port}`] }),
      ],
      statsSinks: [influx({ cluster: 'service' })],
      configOverride: 'stats_flush_interval: 0.02s',
    });
    await proxy.start();
    closing.push(() => proxy.close());
    await (await fetch(`http://127.0.0.1:${proxy.address().port}`)).text();
    await expect
      .poll(bodies)
      .toMatch(/^cluster\.upstream_rq,envoy\.response_code=200,envoy\.cluster_name=app value=1i \d+$/m);
  });
});

describe('checked', () => {
  it.each([
    [200, 200],
    [401, 403],
  ])('a service that says %i makes it %i', async (status, answer) => {
    const auth = await startUpstream({ status });
    closing.push(() => auth.close());
    const proxy = await start({ filters: [checked({ cluster: 'service' })] }, auth.port);
    const response = await fetch(proxy.url, { headers: { authorization: 'me' } });
    await response.text();
    expect([response.status, auth.requests[0]?.headers.authorization]).toEqual([answer, 'me']);
  });

  it('has a span below that of the request', async () => {
    const traces = recordingTracer();
    const proxy = await start({ filters: [checked({ cluster: 'service' })], tracing: { provider: traces.provider } });
    await (await fetch(proxy.url)).text();
    await proxy.close();
    expect(traces.tree()).toMatch(/^127\.0\.0\.1:\d+\n {2}async service egress$/);
  });
});

describe('timed', () => {
  it('has a span of its own', async () => {
    const traces = recordingTracer();
    const harness = testFilter(timed(), { http: { tracing: { provider: traces.provider } } });
    await harness.request({ headers: { 'x-user': 'ann' } });
    expect(traces.tree()).toMatch(/\n {2}load profile$/);
    expect(traces.spans.find(({ name }) => name === 'load profile')?.tags).toEqual({ profile: 'member' });
  });
});
