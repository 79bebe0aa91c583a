import { router } from '@mesh/filters-http';
import { refusedPort, until, VirtualClock } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { atEnd, cleanUp, type LoggingOptions, loggingProxy } from '../fixture.ts';
import { grpcCollector, httpCollector, type OtlpCollector, recordsOf } from './fixture.ts';
import { openTelemetryAccessLog } from './index.ts';
import { compileRecord } from './record.ts';

afterEach(cleanUp);

const TYPE = 'type.googleapis.com/envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig';
const GRPC = 'grpc_service: { envoy_grpc: { cluster_name: als } }';
const HTTP = "http_service: { http_uri: { uri: 'http://otel.test/v1/logs', cluster: als, timeout: 1s } }";
const NOW = 'buffer_size_bytes: 0';

async function proxyTo(collector: OtlpCollector | number, config: string, options: LoggingOptions = {}) {
  if (typeof collector !== 'number') atEnd(() => collector.close());
  const port = typeof collector === 'number' ? collector : collector.port;
  const logs = `[{ name: x, typed_config: { "@type": ${TYPE}, ${config} } }]`;
  const proxy = await loggingProxy(logs, port, { extensions: [router, openTelemetryAccessLog], ...options });
  const counted = () =>
    ['logs_written', 'logs_dropped'].map((name) => proxy.stats(`access_logs.open_telemetry_access_log.${name}`));
  return { proxy, counted };
}

