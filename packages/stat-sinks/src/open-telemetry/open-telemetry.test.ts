import { createServer } from 'node:http';
import { cluster, createProxy, type MeshProxy, type MetricsSnapshot, type ObserverContext } from '@mesh/core';
import { until } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { openTelemetrySink } from '../index.ts';
import { Counts, counter, gauge, histogram, snapshot } from '../shared/fixture.ts';
import { Collector, decode, type ExportRequest, metricsOf, namesOf } from './fixture.ts';
import { resourceAttributes } from './resource.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Config = Parameters<typeof openTelemetrySink>[0];

/** A sink whose calls are kept, and answered by hand. */
function sinkWith(config: Partial<Config> = {}) {
  const requests: ExportRequest[] = [];
  const ends: ((status: number) => void)[] = [];
  const counts = new Counts();
  let cancelled = 0;
  let timers: (() => void)[] = [];
  const after = (_ms: number, call: () => void) => {
    timers.push(call);
    return { cancel: () => void (timers = []) };
  };
  const context = {
    stats: counts.stats,
    wallMs: () => 500,
    log: () => {},
    timers: { after },
    sideCalls: {
      openGrpcStream: (_cluster: string, _options: object, user: { onEnd(status: number, text: string): void }) => {
        ends.push((status) => user.onEnd(status, ''));
        const send = (message: Uint8Array): boolean => requests.push(decode(message)) > 0;
        return { bufferedBytes: 0, send, end: () => {}, cancel: () => void cancelled++ };
      },
    },
  } as unknown as ObserverContext;
  const grpcService = { envoyGrpc: { clusterName: 'collector' } };
  const made = openTelemetrySink({ grpcService, ...config } as Config);
  const sink = made.definition.create(made.config, context);
  return { sink, requests, ends, counts, cancelled: () => cancelled, due: () => timers.forEach((call) => void call()) };
}

const tags = { 'envoy.cluster_name': 'a' };
const total = (delta: number, name = 'a') =>
  counter(`cluster.${name}.rq`, delta, 'cluster.rq', { 'envoy.cluster_name': name });
const attributes = [{ key: 'envoy.cluster_name', value: { string_value: 'a' } }];

function exported(config: Partial<Config>, parts: Partial<MetricsSnapshot>): readonly object[] {
  const { sink, requests } = sinkWith(config);
  sink.flush(snapshot(parts));
  return requests.flatMap(metricsOf);
}

