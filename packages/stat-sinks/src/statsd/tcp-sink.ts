/** Statsd lines over TCP connections of a cluster. */
import type { MetricsSnapshot, ObserverContext, SampleUnit, StatsSink, TaggedMetric } from '@mesh/core';
import { type LineOptions, StatsdLines } from '../shared/lines.ts';
import { ClusterWriter } from './cluster-writer.ts';

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

  flush({ counters, gauges }: MetricsSnapshot): void {
    let text = '';
    for (const counter of counters) text += `${this.lines.counter(counter, counter.delta)}\n`;
    for (const gauge of gauges) text += `${this.lines.gauge(gauge, gauge.value)}\n`;
    this.writer.write(text, counters.length + gauges.length);
  }

  onSample(histogram: TaggedMetric & { readonly unit: SampleUnit }, value: number): void {
    this.writer.write(`${this.lines.sample(histogram, value)}\n`, 1);
  }

  close(): void {
    this.writer.close();
  }
}
