/** Hands the metrics to the stats sinks at every flush. Nothing here is on the way of a request unless a sink wants samples. */
import type { Clock } from '../api/clock.ts';
import type {
  FlushedCounter,
  FlushedGauge,
  FlushedHistogram,
  FlushedText,
  MetricsSnapshot,
} from '../api/stats-sink.ts';
import { Histogram, QUANTILES } from '../stats/histogram.ts';
import { Counter, Gauge } from '../stats/metrics.ts';
import type { AnyMetric, StatsStore } from '../stats/store.ts';
import type { TaggedName } from '../stats/tags.ts';
import { CounterRecord, type Flushed, GaugeRecord, HistogramRecord, TextRecord } from './flush-records.ts';
import type { NamedSink } from './stats-sinks.ts';

/** How long the end of the proxy waits for a sink that cannot get rid of its last flush. */
const LONGEST_CLOSE_MS = 1000;

/** What the flusher is given. */
export interface StatsFlushOptions {
  readonly store: StatsStore;
  readonly sinks: readonly NamedSink[];
  readonly clock: Clock;
  /** Brings gauges up to date that are looked up rather than counted. */
  readonly before: () => void;
  readonly log: (message: string) => void;
}

/** Flushes histograms and sinks. A sink that throws costs `server.stat_sink_errors` and a log line, nothing else. */
export class StatsFlush {
  private readonly options: StatsFlushOptions;
  private readonly sinks: readonly NamedSink[];
  private readonly sampled: readonly NamedSink[];
  private readonly records = new Map<AnyMetric, Flushed>();
  private readonly errors: Counter;
  private readonly dropped: Counter;
  private stopObserving: () => void = () => {};
  private stopTimer: () => void = () => {};
  private started = false;
  private flushing = false;
  private closed = false;

  constructor(options: StatsFlushOptions) {
    this.options = options;
    this.sinks = options.sinks;
    this.sampled = options.sinks.filter(({ sink }) => sink.onSample !== undefined);
    const scope = options.store.scope('server');
    this.errors = scope.counter('stat_sink_errors');
    this.dropped = scope.counter('dropped_stat_flushes');
    if (this.sinks.length > 0) this.follow(options.store);
  }

  /** Every metric gets one record for as long as it lives, so that names are taken apart once. */
  private follow(store: StatsStore): void {
    for (const list of [store.counters(), store.gauges(), store.histograms(), store.textReadouts()]) {
      for (const metric of list) this.add(metric);
    }
    this.stopObserving = store.observe((change, _kind, metric) => {
      if (change === 'added') this.add(metric);
      else this.records.delete(metric);
    });
  }

  private add(metric: AnyMetric): void {
    const tagged = this.options.store.tags.of(metric);
    if (metric instanceof Counter) this.records.set(metric, new CounterRecord(metric, tagged));
    else if (metric instanceof Gauge) this.records.set(metric, new GaugeRecord(metric, tagged));
    else if (metric instanceof Histogram) this.addHistogram(metric, tagged);
    else this.records.set(metric, new TextRecord(metric, tagged));
  }

  private addHistogram(histogram: Histogram, tagged: TaggedName): void {
    const record = new HistogramRecord(histogram, tagged);
    this.records.set(histogram, record);
    if (this.sampled.length === 0) return;
    record.onSample = (value) => this.sample(record, value);
    histogram.watcher = record;
  }

  private sample(record: HistogramRecord, value: number): void {
    for (const named of this.sampled) {
      try {
        named.sink.onSample?.(record, value);
      } catch (error) {
        this.failed(named, error);
      }
    }
  }

  /** Flushes every so many milliseconds; `undefined` leaves it to the admin server (`stats_flush_on_admin`). */
  start(everyMs: number | undefined): void {
    this.started = true;
    if (everyMs === undefined) return;
    const flush = () => {
      this.stopTimer = this.options.clock.schedule(flush, everyMs);
      this.flush();
    };
    this.stopTimer = this.options.clock.schedule(flush, everyMs);
  }

  /** One flush. A flush that comes while another is under way is dropped and counted, as in Envoy. */
  flush(): void {
    if (this.flushing) {
      this.dropped.inc();
      return;
    }
    this.flushing = true;
    try {
      this.options.before();
      this.options.store.flush();
      if (this.sinks.length > 0 && !this.closed) this.flushSinks();
    } finally {
      this.flushing = false;
    }
  }

  private flushSinks(): void {
    const snapshot = this.snapshot();
    for (const named of this.sinks) {
      try {
        named.sink.flush(snapshot);
      } catch (error) {
        this.failed(named, error);
      }
    }
  }

  private snapshot(): MetricsSnapshot {
    const counters: FlushedCounter[] = [];
    const gauges: FlushedGauge[] = [];
    const histograms: FlushedHistogram[] = [];
    const textReadouts: FlushedText[] = [];
    for (const record of this.records.values()) {
      if (record instanceof CounterRecord) {
        if (record.latch()) counters.push(record);
      } else if (record instanceof GaugeRecord) {
        if (record.metric.used) gauges.push(record);
      } else if (record instanceof HistogramRecord) {
        if (record.metric.used) histograms.push(record);
      } else if (record.metric.used) textReadouts.push(record);
    }
    return { timeMs: this.options.clock.wallMs(), quantiles: QUANTILES, counters, gauges, histograms, textReadouts };
  }

  private failed({ name }: NamedSink, error: unknown): void {
    this.errors.inc();
    this.options.log(`stats sink ${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
  }

  /**
   * Flushes a last time if it was started, then lets the sinks send what they hold; resolves when they are closed, or
   * after a second. `undefined` when there is no sink to wait for.
   */
  close(): Promise<unknown> | undefined {
    if (this.closed) return undefined;
    this.stopTimer();
    if (this.started) this.flush();
    this.closed = true;
    this.stopObserving();
    for (const record of this.records.values())
      if (record instanceof HistogramRecord) record.metric.watcher = undefined;
    this.records.clear();
    if (this.sinks.length === 0) return undefined;
    const closed = Promise.all(this.sinks.map((named) => this.closeSink(named)));
    return Promise.race([closed, new Promise<void>((resolve) => this.patience(resolve, closed))]);
  }

  private patience(resolve: () => void, closed: Promise<unknown>): void {
    const cancel = this.options.clock.schedule(resolve, LONGEST_CLOSE_MS);
    void closed.then(cancel);
  }

  private async closeSink(named: NamedSink): Promise<void> {
    try {
      await named.sink.close?.();
    } catch (error) {
      this.failed(named, error);
    }
  }
}
