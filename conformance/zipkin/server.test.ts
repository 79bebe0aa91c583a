/**
 * A front proxy and a service behind a proxy of its own report to a real Zipkin, in each of the three forms; what it has
 * understood is read back through its API.
 */
import { createProxy, type MeshProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootstrap } from './bootstrap.ts';
import { type Arrived, type Recorder, startUpstream } from './collector.ts';
import type { ZipkinSpan } from './observe.ts';
import { startZipkin, type ZipkinServer, zipkinJar } from './zipkin-server.ts';

const jar = zipkinJar();
if (jar === undefined) console.log('no ZIPKIN_JAR is given: spans are not shown to a real Zipkin');

const FORMS = [
  { version: 'HTTP_JSON_V1', endpoint: '/api/v1/spans' },
  { version: 'HTTP_JSON', endpoint: '/api/v2/spans' },
  { version: 'HTTP_PROTO', endpoint: '/api/v2/spans' },
] as const;

type Form = (typeof FORMS)[number];

/** A proxy that reports in this form. */
async function start(service: string, { endpoint, version }: Form, collector: number, upstream: number) {
  const variant = {
    name: 'in',
    tracing: { spawn_upstream_span: true, verbose: true },
    zipkin: { collector_endpoint: endpoint, collector_endpoint_version: version, trace_id_128bit: true },
  };
  const config = bootstrap([variant], { collector, upstream }, service);
  const proxy = await createProxy({ config, extensions: standard, logger: { log: () => {} } });
  await proxy.start();
  proxies.push(proxy);
  return proxy.address('in').port;
}

const proxies: MeshProxy[] = [];

describe.skipIf(jar === undefined)('a real Zipkin', () => {
  let server: ZipkinServer;
  let upstream: Recorder<Arrived>;

  beforeAll(async () => {
    [server, upstream] = await Promise.all([startZipkin(jar as string), startUpstream()]);
  }, 90_000);

  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await Promise.all([upstream?.close(), server?.close()]);
  });

  test.each(FORMS)('takes $version and shows the tree', async (form) => {
    const { version } = form;
    const back = await start('back', form, server.port, upstream.port);
    const front = await start('front', form, server.port, back);
    await (await fetch(`http://127.0.0.1:${front}/${version}`)).arrayBuffer();
    const headers = upstream.items.find(({ path }) => path === `/${version}`)?.headers ?? {};
    const spans = await server.trace(headers['x-b3-traceid'] ?? '', 4);
    expect(spans).toHaveLength(4);
    const find = (service: string, kind: string) =>
      spans.find((span) => span.localEndpoint?.serviceName === service && span.kind === kind) as ZipkinSpan;
    const chain = [find('front', 'SERVER'), find('front', 'CLIENT'), find('back', 'SERVER'), find('back', 'CLIENT')];
    const [root, call, served, last] = chain as [ZipkinSpan, ZipkinSpan, ZipkinSpan, ZipkinSpan];
    expect(root.parentId).toBeUndefined();
    expect(root.traceId.slice(16)).toBe(root.id);
    expect(call.parentId).toBe(root.id);
    // The server's half of the call has its ids.
    expect(served).toMatchObject({ id: call.id, parentId: root.id, shared: true });
    expect(last.parentId).toBe(call.id);
    expect(headers).toMatchObject({ 'x-b3-spanid': last.id, 'x-b3-parentspanid': call.id, 'x-b3-sampled': '1' });
    expect(call.name).toBe('router upstream egress');
    expect(root.tags).toMatchObject({ 'http.method': 'GET', 'http.status_code': '200', component: 'proxy' });
    for (const { duration, timestamp } of [root, call, last]) {
      expect(duration).toBeGreaterThan(0);
      expect(Math.abs((timestamp as number) - Date.now() * 1000)).toBeLessThan(60e6);
    }
    const events = root.annotations?.map(({ value }) => value) ?? [];
    expect(events).toContain('last_downstream_tx_byte_sent');
  });
});
