/** The contract of stats sinks: metrics that are pushed out at every `stats_flush_interval`. */

/** One tag of a metric, e.g. `envoy.cluster_name` = `service1`. */
export interface MetricTag {
  readonly name: string;
  readonly value: string;
}

/** A metric with the name that is left when its tags are taken out; worked out once per metric. */
export interface TaggedMetric {
  readonly name: string;
  /** e.g. `cluster.upstream_rq` of `cluster.service1.upstream_rq_200`. */
  readonly tagExtractedName: string;
  readonly tags: readonly MetricTag[];
}

/** A counter at a flush. */
export interface FlushedCounter extends TaggedMetric {
  readonly value: number;
  /** What was added since the last flush. */
  readonly delta: number;
}

/** A gauge at a flush. */
export interface FlushedGauge extends TaggedMetric {
  readonly value: number;
}

/** A text readout at a flush. */
export interface FlushedText extends TaggedMetric {
  readonly value: string;
}

/** What a histogram is of. */
export type SampleUnit = 'ms' | 'us' | 'bytes' | 'percent' | 'none';

/** Counts of a histogram over one period. */
export interface SampleCounts {
  readonly count: number;
  readonly sum: number;
  /** One per entry of `quantiles` of the snapshot; NaN without samples. */
  quantiles(): readonly number[];
  /** For each upper bound the number of samples at or below it. */
  cumulativeBuckets(upperBounds: readonly number[]): readonly number[];
}

/** A histogram at a flush. */
export interface FlushedHistogram extends TaggedMetric {
  readonly unit: SampleUnit;
  /** Upper bounds, from `histogram_bucket_settings`. */
  readonly buckets: readonly number[];
  readonly interval: SampleCounts;
  readonly cumulative: SampleCounts;
}

/** The used metrics of a proxy at a flush. Valid during the call, or the steps, only. */
export interface MetricsSnapshot {
  /** Unix milliseconds. */
  readonly timeMs: number;
  /** Quantiles that are known, 0 to 1. */
  readonly quantiles: readonly number[];
  readonly counters: readonly FlushedCounter[];
  readonly gauges: readonly FlushedGauge[];
  readonly histograms: readonly FlushedHistogram[];
  readonly textReadouts: readonly FlushedText[];
}

/** One configured sink. It never blocks, never throws, and bounds what it holds back. */
export interface StatsSink {
  /** Called at every flush. */
  flush(snapshot: MetricsSnapshot): void;
  /**
   * Called in its stead where there is one: the same in steps of a fraction of a millisecond, between which other work
   * is done. For sinks that may be given a hundred thousand metrics. The snapshot is valid until the last step, and
   * there is no other flush before it.
   */
  flushInSteps?(snapshot: MetricsSnapshot): Iterable<void>;
  /** Called with every sample of a histogram as it is recorded. Leave it out unless it is needed: it is the hot path. */
  onSample?(histogram: TaggedMetric & { readonly unit: SampleUnit }, value: number): void;
  close?(): Promise<void> | void;
}
