/** Statsd lines over TCP connections of a cluster. */
import type { MetricsSnapshot, ObserverContext, SampleUnit, StatsSink, TaggedMetric } from '@mesh/core';
import { type LineOptions, StatsdLines } from '../shared/lines.ts';
import { ClusterWriter } from './cluster-writer.ts';

/** Lines that are written in one go, in a fraction of a millisecond. */
const LINES_PER_STEP = 128;

/** What it needs of the proxy. */
export type TcpSinkContext = Pick<ObserverContext, 'clusters' | 'node' | 'stats'>;

export class TcpStatsdSink implements StatsSink {
  private readonly lines: StatsdLines;
  private readonly writer: ClusterWriter;

  /** @throws Error in Envoy's words in a proxy that does not say who it is. */
  constructor(cluster: string, lines: LineOptions, { clusters, node, stats }: TcpSinkContext) {
    if (node.id === '' || node.cluster === '') {
      throw new Error(
        "tcp statsd: node 'id' and 'cluster' are required. Set it either in 'node' config or via --service-node and --service-cluster options.",
      );
    }
    this.lines = new StatsdLines(lines);
    this.writer = new ClusterWriter(cluster, clusters, {
      overflow: stats.counter('statsd.cx_overflow'),
      dropped: stats.counter('statsd.lines_dropped'),
    });
  }

  flush(snapshot: MetricsSnapshot): void {
    Array.from(this.flushInSteps(snapshot));
  }

  *flushInSteps({ counters, gauges }: MetricsSnapshot): Generator<void, void, undefined> {
    yield* this.write(counters, (counter) => this.lines.counter(counter, counter.delta));
    yield* this.write(gauges, (gauge) => this.lines.gauge(gauge, gauge.value));
  }

  private *write<M>(metrics: readonly M[], line: (metric: M) => string): Generator<void, void, undefined> {
    for (let from = 0; from < metrics.length; from += LINES_PER_STEP) {
      const some = metrics.slice(from, from + LINES_PER_STEP);
      this.writer.write(some.map((metric) => `${line(metric)}\n`).join(''), some.length);
      yield;
    }
  }

  onSample(histogram: TaggedMetric & { readonly unit: SampleUnit }, value: number): void {
    this.writer.write(`${this.lines.sample(histogram, value)}\n`, 1);
  }

  close(): void {
    this.writer.close();
  }
}