describe('open_telemetry', () => {
  it('exports records over gRPC', async () => {
    const collector = await grpcCollector();
    const body = "body: { string_value: '%REQ(:METHOD)% %REQ(X-NONE)%' }";
    const attributes =
      "attributes: { values: [{ key: a, value: { string_value: '%RESPONSE_CODE%' } }, { key: b, value: { kvlist_value: { values: [{ key: c, value: { array_value: { values: [{ string_value: '%REQ(X-A)%' }] } } }] } } }] }";
    const resource =
      'resource_attributes: { values: [{ key: zone_name, value: { string_value: o } }, { key: i, value: { int_value: 3 } }] }';
    const tags = 'custom_tags: [{ tag: t, literal: { value: v } }]';
    const config = `${GRPC}, ${NOW}, log_name: l, ${body}, ${attributes}, ${resource}, ${tags}`;
    const { proxy, counted } = await proxyTo(collector, config);
    await fetch(proxy.url, { headers: { 'x-a': Buffer.from('é').toString('latin1') } });
    await until(() => counted()[0] === 1, 'the export');
    const [logs] = collector.requests[0].resource_logs;
    expect(logs.resource.attributes).toMatchObject([
      { key: 'log_name', value: { string_value: 'l' } },
      { key: 'zone_name', value: { string_value: 'o' } },
      { key: 'cluster_name', value: { string_value: 'c1' } },
      { key: 'node_name', value: { string_value: 'n1' } },
      { key: 'i', value: { int_value: '3' } },
    ]);
    const [record] = recordsOf(collector);
    expect(Math.abs(Number(record.time_unix_nano) / 1e6 - Date.now())).toBeLessThan(60_000);
    expect(record).toMatchObject({
      body: { string_value: 'GET -' },
      attributes: [
        { key: 'a', value: { string_value: '201' } },
        {
          key: 'b',
          value: {
            kvlist_value: { values: [{ key: 'c', value: { array_value: { values: [{ string_value: 'é' }] } } }] },
          },
        },
        { key: 't', value: { string_value: 'v' } },
      ],
    });
  });

  it('exports records over HTTP', async () => {
    const collector = await httpCollector(200);
    const headers = HTTP.replace(' } }', " }, request_headers_to_add: [{ header: { key: x-key, value: '100%%' } }] }");
    const { proxy, counted } = await proxyTo(collector, `${headers}, ${NOW}, disable_builtin_labels: true`, {
      http2: false,
    });
    await fetch(proxy.url);
    await until(() => counted()[0] === 1, 'the export');
    const [head] = collector.heads;
    expect([head?.method, head?.url]).toEqual(['POST', '/v1/logs']);
    expect(head?.headers).toMatchObject({
      host: 'otel.test',
      'content-type': 'application/x-protobuf',
      'user-agent': expect.stringMatching(/^OTel-OTLP-Exporter-Mesh\/\d/),
      'x-key': '100%',
    });
    expect(collector.requests[0].resource_logs[0].resource).toEqual({});
    expect(recordsOf(collector)).toHaveLength(1);
  });

  it('collects records for a flush interval, counted below its own prefix', async () => {
    const clock = new VirtualClock();
    const collector = await grpcCollector();
    const config = `stat_prefix: p, common_config: { log_name: a, ${GRPC} }`;
    const { proxy } = await proxyTo(collector, config, { clock });
    await fetch(proxy.url);
    await fetch(proxy.url);
    await until(() => proxy.stats('http.in.downstream_rq_2xx') === 2, 'both requests');
    clock.advance(1010);
    await until(() => proxy.stats('access_logs.open_telemetry_access_log.p.logs_written') === 2, 'the export');
    expect(collector.requests).toHaveLength(1);
  });

  it.each<[string, () => Promise<OtlpCollector | number>, string]>([
    ['refuses a call', () => grpcCollector(7), GRPC],
    ['is dead', refusedPort, GRPC],
    ['refuses a request', () => httpCollector(503), HTTP],
    ['is dead for HTTP', refusedPort, HTTP],
  ])('counts what is lost when the collector %s', async (_what, collector, service) => {
    const { proxy, counted } = await proxyTo(await collector(), `${service}, ${NOW}`, { http2: service === GRPC });
    expect((await fetch(proxy.url)).status).toBe(201);
    await until(() => counted()[1] === 1, 'the loss');
    expect(counted()[0]).toBe(0);
  });

  it('holds no more than it may while the collector says nothing, and gives calls up', async () => {
    const clock = new VirtualClock();
    const collector = await grpcCollector('nothing');
    const { proxy, counted } = await proxyTo(collector, `${GRPC}, buffer_size_bytes: 1`, { clock });
    for (let i = 0; i < 20; i++) expect((await fetch(proxy.url)).status).toBe(201);
    // Eight calls are under way, one record waits.
    await until(() => counted()[1] === 11, 'eleven that are dropped');
    await until(() => collector.requests.length === 8, 'eight calls');
    clock.advance(10_010);
    await until(() => (counted()[1] ?? 0) >= 19, 'the calls to be given up');
    // What is under way at the end gets a second.
    let closed = false;
    const closing = proxy.close().then(() => {
      closed = true;
    });
    while (!closed) await clock.advanceAsync(500);
    await closing;
  });

  it.each([
    ['', 'OpenTelemetry access logger requires one of'],
    [`${GRPC}, ${HTTP}`, 'can only have one transport configured'],
    [`${GRPC}, body: { int_value: 3 }`, 'Only string values, nested key value lists and array values are supported'],
    [`${GRPC}, body: { string_value: '%FOO%' }`, 'FOO'],
    [`${GRPC}, body: { text: a }`, 'unknown field "text"'],
    [`${GRPC}, attributes: { values: [{ key: a }] }`, 'Only string values'],
    [`${GRPC}, attributes: { values: 3 }`, 'expected a list'],
    [`${GRPC}, resource_attributes: { values: [{ key: 3 }] }`, 'expected a string'],
    [`${GRPC}, resource_detectors: []`, 'use resource_attributes'],
  ])('refuses { %s }', async (config, problem) => {
    await expect(proxyTo(1, config === '' ? 'log_name: a' : config)).rejects.toThrow(problem);
  });

  it('writes the trace of the exchange and filter state', () => {
    const { config } = openTelemetryAccessLog({
      grpcService: { envoyGrpc: { clusterName: 'c' } },
      filterStateObjectsToLog: ['a', 'loop', 'none'],
    });
    const loop: { self?: unknown } = {};
    loop.self = loop;
    const filterState = new Map<string, unknown>([
      ['a', { b: 1 }],
      ['loop', loop],
    ]);
    const span = { traceId: '00000000000000ab', spanId: '00000000000000cd' };
    const bytes = compileRecord(config as never)({ info: { startWallMs: 1, filterState }, span } as never, 'NotSet');
    const text = Buffer.from(bytes).toString('latin1');
    expect(text).toContain('{"b":1}');
    expect(text).not.toContain('loop');
    expect(Buffer.from(bytes).toString('hex')).toContain(`4a10${'0'.repeat(30)}ab5208${'0'.repeat(14)}cd`);
  });
});
