import { createProxy, defineStatsSink, type StatsScope } from '@mesh/core';
import { message } from '@mesh/core/proto';
import { refusedPort, until, VirtualClock } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { MetricsCollector, type SeenFamily } from './fixture.ts';
import { metricsService } from './index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function collector(): Promise<MetricsCollector> {
  const made = await MetricsCollector.start();
  cleanups.push(() => made.close());
  return made;
}

/** Gives the test the proxy's scope, to count with. */
function scopeOf(found: (scope: StatsScope) => void) {
  return defineStatsSink({
    name: 'test.scope',
    config: message({}, { name: 'test.Scope' }),
    create(_, { stats }) {
      found(stats);
      return { flush: () => {} };
    },
  });
}

/** A proxy whose metrics go to `port` every five seconds of virtual time; `config` is YAML of the sink. */
async function flushing(port: number, config = '') {
  const clock = new VirtualClock();
  let stats: StatsScope | undefined;
  const scope = scopeOf((found) => {
    stats = found;
  });
  const yaml = `
node: { id: n, cluster: c }
stats_sinks:
- name: envoy.stat_sinks.metrics_service
  typed_config:
    "@type": type.googleapis.com/envoy.config.metrics.v3.MetricsServiceConfig
    grpc_service: { envoy_grpc: { cluster_name: metrics } }
    ${config}
static_resources:
  clusters:
  - name: metrics
    type: STATIC
    connect_timeout: 1s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: {} }
    load_assignment: { cluster_name: metrics, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }] }] }
`;
  const logger = { log: () => {} };
  const statsSinks = [scope()];
  const proxy = await createProxy({ configOverride: yaml, extensions: [metricsService], statsSinks, clock, logger });
  await proxy.start();
  const close = async () => {
    let closed = false;
    const closing = proxy.close().then(() => {
      closed = true;
    });
    while (!closed) await clock.advanceAsync(100);
    await closing;
  };
  cleanups.push(close);
  const dropped = () =>
    [...proxy.stats.counters()].find(({ name }) => name === 'metrics_service_stat_sink.flushes_dropped')?.value;
  return { clock, close, dropped, stats: stats as unknown as StatsScope };
}

const named = (families: readonly SeenFamily[], name: string) => families.filter((family) => family.name === name);

describe('metrics_service', () => {
  it('streams the used metrics of every flush', async () => {
    const service = await collector();
    const { clock, stats } = await flushing(service.port);
    stats.counter('t.count').add(3);
    stats.counter('t.unused');
    stats.gauge('t.level').set(7);
    const histogram = stats.histogram('t.time');
    for (let i = 1; i <= 100; i++) histogram.record(i);
    await clock.advanceAsync(5010);
    await until(() => service.messages.length === 1, 'the first flush');
    const [first] = service.messages;
    expect(first?.identifier?.node).toMatchObject({ id: 'n', cluster: 'c', user_agent_name: 'mesh' });
    const families = first?.envoy_metrics ?? [];
    expect(named(families, 't.count')).toMatchObject([{ type: 'COUNTER', metric: [{ counter: { value: 3 } }] }]);
    expect(named(families, 't.level')).toMatchObject([{ type: 'GAUGE', metric: [{ gauge: { value: 7 } }] }]);
    expect(named(families, 't.unused')).toEqual([]);
    const [summary, buckets] = named(families, 't.time');
    expect([summary?.type, buckets?.type]).toEqual(['SUMMARY', 'HISTOGRAM']);
    expect(summary?.metric[0]?.summary).toMatchObject({ sample_count: 100 });
    const median = summary?.metric[0]?.summary?.quantile.find(({ quantile }) => quantile === 0.5)?.value;
    expect(Math.abs((median ?? 0) - 50)).toBeLessThan(2);
    expect(buckets?.metric[0]?.histogram?.bucket.at(-1)?.cumulative_count).toBe(100);
    expect(Math.abs((summary?.metric[0]?.timestamp_ms ?? 0) - clock.wallMs())).toBeLessThan(6000);

    await clock.advanceAsync(5000);
    await until(() => service.messages.length === 2, 'the second flush');
    const [, second] = service.messages;
    expect([second?.identifier, service.streams.length]).toEqual([undefined, 1]);
    expect(named(second?.envoy_metrics ?? [], 't.count')[0]?.metric[0]?.counter?.value).toBe(3);
    // Of an interval without samples.
    expect(named(second?.envoy_metrics ?? [], 't.time')[0]?.metric[0]?.summary?.sample_count).toBe(0);
  });

  it('sends what its configuration says', async () => {
    const service = await collector();
    const more =
      'report_counters_as_deltas: true, emit_tags_as_labels: true, histogram_emit_mode: SUMMARY, batch_size: 4';
    const { clock, stats } = await flushing(service.port, more.replaceAll(', ', '\n    '));
    stats.counter('cluster.metrics.upstream_rq_200').add(3);
    stats.histogram('t.time').record(1);
    await clock.advanceAsync(5010);
    stats.counter('cluster.metrics.upstream_rq_200').add(2);
    await clock.advanceAsync(5000);
    const found = () =>
      named(
        service.messages.flatMap((each) => each.envoy_metrics),
        'cluster.upstream_rq',
      );
    await until(() => found().length >= 2, 'two flushes');
    expect(found().map(({ metric }) => metric[0]?.counter?.value)).toEqual([3, 2]);
    expect(found()[0]?.metric[0]?.label).toEqual(
      expect.arrayContaining([{ name: 'envoy.cluster_name', value: 'metrics' }]),
    );
    expect(Math.max(...service.messages.map(({ envoy_metrics }) => envoy_metrics.length))).toBe(4);
    expect(service.messages.filter(({ identifier }) => identifier !== undefined)).toHaveLength(1);
    expect(service.messages.some(({ envoy_metrics }) => envoy_metrics.some(({ type }) => type === 'HISTOGRAM'))).toBe(
      false,
    );
  });

  it('sends a last flush and ends the stream with the proxy', async () => {
    const service = await collector();
    const { close } = await flushing(service.port);
    await close();
    expect([service.messages.length, service.ended]).toEqual([1, 1]);
  });

  it('counts flushes that are lost with a dead service', async () => {
    const { clock, dropped } = await flushing(await refusedPort());
    await clock.advanceAsync(5010);
    await until(() => dropped() === 1, 'the loss');
    await clock.advanceAsync(5000);
    await until(() => dropped() === 2, 'the next one');
  });

  it('leaves flushes out while the service does not read', async () => {
    const service = await collector();
    service.deaf = true;
    const { clock, dropped, stats } = await flushing(service.port);
    for (let i = 0; i < 3000; i++) stats.counter(`many.${'x'.repeat(60)}.${i}`).inc();
    for (let i = 0; i < 12 && dropped() === 0; i++) await clock.advanceAsync(5000);
    expect(dropped()).toBeGreaterThan(0);
  });

  it('refuses an unknown cluster', async () => {
    await expect(flushing(1, 'transport_api_version: V2')).rejects.toThrow('The v2 xDS major version has been removed');
    const config = { grpcService: { envoyGrpc: { clusterName: 'nope' } } };
    const made = createProxy({ statsSinks: [metricsService(config)], logger: { log: () => {} } });
    await expect(made).rejects.toThrow("nope'");
  });
});
