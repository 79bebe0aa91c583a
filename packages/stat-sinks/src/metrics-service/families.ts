/** Metrics as `io.prometheus.client.MetricFamily` messages, one per metric (two for a histogram), as Envoy sends them. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { FlushedHistogram, MetricsSnapshot, TaggedMetric } from '@mesh/core';
import type { MetricsServiceConfig } from './config.ts';

/** `MetricType`. */
const COUNTER = 0;
const GAUGE = 1;
const SUMMARY = 2;
const HISTOGRAM = 4;

/** Fields of `Metric`. */
const OF_GAUGE = 2;
const OF_COUNTER = 3;
const OF_SUMMARY = 4;
const TIMESTAMP = 6;
const OF_HISTOGRAM = 7;

export class Families {
  private readonly deltas: boolean;
  private readonly labels: boolean;
  private readonly summaries: boolean;
  private readonly histograms: boolean;

  constructor(config: MetricsServiceConfig) {
    this.deltas = config.reportCountersAsDeltas;
    this.labels = config.emitTagsAsLabels;
    this.summaries = config.histogramEmitMode !== 'HISTOGRAM';
    this.histograms = config.histogramEmitMode !== 'SUMMARY';
  }

  /** The families of a snapshot as bytes, in Envoy's order. */
  of(snapshot: MetricsSnapshot): Uint8Array[] {
    const { counters, gauges, histograms, quantiles, timeMs } = snapshot;
    const families: Uint8Array[] = [];
    const add = (type: number, metric: TaggedMetric, write: (writer: BinaryWriter) => void) =>
      void families.push(this.family(type, metric, timeMs, write));
    for (const counter of counters) {
      add(COUNTER, counter, (writer) => single(writer, OF_COUNTER, this.deltas ? counter.delta : counter.value));
    }
    for (const gauge of gauges) add(GAUGE, gauge, (writer) => single(writer, OF_GAUGE, gauge.value));
    for (const histogram of histograms) {
      if (this.summaries) add(SUMMARY, histogram, (writer) => writeSummary(writer, histogram, quantiles));
      if (this.histograms) add(HISTOGRAM, histogram, (writer) => writeHistogram(writer, histogram));
    }
    return families;
  }

  private family(
    type: number,
    metric: TaggedMetric,
    timeMs: number,
    write: (writer: BinaryWriter) => void,
  ): Uint8Array {
    const writer = new BinaryWriter();
    writer.tag(1, WireType.LengthDelimited).string(this.labels ? metric.tagExtractedName : metric.name);
    writer.tag(3, WireType.Varint).int32(type);
    writer.tag(4, WireType.LengthDelimited).fork();
    if (this.labels) {
      for (const { name, value } of metric.tags) {
        writer.tag(1, WireType.LengthDelimited).fork();
        writer.tag(1, WireType.LengthDelimited).string(name).tag(2, WireType.LengthDelimited).string(value);
        writer.join();
      }
    }
    write(writer);
    writer.tag(TIMESTAMP, WireType.Varint).int64(Math.round(timeMs));
    return writer.join().finish();
  }
}

/** A `Counter` or a `Gauge`. As proto2 has it, 0 is written too, here and below. */
function single(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  double(writer, 1, value);
  writer.join();
}

function writeSummary(writer: BinaryWriter, { interval }: FlushedHistogram, quantiles: readonly number[]): void {
  const values = interval.quantiles();
  writer.tag(OF_SUMMARY, WireType.LengthDelimited).fork();
  count(writer, 1, interval.count);
  double(writer, 2, interval.sum);
  for (const [index, quantile] of quantiles.entries()) {
    writer.tag(3, WireType.LengthDelimited).fork();
    double(writer, 1, quantile);
    double(writer, 2, values[index] ?? Number.NaN);
    writer.join();
  }
  writer.join();
}

function writeHistogram(writer: BinaryWriter, { buckets, interval }: FlushedHistogram): void {
  const counts = interval.cumulativeBuckets(buckets);
  writer.tag(OF_HISTOGRAM, WireType.LengthDelimited).fork();
  count(writer, 1, interval.count);
  double(writer, 2, interval.sum);
  for (const [index, bound] of buckets.entries()) {
    writer.tag(3, WireType.LengthDelimited).fork();
    count(writer, 1, counts[index] ?? 0);
    double(writer, 2, bound);
    writer.join();
  }
  writer.join();
}

function count(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).uint64(Math.max(0, Math.round(value)));
}

function double(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Bit64).double(value);
}
