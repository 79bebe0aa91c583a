import { createProxy, type ObserverContext, type StatsSink } from '@mesh/core';
import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Counts, counter, gauge, histogram, snapshot } from '../shared/fixture.ts';
import { openTelemetryMetrics } from './index.ts';

class Reader extends MetricReader {
  protected onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected onShutdown(): Promise<void> {
    return Promise.resolve();
  }

  /** What is shown now, as `name{attributes} value`, histograms as `count/sum`. */
  async shown(): Promise<string[]> {
    const { resourceMetrics, errors } = await this.collect();
    expect(errors).toEqual([]);
    return resourceMetrics.scopeMetrics
      .flatMap(({ metrics: list }) => list)
      .flatMap(({ dataPoints, descriptor }) =>
        (dataPoints as DataPoint<number | Histogram>[]).map(({ attributes, value }) => {
          const shown = typeof value === 'number' ? value : `${value.count}/${value.sum}`;
          return `${descriptor.name}${JSON.stringify(attributes)} ${shown}`;
        }),
      )
      .sort();
  }
}

let reader: Reader;
let counts: Counts;
let sink: StatsSink;

function register(temporality = AggregationTemporality.CUMULATIVE): Reader {
  const made = new Reader({ aggregationTemporalitySelector: () => temporality });
  metrics.disable();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [made] }));
  return made;
}

function make(config: Parameters<typeof openTelemetryMetrics>[0] = {}): StatsSink {
  const { definition, config: parsed } = openTelemetryMetrics(config);
  return definition.create(parsed, { stats: counts.stats } as ObserverContext);
}

beforeEach(() => {
  reader = register();
  counts = new Counts();
  sink = make();
});

afterEach(async () => {
  await sink.close?.();
  metrics.disable();
});

const ofCluster = (name: string) => ({ 'envoy.cluster_name': name });
const total = (name: string, delta: number) =>
  counter(`cluster.${name}.upstream_rq_total`, delta, 'cluster.upstream_rq_total', ofCluster(name));

describe('openTelemetryMetrics', () => {
  it('shows counters and gauges of the last flush, with tags as attributes', async () => {
    sink.flush(snapshot({ counters: [total('a', 1), total('b', 2)], gauges: [gauge('server.live', 1)] }));
    expect(await reader.shown()).toEqual([
      'envoy.cluster.upstream_rq_total{"envoy.cluster_name":"a"} 101',
      'envoy.cluster.upstream_rq_total{"envoy.cluster_name":"b"} 102',
      'envoy.server.live{} 1',
    ]);
  });

  // With cumulative temporality the SDK itself goes on showing what it was once told.
  it('follows metrics as they change, come and go', async () => {
    reader = register(AggregationTemporality.DELTA);
    const live = { ...gauge('server.live', 1) };
    const a = total('a', 1);
    sink.flush(snapshot({ counters: [a], gauges: [live] }));
    Object.assign(live, { value: 0 });
    const b = total('b', 2);
    sink.flush(snapshot({ counters: [a, b], gauges: [live] }));
    expect(await reader.shown()).toHaveLength(3);
    sink.flush(snapshot({ counters: [{ ...b, value: 110 }] }));
    expect(await reader.shown()).toEqual(['envoy.cluster.upstream_rq_total{"envoy.cluster_name":"b"} 8']);
  });

  it('records samples of histograms with their unit and buckets', async () => {
    const time = histogram('http.a.downstream_rq_time', {
      extracted: 'http.downstream_rq_time',
      tags: { 'envoy.http_conn_manager_prefix': 'a' },
      buckets: [1, 10],
    });
    for (const value of [0, 5, 50]) sink.onSample?.(time, value);
    expect(await reader.shown()).toEqual(['envoy.http.downstream_rq_time{"envoy.http_conn_manager_prefix":"a"} 3/55']);
    const { resourceMetrics } = await reader.collect();
    const [metric] = resourceMetrics.scopeMetrics.flatMap(({ metrics: list }) => list);
    expect(metric?.descriptor.unit).toBe('ms');
    const value = metric?.dataPoints[0]?.value as Histogram | undefined;
    expect(value?.buckets).toEqual({ boundaries: [1, 10], counts: [1, 1, 1] });
  });

  it('gives a name that two kinds have to both', async () => {
    sink.flush(snapshot({ counters: [counter('x', 1)], gauges: [gauge('x', 7)] }));
    sink.onSample?.(histogram('x'), 3);
    expect(await reader.shown()).toEqual(['envoy.x.gauge{} 7', 'envoy.x.histogram{} 1/3', 'envoy.x{} 101']);
  });

  it.each([
    ['', '1.a b:c', 'm1.a_b_c'],
    ['pre', 'listener.[__1]_80.x', 'pre.listener.___1__80.x'],
    ['', 'x'.repeat(400), 'x'.repeat(249)],
  ])('makes names that OpenTelemetry takes, with prefix "%s"', async (prefix, name, expected) => {
    sink = make({ prefix });
    sink.flush(snapshot({ gauges: [gauge(name, 1)] }));
    expect(await reader.shown()).toEqual([`${expected}{} 1`]);
  });

  it('finds a provider that is registered later, and leaves the old one', async () => {
    metrics.disable();
    sink.flush(snapshot({ counters: [total('a', 1)] }));
    sink.onSample?.(histogram('h'), 1);
    const later = register();
    sink.flush(snapshot({ counters: [total('a', 1)] }));
    sink.onSample?.(histogram('h'), 1);
    expect(await later.shown()).toEqual([
      'envoy.cluster.upstream_rq_total{"envoy.cluster_name":"a"} 101',
      'envoy.h{} 1/1',
    ]);
    expect(await reader.shown()).toEqual([]);
  });

  it('shows a bounded number of series and counts the others', async () => {
    reader = register(AggregationTemporality.DELTA);
    sink = make({ maxSeries: 2 });
    const all = ['a', 'b', 'c'].map((name) => total(name, 1));
    sink.flush(snapshot({ counters: all }));
    expect(await reader.shown()).toHaveLength(2);
    expect(counts.of('open_telemetry_api.dropped_series')).toBe(1);
    sink.flush(snapshot({ counters: all.slice(1) }));
    sink.flush(snapshot({ counters: all.slice(1) }));
    expect(await reader.shown()).toHaveLength(2);
    for (const name of ['h', 'i', 'j']) sink.onSample?.(histogram(name), 1);
    expect((await reader.shown()).filter((line) => line.endsWith(' 1/1'))).toHaveLength(2);
  });

  it('shows nothing after its end', async () => {
    sink.flush(snapshot({ counters: [total('a', 1)] }));
    await sink.close?.();
    expect(await reader.shown()).toEqual([]);
  });

  it.each(['code', 'YAML'])('serves a live proxy, from %s', async (door) => {
    const stats_sinks = [{ name: 'mesh.stat_sinks.open_telemetry_api', typed_config: { meter_name: 'edge' } }];
    const proxy = await createProxy({
      config: { stats_flush_interval: '0.01s', ...(door === 'YAML' ? { stats_sinks } : {}) },
      extensions: [openTelemetryMetrics],
      statsSinks: door === 'code' ? [openTelemetryMetrics({ meterName: 'edge' })] : [],
    });
    await proxy.start();
    const wanted = 'envoy.cluster_manager.active_clusters{} 0';
    const end = performance.now() + 5000;
    while (!(await reader.shown()).includes(wanted) && performance.now() < end) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await reader.shown()).toContain(wanted);
    await proxy.close();
  });
});
