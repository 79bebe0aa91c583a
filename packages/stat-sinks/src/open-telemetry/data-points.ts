/** The metrics of a flush as OTLP data points, by metric. Field numbers are those of opentelemetry-proto 1.x. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { FlushedHistogram, MetricsSnapshot, SampleCounts, TaggedMetric } from '@mesh/core';

/** `Metric.data`. */
export type MetricKind = 'gauge' | 'sum' | 'histogram';

/** One metric with its data points, each encoded as a `data_points` field. */
export interface MetricPoints {
  readonly name: string;
  readonly kind: MetricKind;
  readonly points: Uint8Array[];
}

/** How metrics are told. */
export interface PointOptions {
  readonly countersAsDeltas: boolean;
  readonly histogramsAsDeltas: boolean;
  readonly tagsAsAttributes: boolean;
  readonly tagExtractedName: boolean;
  /** '' is none. */
  readonly prefix: string;
}

/** From when the values of a flush are, in Unix milliseconds. */
export interface PointTimes {
  readonly sinceStartMs: number;
  readonly sinceFlushMs: number;
}

/** Tag of a `KeyValue` field number. */
const ATTRIBUTES = { number: 7, histogram: 9 } as const;

const NS_PER_MS = 1_000_000n;
const TWO_32 = 2 ** 32;

/** Field 1 of `Gauge`, `Sum` and `Histogram`, with its wire type; and those of a value. */
const DATA_POINTS = 0x0a;
const AS_INT = 0x31;
const AS_DOUBLE = 0x21;

/** Start (where there is one) and time of data points, in nanoseconds. */
function timeFields(timeMs: number, startMs: number | undefined): Uint8Array {
  const writer = new BinaryWriter();
  if (startMs !== undefined) writer.tag(2, WireType.Bit64).fixed64(BigInt(Math.trunc(startMs)) * NS_PER_MS);
  return writer
    .tag(3, WireType.Bit64)
    .fixed64(BigInt(Math.trunc(timeMs)) * NS_PER_MS)
    .finish();
}

function lengthBytes(length: number): number {
  let bytes = 1;
  for (let rest = length >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}

/** Writes a varint and answers where it ends. */
function writeLength(bytes: Buffer, start: number, length: number): number {
  let at = start;
  let rest = length;
  for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}

/** Writes data points; the attributes of a metric are encoded once. */
export class DataPoints {
  private readonly options: PointOptions;
  private readonly attributes = new WeakMap<TaggedMetric, Uint8Array>();

  constructor(options: PointOptions) {
    this.options = options;
  }

  /** Gauges, counters, histograms, in this order. As in Envoy deltas of nothing are left out. */
  of({ counters, gauges, histograms, timeMs }: MetricsSnapshot, times: PointTimes): MetricPoints[] {
    const { countersAsDeltas, histogramsAsDeltas } = this.options;
    const families = new Families();
    const sinceStart = timeFields(timeMs, times.sinceStartMs);
    const sinceFlush = timeFields(timeMs, times.sinceFlushMs);
    const now = timeFields(timeMs, undefined);
    for (const gauge of gauges) families.add('gauge', this.nameOf(gauge), this.number(gauge, gauge.value, now));
    for (const counter of counters) {
      if (countersAsDeltas && counter.delta === 0) continue;
      const point = countersAsDeltas
        ? this.number(counter, counter.delta, sinceFlush)
        : this.number(counter, counter.value, sinceStart);
      families.add('sum', this.nameOf(counter), point);
    }
    for (const histogram of histograms) {
      const counts = histogramsAsDeltas ? histogram.interval : histogram.cumulative;
      if (histogramsAsDeltas && counts.count === 0) continue;
      const point = this.histogram(histogram, counts, histogramsAsDeltas ? sinceFlush : sinceStart);
      families.add('histogram', this.nameOf(histogram), point);
    }
    return families.all;
  }

  private nameOf({ name, tagExtractedName }: TaggedMetric): string {
    const { prefix, tagExtractedName: extracted } = this.options;
    const own = extracted ? tagExtractedName : name;
    return prefix === '' ? own : `${prefix}.${own}`;
  }

  /** `NumberDataPoint`. There are thousands in a flush, so they are written by hand, which is several times as fast as the writer. */
  private number(metric: TaggedMetric, value: number, times: Uint8Array): Uint8Array {
    const attributes = this.attributesOf(metric, ATTRIBUTES.number);
    const length = times.length + 9 + attributes.length;
    const bytes = Buffer.allocUnsafe(1 + lengthBytes(length) + length);
    bytes[0] = DATA_POINTS;
    let at = writeLength(bytes, 1, length);
    bytes.set(times, at);
    at += times.length;
    if (Number.isInteger(value)) {
      const high = Math.floor(value / TWO_32);
      bytes[at] = AS_INT;
      bytes.writeUInt32LE(value - high * TWO_32, at + 1);
      bytes.writeInt32LE(high, at + 5);
    } else {
      bytes[at] = AS_DOUBLE;
      bytes.writeDoubleLE(value, at + 1);
    }
    bytes.set(attributes, at + 9);
    return bytes;
  }

  /** `HistogramDataPoint`. */
  private histogram(metric: FlushedHistogram, counts: SampleCounts, times: Uint8Array): Uint8Array {
    const { buckets } = metric;
    const { count, sum } = counts;
    const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).fork().raw(times);
    writer.tag(4, WireType.Bit64).fixed64(BigInt(count));
    writer.tag(5, WireType.Bit64).double(sum);
    writer.tag(6, WireType.LengthDelimited).fork();
    let below = 0;
    for (const cumulative of [...counts.cumulativeBuckets(buckets), count]) {
      writer.fixed64(BigInt(cumulative - below));
      below = cumulative;
    }
    writer.join().tag(7, WireType.LengthDelimited).fork();
    for (const bound of buckets) writer.double(bound);
    return writer.join().raw(this.attributesOf(metric, ATTRIBUTES.histogram)).join().finish();
  }

  private attributesOf(metric: TaggedMetric, field: number): Uint8Array {
    let encoded = this.attributes.get(metric);
    if (encoded === undefined) {
      const writer = new BinaryWriter();
      if (this.options.tagsAsAttributes) {
        for (const { name, value } of metric.tags) writeAttribute(writer, field, name, value);
      }
      encoded = writer.finish();
      this.attributes.set(metric, encoded);
    }
    return encoded;
  }
}

/** A `KeyValue` with a text. */
export function writeAttribute(writer: BinaryWriter, field: number, key: string, value: string): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string(key);
  writer.tag(2, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string(value).join();
  writer.join();
}

/** Metrics in the order in which they are met. */
class Families {
  readonly all: MetricPoints[] = [];
  private readonly byKey = new Map<string, MetricPoints>();

  add(kind: MetricKind, name: string, point: Uint8Array): void {
    const key = `${kind} ${name}`;
    let family = this.byKey.get(key);
    if (family === undefined) {
      family = { name, kind, points: [] };
      this.byKey.set(key, family);
      this.all.push(family);
    }
    family.points.push(point);
  }
}
