/** What sinks see of metrics: one record per metric for as long as it lives, so that names are taken apart once. */
import type {
  FlushedCounter,
  FlushedGauge,
  FlushedHistogram,
  FlushedText,
  MetricTag,
  SampleCounts,
  SampleUnit,
} from '../api/stats-sink.ts';
import type { Histogram, SampleWatcher } from '../stats/histogram.ts';
import type { Counter, Gauge, TextReadout } from '../stats/metrics.ts';
import type { TaggedName } from '../stats/tags.ts';

/** A counter between two flushes. */
export class CounterRecord implements FlushedCounter {
  readonly name: string;
  readonly tagExtractedName: string;
  readonly tags: readonly MetricTag[];
  value = 0;
  delta = 0;
  private readonly metric: Counter;

  constructor(metric: Counter, tagged: TaggedName) {
    this.metric = metric;
    this.name = metric.name;
    this.tagExtractedName = tagged.name;
    this.tags = tagged.tags;
  }

  /** Takes what was added since it was last called. */
  latch(): void {
    this.value = this.metric.value;
    this.delta = this.metric.latch();
  }
}

/** A gauge. */
export class GaugeRecord implements FlushedGauge {
  readonly name: string;
  readonly tagExtractedName: string;
  readonly tags: readonly MetricTag[];
  readonly metric: Gauge;

  constructor(metric: Gauge, tagged: TaggedName) {
    this.metric = metric;
    this.name = metric.name;
    this.tagExtractedName = tagged.name;
    this.tags = tagged.tags;
  }

  get value(): number {
    return this.metric.value;
  }
}

/** A text readout. */
export class TextRecord implements FlushedText {
  readonly name: string;
  readonly tagExtractedName: string;
  readonly tags: readonly MetricTag[];
  readonly metric: TextReadout;

  constructor(metric: TextReadout, tagged: TaggedName) {
    this.metric = metric;
    this.name = metric.name;
    this.tagExtractedName = tagged.name;
    this.tags = tagged.tags;
  }

  get value(): string {
    return this.metric.value;
  }
}

/** A histogram; it passes samples on while it is set as the histogram's watcher. */
export class HistogramRecord implements FlushedHistogram, SampleWatcher {
  readonly name: string;
  readonly tagExtractedName: string;
  readonly tags: readonly MetricTag[];
  readonly metric: Histogram;
  onSample: (value: number) => void = () => {};

  constructor(metric: Histogram, tagged: TaggedName) {
    this.metric = metric;
    this.name = metric.name;
    this.tagExtractedName = tagged.name;
    this.tags = tagged.tags;
  }

  get unit(): SampleUnit {
    return this.metric.unit;
  }

  get buckets(): readonly number[] {
    return this.metric.buckets;
  }

  get interval(): SampleCounts {
    return this.metric.interval;
  }

  get cumulative(): SampleCounts {
    return this.metric.cumulative;
  }

  /** As Envoy, which has no fractions, records it. */
  sample(value: number): void {
    this.onSample(Math.max(0, Math.trunc(value)));
  }
}

/** The record of any metric. */
export type Flushed = CounterRecord | GaugeRecord | TextRecord | HistogramRecord;