describe('openTelemetrySink', () => {
  it('writes gauges, counters and histograms', () => {
    const time = histogram('cluster.a.time', { extracted: 'cluster.time', tags, cumulative: [0, 3, 7, 99] });
    const parts = { counters: [total(2)], gauges: [gauge('g', 0.5), gauge('cluster.a.cx', -3, 'cluster.cx', tags)] };
    const [fraction, active, sum, buckets] = exported({}, { ...parts, histograms: [time] });
    const at = { time_unix_nano: '1000000000' };
    const since = { ...at, start_time_unix_nano: '500000000' };
    expect(fraction).toMatchObject({ name: 'g', gauge: { data_points: [{ ...at, as_double: 0.5 }] } });
    expect(active).toMatchObject({
      name: 'cluster.cx',
      gauge: { data_points: [{ ...at, as_int: '-3', attributes }] },
    });
    expect(sum).toMatchObject({
      name: 'cluster.rq',
      sum: {
        aggregation_temporality: 'AGGREGATION_TEMPORALITY_CUMULATIVE',
        is_monotonic: true,
        data_points: [{ ...since, as_int: '102', attributes }],
      },
    });
    expect(buckets).toMatchObject({
      name: 'cluster.time',
      histogram: {
        aggregation_temporality: 'AGGREGATION_TEMPORALITY_CUMULATIVE',
        data_points: [
          {
            ...since,
            count: '4',
            sum: 109,
            explicit_bounds: [1, 5, 10],
            bucket_counts: ['1', '1', '1', '1'],
            attributes,
          },
        ],
      },
    });
  });

  it.each([0, -1, 4_294_967_296, -4_294_967_297, Number.MAX_SAFE_INTEGER, 1e-3, -2.5])(
    'writes the number %d',
    (value) => {
      const long = 'x'.repeat(20_000);
      const [metric] = exported({}, { gauges: [gauge('g', value, 'g', { long })] });
      const number = Number.isInteger(value) ? { as_int: String(value) } : { as_double: value };
      const point = { ...number, attributes: [{ key: 'long', value: { string_value: long } }] };
      expect(metric).toMatchObject({ gauge: { data_points: [point] } });
    },
  );

  it('puts the data points of a name together', () => {
    const metrics = exported({}, { counters: [total(1), gaugeless('x'), total(2, 'b')] });
    expect(metrics.map((metric) => (metric as { name: string }).name)).toEqual(['cluster.rq', 'x']);
    expect((metrics[0] as { sum: { data_points: object[] } }).sum.data_points).toHaveLength(2);
  });

  const gaugeless = (name: string) => counter(name, 1);

  it('tells deltas since the last flush and leaves out what has not changed', () => {
    const { sink, requests } = sinkWith({ reportCountersAsDeltas: true, reportHistogramsAsDeltas: true });
    const idle = histogram('idle', { cumulative: [1] });
    const busy = histogram('busy', { interval: [2, 2], cumulative: [1, 2, 2] });
    const parts = { counters: [total(2), total(0, 'b')], histograms: [idle, busy] };
    sink.flush(snapshot(parts));
    sink.flush(snapshot({ ...parts, timeMs: 6000 }));
    expect(requests.map(namesOf)).toEqual([
      ['cluster.rq', 'busy'],
      ['cluster.rq', 'busy'],
    ]);
    const temporality = { aggregation_temporality: 'AGGREGATION_TEMPORALITY_DELTA' };
    const [sum, busyNow] = metricsOf(requests[1] as ExportRequest);
    const since = { start_time_unix_nano: '1000000000', time_unix_nano: '6000000000' };
    expect(sum).toMatchObject({ sum: { ...temporality, data_points: [{ ...since, as_int: '2' }] } });
    expect(busyNow).toMatchObject({ histogram: { ...temporality, data_points: [{ ...since, count: '2' }] } });
  });

  it.each([
    [{ prefix: 'pre' }, 'pre.cluster.rq', attributes],
    [{ useTagExtractedName: false }, 'cluster.a.rq', attributes],
    [{ emitTagsAsAttributes: false }, 'cluster.rq', undefined],
  ])('names by %j', (config, name, shown) => {
    const [metric] = exported(config, { counters: [total(1)] }) as {
      name: string;
      sum: { data_points: { attributes?: object[] }[] };
    }[];
    expect(metric?.name).toBe(name);
    expect(metric?.sum.data_points[0]?.attributes).toEqual(shown);
  });

  it('divides data points among requests', () => {
    const { sink, requests } = sinkWith({ maxDataPointsPerRequest: 2 });
    sink.flush(snapshot({ counters: [total(1), total(1, 'b'), total(1, 'c')], gauges: [gauge('g', 1)] }));
    expect(requests.map(namesOf)).toEqual([['g', 'cluster.rq'], ['cluster.rq']]);
    expect(requests[1]?.resource_metrics[0]?.resource.attributes[0]?.key).toBe('telemetry.sdk.name');
  });

  it('sends nothing when there is nothing', () => {
    const { sink, requests } = sinkWith();
    sink.flush(snapshot());
    expect(requests).toEqual([]);
  });

  it('has a bounded number of requests on their way and counts the others', () => {
    const { sink, counts, ends, requests } = sinkWith();
    for (let flush = 0; flush < 20; flush++) sink.flush(snapshot({ counters: [total(1)] }));
    expect(requests).toHaveLength(16);
    expect(counts.of('open_telemetry_stat_sink.exports_dropped')).toBe(4);
    ends[0]?.(0);
    ends[1]?.(14);
    expect(counts.of('open_telemetry_stat_sink.exports_failed')).toBe(1);
    sink.flush(snapshot({ counters: [total(1)] }));
    expect(requests).toHaveLength(17);
  });

  it('waits at its end for answers, but not for long', async () => {
    const { sink, cancelled, due, ends } = sinkWith();
    for (let flush = 0; flush < 3; flush++) sink.flush(snapshot({ counters: [total(1)] }));
    ends[0]?.(0);
    const closed = sink.close?.();
    due();
    await closed;
    expect(cancelled()).toBe(2);
  });
});

describe('resourceAttributes', () => {
  const detector = (name: string, config: object = {}) => ({
    name: `envoy.tracers.opentelemetry.resource_detectors.${name}`,
    config,
  });

  it('tells of the proxy, the environment and what is written, the last one first', () => {
    const both = [detector('environment'), detector('static_config', { attributes: { k: 'v', a: 'x' } })];
    const found = resourceAttributes(both, { OTEL_RESOURCE_ATTRIBUTES: 'a=b,c=d%20e,telemetry.sdk.name=other' });
    expect(Object.fromEntries(found)).toMatchObject({ a: 'x', c: 'd%20e', k: 'v', 'telemetry.sdk.name': 'other' });
    expect(Object.fromEntries(resourceAttributes([], {}))).toMatchObject({ 'telemetry.sdk.language': 'nodejs' });
    expect(resourceAttributes([detector('environment')], {}).size).toBe(3);
  });

  it.each(['a', 'a=b=c', 'a=b,'])('refuses the environment %s', (text) => {
    expect(() => resourceAttributes([detector('environment')], { OTEL_RESOURCE_ATTRIBUTES: text })).toThrow(
      'has an invalid format',
    );
  });
});

