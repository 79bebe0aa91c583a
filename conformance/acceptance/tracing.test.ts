/**
 * Tracing as in the documents behind this project: `/trace/1` of the front proxy leads to service 1, which calls service 2
 * through port 9000 of its own sidecar. One trace, from the front proxy through both services. The files are those of 2018
 * and those of `examples/sidecars`, with other addresses and ports; spans are sent at once. With ZIPKIN_JAR a real Zipkin is
 * told the same.
 */
import { readFileSync } from 'node:fs';
import { createProxy, type MeshProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Application, startApplication } from '../../examples/sidecars/applications.ts';
import { Collector } from '../../examples/sidecars/collector/server.ts';
import type { Span } from '../../examples/sidecars/collector/spans.ts';
import { treeOf } from '../../examples/sidecars/collector/tree.ts';
import { wrongIn } from '../../examples/sidecars/trace.ts';
import { MeshProcess } from '../mesh-process/index.ts';
import { startZipkin, zipkinJar } from '../zipkin/zipkin-server.ts';

const jar = zipkinJar();

const here = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
const example = (name: string) => readFileSync(new URL(`../../examples/sidecars/${name}`, import.meta.url), 'utf8');

interface SetUp {
  readonly front: string;
  readonly service1: string;
  readonly service2: string;
  /** The path of the collector that the files name. */
  readonly endpoint: string;
}

const SET_UPS: readonly (readonly [string, SetUp])[] = [
  [
    'the 2018 files',
    {
      front: here('front-envoy-zipkin-v2.yaml'),
      service1: here('service1-envoy-zipkin-v2.yaml'),
      service2: here('service2-envoy-zipkin-v2.yaml'),
      endpoint: '/api/v1/spans',
    },
  ],
  [
    'the files of the demo',
    {
      front: example('front-envoy.yaml'),
      service1: example('service-envoy.yaml'),
      service2: example('service-envoy.yaml'),
      endpoint: '/api/v2/spans',
    },
  ],
];

/** Ports that others listen on; each file has its own way of naming them. */
interface Ports {
  readonly application: number;
  readonly service1: number;
  readonly service2: number;
  readonly zipkin: number;
}

/** The file on loopback, with listeners and admin server on any free port. */
function placed(text: string, { application, service1, service2, zipkin }: Partial<Ports>): string {
  const to = (host: string, port = 0) => [new RegExp(`address: ${host}\\n(\\s+)port_value: \\d+`, 'g'), port] as const;
  const named = [to('service1', service1), to('service2', service2), to('zipkin', zipkin)];
  const numbers: Readonly<Record<string, number | undefined>> = {
    9411: zipkin,
    8102: service2,
    8201: application,
    // In front-envoy.yaml it is the sidecar of service 1, in the sidecar's own file its listener.
    8101: service1 ?? 0,
  };
  const own = application === undefined ? /port_value: (?:80|8080|8443|8001)\b/g : /port_value: (?:80|8081|9000)\b/g;
  return named
    .reduce((so, [name, port]) => so.replace(name, `address: 127.0.0.1\n$1port_value: @${port}`), text)
    .replaceAll('address: 0.0.0.0', 'address: 127.0.0.1')
    .replace(own, 'port_value: 0')
    .replace(/port_value: (\d+)/g, (_all, port: string) => `port_value: ${numbers[port] ?? port}`)
    .replace(/port_value: 8080\b/g, `port_value: ${application}`)
    .replaceAll('port_value: @', 'port_value: ')
    .replaceAll('certs/', new URL('../../examples/sidecars/certs/', import.meta.url).pathname);
}

const AT_ONCE = {
  layered_runtime: { layers: [{ name: 'test', static_layer: { 'tracing.zipkin.min_flush_spans': 1 } }] },
};

/** A running proxy. */
interface Running {
  /** Of its listeners, in the order of the file. */
  readonly ports: readonly number[];
  page(path: string): Promise<string>;
  stop(): Promise<void>;
}

/** A process of its own for the files of 2018; those of the demo, whose processes the demo starts, run in this one. */
async function start(text: string, service: string): Promise<Running> {
  if (!text.includes('layered_runtime')) {
    const flags = ['--service-cluster', service, '--service-node', service];
    return MeshProcess.start(text, [...flags, '--config-yaml', JSON.stringify(AT_ONCE)]);
  }
  const node = { id: service, cluster: service };
  const proxy = await createProxy({ configOverride: text, extensions: standard, node, logger: { log: () => {} } });
  await proxy.start();
  const names = [...text.matchAll(/^ {4}- name: (https?|ingress|egress)$/gm)].map(([, name]) => name);
  const ports = names.map((name) => proxy.address(name).port);
  const page = async (path: string) => (await fetch(`http://127.0.0.1:${adminPort(proxy)}${path}`)).text();
  return { ports, page, stop: async () => void (await proxy.close()) };
}

function adminPort({ adminAddress }: MeshProxy): number {
  return adminAddress !== undefined && 'port' in adminAddress ? adminAddress.port : 0;
}

