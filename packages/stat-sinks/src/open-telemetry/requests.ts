/** `ExportMetricsServiceRequest`s, of no more data points each than the collector wants. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type MetricKind, type MetricPoints, writeAttribute } from './data-points.ts';

/** `Metric`'s fields. */
const DATA: Readonly<Record<MetricKind, number>> = { gauge: 5, sum: 7, histogram: 9 };

const DELTA = 1;
const CUMULATIVE = 2;

/** What does not change from flush to flush. */
export interface RequestOptions {
  readonly resource: ReadonlyMap<string, string>;
  /** 0: all of them in one request. */
  readonly maxDataPoints: number;
  readonly countersAsDeltas: boolean;
  readonly histogramsAsDeltas: boolean;
}

export class Requests {
  private readonly options: RequestOptions;
  private readonly resource: Uint8Array;

  constructor(options: RequestOptions) {
    this.options = options;
    const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).fork();
    for (const [key, value] of options.resource) writeAttribute(writer, 1, key, value);
    this.resource = writer.join().finish();
  }

  /** Encodes metrics; none are no request. */
  encode(metrics: readonly MetricPoints[]): Uint8Array[] {
    return this.divide(metrics).map((part) => this.request(part));
  }

  private divide(metrics: readonly MetricPoints[]): MetricPoints[][] {
    const max = this.options.maxDataPoints || Number.POSITIVE_INFINITY;
    const parts: MetricPoints[][] = [];
    let room = 0;
    for (const { kind, name, points } of metrics) {
      for (let at = 0; at < points.length; ) {
        if (room === 0) {
          parts.push([]);
          room = max;
        }
        const taken = points.slice(at, at + room);
        parts.at(-1)?.push({ kind, name, points: taken });
        at += taken.length;
        room -= taken.length;
      }
    }
    return parts;
  }

  private request(metrics: readonly MetricPoints[]): Uint8Array {
    const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).fork();
    writer.raw(this.resource).tag(2, WireType.LengthDelimited).fork();
    for (const metric of metrics) this.writeMetric(writer, metric);
    return writer.join().join().finish();
  }

  private writeMetric(writer: BinaryWriter, { kind, name, points }: MetricPoints): void {
    writer.tag(2, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(name);
    writer.tag(DATA[kind], WireType.LengthDelimited).fork();
    for (const point of points) writer.raw(point);
    const { countersAsDeltas, histogramsAsDeltas } = this.options;
    const deltas = kind === 'sum' ? countersAsDeltas : histogramsAsDeltas;
    if (kind !== 'gauge') writer.tag(2, WireType.Varint).int32(deltas ? DELTA : CUMULATIVE);
    if (kind === 'sum') writer.tag(3, WireType.Varint).bool(true);
    writer.join().join();
  }
}
