/** Hands the metrics to the stats sinks at every flush. Nothing here is on the way of a request unless a sink wants samples. */
import type { Clock } from '../api/clock.ts';
import type { MetricsSnapshot } from '../api/stats-sink.ts';
import { errorText } from '../errors.ts';
import { onRejection } from '../observe/rejection.ts';
import { Histogram, QUANTILES } from '../stats/histogram.ts';
import type { Counter } from '../stats/metrics.ts';
import type { AnyMetric, MetricKind, MetricOf, StatsStore } from '../stats/store.ts';
import type { TaggedName } from '../stats/tags.ts';
import { CounterRecord, type Flushed, GaugeRecord, HistogramRecord, TextRecord } from './flush-records.ts';
import type { NamedSink } from './stats-sinks.ts';

/** After so long in one go a flush makes way for everything else. With ten thousand clusters one takes 50 ms and more. */
const TURN_MS = 5;

/** Metrics that are looked at between two looks at the clock. */
const STEP = 512;

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
  /** Of metrics that were used, and of all histograms if samples are wanted. */
  private readonly records = new Map<AnyMetric, Flushed>();
  private readonly errors: Counter;
  private readonly dropped: Counter;
  private stopObserving: () => void = () => {};
  private stopTimer: () => void = () => {};
  private stopTurn: () => void = () => {};
  private started = false;
  /** What is left to do of the flush that is under way. */
  private underWay: Iterator<void> | undefined = undefined;
  private working = false;
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

  private follow(store: StatsStore): void {
    if (this.sampled.length > 0) for (const histogram of store.each('histogram')) this.watch(histogram);
    this.stopObserving = store.observe((change, _kind, metric) => {
      if (change === 'removed') this.records.delete(metric);
      else if (this.sampled.length > 0 && metric instanceof Histogram) this.watch(metric);
    });
  }

  private watch(histogram: Histogram): void {
    const record = this.recordOf(histogram, HistogramRecord);
    record.onSample = (value) => this.sample(record, value);
    histogram.watcher = record;
  }

  /** Every metric that is used gets one record for as long as it lives, so that its name is taken apart once. */
  private recordOf<M extends AnyMetric, R extends Flushed>(
    metric: M,
    Kind: new (metric: M, tagged: TaggedName) => R,
  ): R {
    let record = this.records.get(metric) as R | undefined;
    if (record === undefined) {
      record = new Kind(metric, this.options.store.tags.of(metric));
      this.records.set(metric, record);
    }
    return record;
  }

  private sample(record: HistogramRecord, value: number): void {
    for (const named of this.sampled) {
      try {
        const answer: unknown = named.sink.onSample?.(record, value);
        if (answer !== undefined) onRejection(answer, (error) => this.failed(named, error));
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

  /**
   * One flush, which goes on in later turns of the event loop when there is much to do. A flush that comes while another
   * is under way is dropped and counted, as in Envoy.
   */
  flush(): void {
    if (this.underWay !== undefined) {
      this.dropped.inc();
      return;
    }
    this.underWay = this.steps();
    this.work(this.options.clock.nowMs() + TURN_MS);
  }

  /** Works on the flush that is under way until then. */
  private work(untilMs: number): void {
    const { clock } = this.options;
    this.working = true;
    let done = true;
    try {
      while (this.underWay?.next().done === false) {
        if (clock.nowMs() < untilMs) continue;
        done = false;
        this.stopTurn = clock.schedule(() => this.work(clock.nowMs() + TURN_MS), 0);
        return;
      }
    } finally {
      this.working = false;
      if (done) this.underWay = undefined;
    }
  }

  private *steps(): Generator<void, void, undefined> {
    this.options.before();
    yield* this.options.store.flushing();
    if (this.sinks.length === 0 || this.closed) return;
    const snapshot = yield* this.snapshot();
    for (const named of this.sinks) yield* this.flushSink(named, snapshot);
  }

  private *flushSink(named: NamedSink, snapshot: MetricsSnapshot): Generator<void, void, undefined> {
    const { sink } = named;
    try {
      if (sink.flushInSteps !== undefined) yield* sink.flushInSteps(snapshot);
      else {
        const answer: unknown = sink.flush(snapshot);
        if (answer !== undefined) onRejection(answer, (error) => this.failed(named, error));
      }
    } catch (error) {
      this.failed(named, error);
    }
    yield;
  }

  private *snapshot(): Generator<void, MetricsSnapshot, undefined> {
    const counters: CounterRecord[] = [];
    yield* this.eachUsed('counter', (counter) => {
      const record = this.recordOf(counter, CounterRecord);
      record.latch();
      counters.push(record);
    });
    const gauges: GaugeRecord[] = [];
    yield* this.eachUsed('gauge', (gauge) => gauges.push(this.recordOf(gauge, GaugeRecord)));
    const histograms: HistogramRecord[] = [];
    yield* this.eachUsed('histogram', (each) => histograms.push(this.recordOf(each, HistogramRecord)));
    const textReadouts: TextRecord[] = [];
    yield* this.eachUsed('textReadout', (text) => textReadouts.push(this.recordOf(text, TextRecord)));
    return { timeMs: this.options.clock.wallMs(), quantiles: QUANTILES, counters, gauges, histograms, textReadouts };
  }

  private *eachUsed<Kind extends MetricKind>(
    kind: Kind,
    visit: (metric: MetricOf[Kind]) => void,
  ): Generator<void, void, undefined> {
    let seen = 0;
    for (const metric of this.options.store.each(kind)) {
      if (metric.used) visit(metric);
      if (++seen % STEP === 0) yield;
    }
  }

  private failed({ name }: NamedSink, error: unknown): void {
    this.errors.inc();
    this.options.log(`stats sink ${name} failed: ${errorText(error)}`);
  }

  /**
   * Flushes a last time if it was started, then lets the sinks send what they hold; resolves when they are closed, or
   * after a second. `undefined` when there is no sink to wait for.
   */
  close(): Promise<unknown> | undefined {
    if (this.closed) return undefined;
    this.stopTimer();
    this.stopTurn();
    if (!this.working) this.flushAtOnce();
    this.closed = true;
    this.stopObserving();
    for (const record of this.records.values())
      if (record instanceof HistogramRecord) record.metric.watcher = undefined;
    this.records.clear();
    if (this.sinks.length === 0) return undefined;
    const closed = Promise.all(this.sinks.map((named) => this.closeSink(named)));
    return Promise.race([closed, new Promise<void>((resolve) => this.patience(resolve, closed))]);
  }

  /** What is left of a flush, and the last one: when a proxy ends there is nothing to make way for. */
  private flushAtOnce(): void {
    this.work(Number.POSITIVE_INFINITY);
    if (!this.started) return;
    this.underWay = this.steps();
    this.work(Number.POSITIVE_INFINITY);
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