describe.each(SET_UPS)('tracing with %s', (_name, setUp) => {
  const collector = new Collector();
  const reports: { readonly path: string; readonly body: string }[] = [];
  const applications: Application[] = [];
  const proxies: Running[] = [];
  let front: Running;

  beforeAll(async () => {
    const zipkin = await collector.listen();
    collector.server.on('request', (request) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => reports.push({ path: request.url ?? '', body }));
    });
    const run = async (text: string, service: string) => {
      const mesh = await start(text, service);
      proxies.push(mesh);
      return mesh;
    };
    const second = await startApplication({ number: 2, egressPort: 0 });
    const service2 = await run(placed(setUp.service2, { application: second.port, service2: 0, zipkin }), 'service2');
    // The sidecar names its application, which names the sidecar: the latter learns of it by its own address.
    const first = await startApplication({ number: 1, egressPort: () => service1.ports[1] ?? 0 });
    const service1: Running = await run(
      placed(setUp.service1, { application: first.port, service2: service2.ports[0] ?? 0, zipkin }),
      'service1',
    );
    applications.push(first, second);
    const sidecars = { service1: service1.ports[0] ?? 0, service2: service2.ports[0] ?? 0 };
    front = await run(placed(setUp.front, { ...sidecars, zipkin }), 'front-proxy');
  }, 60_000);

  afterAll(async () => {
    await Promise.all(proxies.map((mesh) => mesh.stop()));
    for (const each of [...applications, collector]) each.close();
  });

  async function traced(headers: Record<string, string> = {}): Promise<readonly Span[]> {
    const answer = await fetch(`http://127.0.0.1:${front.ports[0]}/trace/1`, { headers });
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('(service 1)')]);
    const id = applications[0]?.traceIds.at(-1) ?? '';
    await expect.poll(() => collector.trace(id).length, { timeout: 5000 }).toBe(4);
    return collector.trace(id);
  }

  it('makes one trace of the front proxy, both sidecars and the call between them', async () => {
    const spans = await traced();
    expect(wrongIn(treeOf(spans), spans[0]?.traceId ?? '')).toEqual([]);
    expect(new Set(reports.map(({ path }) => path))).toEqual(new Set([setUp.endpoint]));
    const again = await traced();
    expect(again[0]?.traceId).not.toBe(spans[0]?.traceId);
  });

  it('tells what was asked, of whom, and what came of it', async () => {
    const spans = await traced({ 'user-agent': 'curl/8' });
    const byWho = new Map(spans.map((span) => [`${span.localEndpoint?.serviceName} ${span.kind}`, span]));
    const common = { component: 'proxy', 'http.method': 'GET', 'http.status_code': '200', response_flags: '-' };
    expect(byWho.get('front-proxy CLIENT')?.tags).toMatchObject({
      ...common,
      'http.url': `http://127.0.0.1:${front.ports[0]}/trace/1`,
      'http.protocol': 'HTTP/1.1',
      'upstream_cluster.name': 'service1',
      user_agent: 'curl/8',
      node_id: 'front-proxy',
    });
    expect(byWho.get('service1 SERVER')?.tags).toMatchObject({ ...common, 'http.protocol': 'HTTP/2' });
    expect(byWho.get('service1 CLIENT')?.tags).toMatchObject({ ...common, 'upstream_cluster.name': 'service2' });
    expect(byWho.get('service2 SERVER')?.tags).toMatchObject({ ...common, 'upstream_cluster.name': 'local_service' });
  });

  it('goes on with a trace that the client has begun', async () => {
    const given = { 'x-b3-traceid': '463ac35c9f6413ad', 'x-b3-spanid': 'a2fb4a1d1a96d312', 'x-b3-sampled': '1' };
    const spans = await traced(given);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([given['x-b3-traceid']]));
    const front = spans.find(({ localEndpoint }) => localEndpoint?.serviceName === 'front-proxy');
    expect(front?.parentId).toBe(given['x-b3-spanid']);
  });

  it('reports nothing where the client has decided against it', async () => {
    const { reports } = collector;
    const given = { 'x-b3-traceid': '463ac35c9f6413ae', 'x-b3-spanid': 'a2fb4a1d1a96d312', 'x-b3-sampled': '0' };
    await (await fetch(`http://127.0.0.1:${front.ports[0]}/trace/1`, { headers: given })).text();
    expect(applications[0]?.traceIds.at(-1)).toBe(given['x-b3-traceid']);
    await traced();
    expect(collector.trace(given['x-b3-traceid'])).toEqual([]);
    expect(collector.reports).toBeGreaterThan(reports);
  });

  it.skipIf(jar === undefined)(
    'is understood by a real Zipkin',
    async () => {
      const zipkin = await startZipkin(jar as string);
      try {
        reports.length = 0;
        const id = (await traced())[0]?.traceId ?? '';
        for (const { path, body } of reports) {
          const headers = { 'content-type': 'application/json' };
          expect(
            (await fetch(`http://127.0.0.1:${zipkin.port}${path}`, { method: 'POST', body, headers })).status,
          ).toBe(202);
        }
        const stored = (await zipkin.trace(id, 4)) as unknown as readonly Span[];
        expect(wrongIn(treeOf(stored), id)).toEqual([]);
      } finally {
        await zipkin.close();
      }
    },
    90_000,
  );

  it('counts what it reports', async () => {
    await expect.poll(() => front.page('/stats?filter=tracing.zipkin')).toMatch(/tracing\.zipkin\.reports_sent: [1-9]/);
    const stats = await front.page('/stats?filter=tracing.zipkin');
    expect(stats).toMatch(/tracing\.zipkin\.spans_sent: [1-9]/);
    expect(stats).toMatch(/tracing\.zipkin\.reports_dropped: 0/);
  });
});
