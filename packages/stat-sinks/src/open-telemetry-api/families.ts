/** Instruments of one meter, made as metrics appear, with the values of the last flush. */
import type { FlushedCounter, FlushedGauge, SampleUnit, TaggedMetric } from '@mesh/core';
import type { Attributes, Histogram, Meter, Observable, ObservableCallback } from '@opentelemetry/api';

/** Longest name of an instrument that OpenTelemetry takes. */
const MAX_NAME_LENGTH = 255;

/** UCUM codes. */
const UNITS: Readonly<Record<SampleUnit, string>> = { ms: 'ms', us: 'us', bytes: 'By', percent: '%', none: '' };

type Kind = 'counter' | 'gauge' | 'histogram';
type ValueKind = Exclude<Kind, 'histogram'>;
type Sampled = TaggedMetric & { readonly unit: SampleUnit; readonly buckets?: readonly number[] };

interface Point {
  readonly attributes: Attributes;
  value: number;
  /** Number of the flush that set it. */
  flush: number;
}

/** One instrument that is asked for its values. */
class Family {
  readonly points = new Map<TaggedMetric, Point>();
  readonly instrument: Observable;
  readonly callback: ObservableCallback = (result) => {
    for (const { value, attributes } of this.points.values()) result.observe(value, attributes);
  };

  constructor(instrument: Observable) {
    this.instrument = instrument;
    instrument.addCallback(this.callback);
  }
}

/** A histogram and what its samples are recorded with. */
interface Recorder {
  readonly histogram: Histogram;
  readonly attributes: Attributes;
}

export class Families {
  private readonly meter: Meter;
  private readonly prefix: string;
  private readonly maxSeries: number;
  private readonly families = new Map<string, Family>();
  private readonly histograms = new Map<string, Histogram>();
  private readonly recorders = new WeakMap<TaggedMetric, Recorder>();
  /** By whole name: the SDK never forgets a series of a histogram, so neither are they counted off. */
  private readonly recordersByName = new Map<string, Recorder>();
  private readonly kindOfName = new Map<string, Kind>();
  private series = 0;
  private flushes = 0;

  /** `prefix` '' leaves names as they are. */
  constructor(meter: Meter, prefix: string, maxSeries: number) {
    this.meter = meter;
    this.prefix = prefix === '' ? '' : `${prefix}.`;
    this.maxSeries = maxSeries;
  }

  /** Takes over the values of a flush; what it does not hold any more is not shown any more. Returns how many had no room. */
  update(counters: readonly FlushedCounter[], gauges: readonly FlushedGauge[]): number {
    this.flushes++;
    let refused = 0;
    for (const counter of counters) if (!this.set('counter', counter)) refused++;
    for (const gauge of gauges) if (!this.set('gauge', gauge)) refused++;
    for (const family of this.families.values()) this.sweep(family);
    return refused;
  }

  private set(kind: ValueKind, metric: FlushedCounter | FlushedGauge): boolean {
    const family = this.familyOf(kind, metric);
    const point = family?.points.get(metric);
    if (point !== undefined) {
      point.value = metric.value;
      point.flush = this.flushes;
      return true;
    }
    if (family === undefined || this.series >= this.maxSeries) return false;
    family.points.set(metric, { attributes: attributesOf(metric), value: metric.value, flush: this.flushes });
    this.series++;
    return true;
  }

  private familyOf(kind: ValueKind, metric: TaggedMetric): Family | undefined {
    const key = `${kind} ${metric.tagExtractedName}`;
    const family = this.families.get(key);
    if (family !== undefined) return family;
    if (this.families.size >= this.maxSeries) return undefined;
    const name = this.nameOf(kind, metric);
    const made = new Family(
      kind === 'counter' ? this.meter.createObservableCounter(name) : this.meter.createObservableGauge(name),
    );
    this.families.set(key, made);
    return made;
  }

  private sweep({ points }: Family): void {
    for (const [metric, { flush }] of points) {
      if (flush === this.flushes) continue;
      points.delete(metric);
      this.series--;
    }
  }

  /** False when there is no room for the series. */
  record(metric: Sampled, value: number): boolean {
    let recorder = this.recorders.get(metric);
    if (recorder === undefined) {
      recorder = this.recorderOf(metric);
      if (recorder === undefined) return false;
      this.recorders.set(metric, recorder);
    }
    recorder.histogram.record(value, recorder.attributes);
    return true;
  }

  private recorderOf(metric: Sampled): Recorder | undefined {
    const known = this.recordersByName.get(metric.name);
    if (known !== undefined || this.recordersByName.size >= this.maxSeries) return known;
    const made = { histogram: this.histogramOf(metric), attributes: attributesOf(metric) };
    this.recordersByName.set(metric.name, made);
    return made;
  }

  private histogramOf(metric: Sampled): Histogram {
    const key = metric.tagExtractedName;
    let histogram = this.histograms.get(key);
    if (histogram === undefined) {
      const { buckets } = metric;
      histogram = this.meter.createHistogram(this.nameOf('histogram', metric), {
        unit: UNITS[metric.unit],
        ...(buckets === undefined ? {} : { advice: { explicitBucketBoundaries: [...buckets] } }),
      });
      this.histograms.set(key, histogram);
    }
    return histogram;
  }

  /** OpenTelemetry wants a letter first, then letters, digits and `_.-/`, and one kind of instrument per name. */
  private nameOf(kind: Kind, { tagExtractedName }: TaggedMetric): string {
    const plain = `${this.prefix}${tagExtractedName}`.replace(/[^A-Za-z0-9_.\-/]/g, '_');
    const name = (/^[A-Za-z]/.test(plain) ? plain : `m${plain}`).slice(0, MAX_NAME_LENGTH - kind.length - 1);
    const taken = this.kindOfName.get(name) ?? kind;
    this.kindOfName.set(name, taken);
    return taken === kind ? name : `${name}.${kind}`;
  }

  /** Takes every callback back: nothing is shown any more. */
  close(): void {
    for (const { instrument, callback } of this.families.values()) instrument.removeCallback(callback);
    this.families.clear();
  }
}

function attributesOf({ tags }: TaggedMetric): Attributes {
  return Object.fromEntries(tags.map(({ name, value }) => [name, value]));
}