describe('a live proxy', () => {
  const TYPE = 'type.googleapis.com/envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig';

  function config(port: number, sink: object) {
    const socket_address = { address: '127.0.0.1', port_value: port };
    const endpoints = [{ lb_endpoints: [{ endpoint: { address: { socket_address } } }] }];
    const typed_extension_protocol_options = {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    };
    const load_assignment = { cluster_name: 'collector', endpoints };
    const over = 'grpc_service' in sink ? { typed_extension_protocol_options } : {};
    return {
      stats_flush_interval: '0.02s',
      stats_sinks: [{ name: 'envoy.stat_sinks.open_telemetry', typed_config: { '@type': TYPE, ...sink } }],
      static_resources: { clusters: [{ name: 'collector', load_assignment, ...over }] },
    };
  }

  async function start(port: number, sink: object): Promise<MeshProxy> {
    const proxy = await createProxy({ config: config(port, sink), extensions: [openTelemetrySink] });
    closing.push(() => proxy.close());
    await proxy.start();
    return proxy;
  }

  const grpc_service = { envoy_grpc: { cluster_name: 'collector' }, initial_metadata: [{ key: 'x-k', value: 'v' }] };

  it('exports by gRPC', async () => {
    const collector = await Collector.start();
    closing.push(() => collector.close());
    await start(collector.port, { grpc_service });
    await until(() => collector.requests.length > 2, 'exports');
    const names = new Set(collector.requests.flatMap(namesOf));
    expect([...names]).toEqual(expect.arrayContaining(['cluster.membership_total', 'cluster.upstream_cx_total']));
    expect(collector.metadata[0]).toMatchObject({ 'x-k': 'v' });
  });

  it('exports by HTTP', async () => {
    const seen: { path: string; type: string | undefined; request: ExportRequest }[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => void chunks.push(chunk));
      request.on('end', () => {
        const type = request.headers['content-type'];
        seen.push({ path: request.url ?? '', type, request: decode(Buffer.concat(chunks)) });
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    const { port } = server.address() as { port: number };
    const uri = { uri: 'http://collector/v1/metrics', cluster: 'collector', timeout: '1s' };
    await start(port, { http_service: { http_uri: uri } });
    await until(() => seen.length > 1, 'exports');
    expect(seen[0]).toMatchObject({ path: '/v1/metrics', type: 'application/x-protobuf' });
    expect(seen.flatMap(({ request }) => namesOf(request))).toContain('cluster.membership_total');
  });

  it('goes on beside a collector that never answers, and ends in time', async () => {
    const collector = await Collector.start(false);
    closing.push(() => collector.close());
    const proxy = await start(collector.port, { grpc_service });
    const dropped = () =>
      proxy.stats.counters().find(({ name }) => name === 'open_telemetry_stat_sink.exports_dropped')?.value ?? 0;
    await until(() => dropped() > 2, 'drops');
    const started = performance.now();
    await proxy.close();
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it.each([
    ['nothing', {}, 'needs one of grpc_service, http_service'],
    ['an unknown cluster', { grpc_service: { envoy_grpc: { cluster_name: 'x' } } }, "Unknown gRPC client cluster 'x'"],
    ['conversions', { grpc_service, custom_metric_conversions: {} }, 'known to Envoy, not supported here'],
    [
      'Dynatrace',
      { grpc_service, resource_detectors: [{ name: 'envoy.tracers.opentelemetry.resource_detectors.dynatrace' }] },
      'files of Dynatrace are not read',
    ],
  ])('is refused with %s', async (_, sink, words) => {
    await expect(createProxy({ config: config(1, sink), extensions: [openTelemetrySink] })).rejects.toThrow(words);
  });

  it('is made in code', async () => {
    const collector = await Collector.start();
    closing.push(() => collector.close());
    const proxy = await createProxy({
      clusters: [cluster('collector', { endpoints: [`127.0.0.1:${collector.port}`], http2ProtocolOptions: {} })],
      statsSinks: [openTelemetrySink({ grpcService: { envoyGrpc: { clusterName: 'collector' } }, prefix: 'edge' })],
    });
    closing.push(() => proxy.close());
    await proxy.start();
    await proxy.close();
    expect(collector.requests.flatMap(namesOf)).toContain('edge.cluster.membership_total');
  });
});
