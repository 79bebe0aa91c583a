/**
 * All metrics of a process by full name, handed out through scopes that give them back when a cluster or listener goes.
 * Names are joined at config time only; a metric that two scopes share lives until both are closed.
 */
import { Histogram, type HistogramUnit } from './histogram.ts';
import { Counter, Gauge, TextReadout } from './metrics.ts';
import { NameIndex } from './name-index.ts';
import { defaultTags, type TagExtractor, type TaggedName } from './tags.ts';

/** Most names that traffic, not config, may add to a store. */
const MAX_DYNAMIC_NAMES = 10_000;

/** Options of {@link StatsStore}. */
export interface StatsStoreOptions {
  /** Upper bounds for the histogram of this full name (`stats_config.histogram_bucket_settings`); undefined = default list. */
  readonly histogramBuckets?: (name: string) => readonly number[] | undefined;
  /** False keeps a metric out of every listing (`stats_config.stats_matcher`); counting it still works. */
  readonly accepts?: (name: string) => boolean;
  /** Default {@link MAX_DYNAMIC_NAMES}. */
  readonly maxDynamicNames?: number;
  /** How names are split into tags (`stats_config.stats_tags`). Default {@link defaultTags}. */
  readonly tags?: TagExtractor;
}

/** What the text formats print: every list is sorted by name. */
export interface StatsView {
  /** Default {@link defaultTags}. */
  readonly tags?: TagExtractor;
  counters(): Counter[];
  gauges(): Gauge[];
  histograms(): Histogram[];
  textReadouts(): TextReadout[];
  /** The same lists, counters and gauges together, a few hundred metrics at a time; without it the lists above are taken. */
  slices?(list: MetricList): Iterable<readonly AnyMetric[]>;
}

/** Hears of metrics that come and go; called at config time and with the first use of a dynamic name. */
export type StatsObserver = (change: 'added' | 'removed', kind: MetricKind, metric: AnyMetric) => void;

/** A metric of any kind. */
export type AnyMetric = Counter | Gauge | Histogram | TextReadout;

/** Metrics of one kind by full name. */
class Shelf<T extends AnyMetric> {
  readonly metrics = new Map<string, T>();
  /** In the order of the names; the kinds that are listed together share one. */
  private readonly index: NameIndex<AnyMetric>;
  private readonly make: (name: string) => T;

  constructor(index: NameIndex<AnyMetric>, make: (name: string) => T) {
    this.index = index;
    this.make = make;
  }

  /** A metric that no listing shows. */
  detached(name: string): T {
    return this.make(name);
  }

  add(name: string): T {
    const metric = this.make(name);
    this.metrics.set(name, metric);
    this.index.add(metric);
    return metric;
  }

  delete(metric: AnyMetric): void {
    this.metrics.delete(metric.name);
    this.index.delete(metric);
  }

  sorted(): T[] {
    const sorted: T[] = [];
    for (const slice of this.index.slices()) {
      for (const metric of slice) if (this.metrics.get(metric.name) === metric) sorted.push(metric as T);
    }
    return sorted;
  }
}

/** Histograms that are flushed in one go, in a fraction of a millisecond. */
const FLUSHED_AT_ONCE = 64;

/** The registry of one process. */
export class StatsStore implements StatsView {
  /** Where dynamic counters beyond the cap are counted together. */
  readonly overflow: Counter;
  /** How often a dynamic name was refused. */
  readonly droppedDynamicStats: Counter;
  /** @internal */
  readonly shelves: Shelves;
  /** @internal */
  readonly accepts: (name: string) => boolean;
  /** Splits the names of these metrics into tags. */
  readonly tags: TagExtractor;
  private readonly maxDynamicNames: number;
  private readonly observers = new Set<StatsObserver>();
  private readonly dynamicNames = new Set<string>();
  /** Those with samples since the last flush, and those whose last interval is to be emptied. */
  private readonly unflushed = new Set<Histogram>();
  private readonly indexes: Readonly<Record<MetricList, NameIndex<AnyMetric>>> = {
    number: new NameIndex(),
    histogram: new NameIndex(),
    textReadout: new NameIndex(),
  };

  constructor(options: StatsStoreOptions = {}) {
    const buckets = options.histogramBuckets ?? (() => undefined);
    this.accepts = options.accepts ?? (() => true);
    this.tags = options.tags ?? defaultTags;
    this.maxDynamicNames = options.maxDynamicNames ?? MAX_DYNAMIC_NAMES;
    const { number, histogram, textReadout } = this.indexes;
    this.shelves = {
      counter: new Shelf(number, (name) => new Counter(name)),
      gauge: new Shelf(number, (name) => new Gauge(name)),
      histogram: new Shelf(histogram, (name) => new Histogram(name, unitOf(name), buckets(name))),
      textReadout: new Shelf(textReadout, (name) => new TextReadout(name)),
    };
    const own = this.scope('');
    this.overflow = own.counter('overflow');
    this.droppedDynamicStats = own.counter('server.dropped_dynamic_stats');
  }

  /** A prefix such as `cluster.service1.`; a missing final dot is added. */
  scope(prefix: string): Scope {
    return new Scope(this, joinPrefix('', prefix), undefined);
  }

  counters(): Counter[] {
    return this.shelves.counter.sorted();
  }

  gauges(): Gauge[] {
    return this.shelves.gauge.sorted();
  }

  histograms(): Histogram[] {
    return this.shelves.histogram.sorted();
  }

  textReadouts(): TextReadout[] {
    return this.shelves.textReadout.sorted();
  }

  /** For listings that must not stop everything else; metrics may come and go between two slices. */
  slices(list: MetricList): Iterable<readonly AnyMetric[]> {
    return this.indexes[list].slices();
  }

  /** All metrics of a kind in no order; it may be walked while they come and go. */
  each<Kind extends MetricKind>(kind: Kind): Iterable<MetricOf[Kind]> {
    const metrics: ReadonlyMap<string, AnyMetric> = this.shelves[kind].metrics;
    return metrics.values() as Iterable<MetricOf[Kind]>;
  }

  /** Rolls the interval of every histogram, in one go. */
  flush(): void {
    Array.from(this.flushing());
  }

  /**
   * As `flush`, in slices of a fraction of a millisecond; walk it each `stats_flush_interval` (5 s by default). It
   * costs nothing for histograms that stay idle.
   */
  *flushing(): Generator<void, void, undefined> {
    let flushed = 0;
    for (const histogram of Array.from(this.unflushed)) {
      if (!histogram.flush()) this.unflushed.delete(histogram);
      if (++flushed % FLUSHED_AT_ONCE === 0) yield;
    }
  }

  /** Sets every counter to zero (`/reset_counters`). */
  resetCounters(): void {
    for (const counter of this.each('counter')) counter.reset();
  }

  /** Tells `observer` of every change from now on; the returned function stops it. */
  observe(observer: StatsObserver): () => void {
    this.observers.add(observer);
    return () => this.observers.delete(observer);
  }

  /** @internal Books one more name that traffic created; false when the cap is reached. */
  admitDynamic(name: string): boolean {
    if (this.dynamicNames.size >= this.maxDynamicNames) {
      this.droppedDynamicStats.inc();
      return false;
    }
    this.dynamicNames.add(name);
    return true;
  }

  /** @internal One more holder for the metric of this name, which is made if there is none. */
  hold<T extends AnyMetric>(kind: MetricKind, shelf: Shelf<T>, name: string): T {
    const metric = shelf.metrics.get(name) ?? this.add(kind, shelf, name);
    metric.holders++;
    return metric;
  }

  private add<T extends AnyMetric>(kind: MetricKind, shelf: Shelf<T>, name: string): T {
    const metric = shelf.add(name);
    if (metric instanceof Histogram) metric.unflushed = this.unflushed;
    for (const observer of this.observers) observer('added', kind, metric);
    return metric;
  }

  /** @internal One holder less. */
  release(metric: AnyMetric): void {
    if (--metric.holders > 0) return;
    const kind = kindOf(metric);
    this.shelves[kind].delete(metric);
    if (kind === 'counter') this.dynamicNames.delete(metric.name);
    if (metric instanceof Histogram) {
      metric.unflushed = undefined;
      this.unflushed.delete(metric);
    }
    for (const observer of this.observers) observer('removed', kind, metric);
  }
}

/** The four kinds of metric. */
export type MetricKind = 'counter' | 'gauge' | 'histogram' | 'textReadout';

/** What is listed together: counters and gauges, or metrics of one kind. */
export type MetricList = 'number' | 'histogram' | 'textReadout';

/** The metric of each kind. */
export interface MetricOf {
  readonly counter: Counter;
  readonly gauge: Gauge;
  readonly histogram: Histogram;
  readonly textReadout: TextReadout;
}

interface Shelves {
  readonly counter: Shelf<Counter>;
  readonly gauge: Shelf<Gauge>;
  readonly histogram: Shelf<Histogram>;
  readonly textReadout: Shelf<TextReadout>;
}

/** A name prefix. The same full name always gives the same object while any scope holds it. */
export class Scope {
  /** Full prefix with its final dot, or '' for the root. */
  readonly prefix: string;
  private readonly store: StatsStore;
  private readonly parent: Scope | undefined;
  private readonly children = new Set<Scope>();
  private readonly held = new Set<AnyMetric>();
  private closed = false;

  /** @internal Use {@link StatsStore.scope}. */
  constructor(store: StatsStore, prefix: string, parent: Scope | undefined) {
    this.store = store;
    this.prefix = prefix;
    this.parent = parent;
  }

  /** The counter `<prefix><name>`. */
  counter(name: string): Counter {
    return this.hold('counter', this.store.shelves.counter, name);
  }

  /** The gauge `<prefix><name>`. */
  gauge(name: string): Gauge {
    return this.hold('gauge', this.store.shelves.gauge, name);
  }

  /** The counter `<prefix><name>`, whose tags are known and need not be looked for in its name. */
  taggedCounter(name: string, tagged: TaggedName): Counter {
    const counter = this.counter(name);
    this.store.tags.know(counter, tagged);
    return counter;
  }

  /** As {@link taggedCounter}. */
  taggedGauge(name: string, tagged: TaggedName): Gauge {
    const gauge = this.gauge(name);
    this.store.tags.know(gauge, tagged);
    return gauge;
  }

  /** The histogram `<prefix><name>`. The unit is read off the name unless it is given. */
  histogram(name: string, unit?: HistogramUnit): Histogram {
    const histogram = this.hold('histogram', this.store.shelves.histogram, name);
    if (unit !== undefined) histogram.unit = unit;
    return histogram;
  }

  /** The text readout `<prefix><name>`. */
  textReadout(name: string): TextReadout {
    return this.hold('textReadout', this.store.shelves.textReadout, name);
  }

  /**
   * A counter whose name traffic decided, such as a status code. The first {@link MAX_DYNAMIC_NAMES} names get their
   * own; later ones share `overflow` and add to `server.dropped_dynamic_stats`.
   */
  dynamicCounter(name: string): Counter {
    const fullName = sanitizeName(this.prefix + name);
    const shelf = this.store.shelves.counter;
    const listed = !this.closed && this.store.accepts(fullName);
    if (!listed || shelf.metrics.has(fullName)) return this.counter(name);
    if (!this.store.admitDynamic(fullName)) return this.store.overflow;
    return this.counter(name);
  }

  /** A scope below this one; it is closed together with it. */
  scope(name: string): Scope {
    const child = new Scope(this.store, joinPrefix(this.prefix, name), this);
    if (this.closed) child.closed = true;
    else this.children.add(child);
    return child;
  }

  /**
   * Gives back every metric of this scope and the scopes below it. Metrics that nobody else holds leave the listings;
   * requests still in flight may go on counting on them.
   */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const child of this.children) child.close();
    this.children.clear();
    for (const metric of this.held) this.store.release(metric);
    this.held.clear();
    this.parent?.children.delete(this);
  }

  private hold<T extends AnyMetric>(kind: MetricKind, shelf: Shelf<T>, name: string): T {
    const fullName = sanitizeName(this.prefix + name);
    const known = shelf.metrics.get(fullName);
    if (known !== undefined && this.held.has(known)) return known;
    if (this.closed || !this.store.accepts(fullName)) return shelf.detached(fullName);
    const metric = this.store.hold(kind, shelf, fullName);
    this.held.add(metric);
    return metric;
  }
}

/** Envoy keeps `:` out of names, because it separates value and type in statsd lines. */
function sanitizeName(name: string): string {
  return name.includes(':') ? name.replaceAll(':', '_') : name;
}

function joinPrefix(prefix: string, name: string): string {
  const joined = sanitizeName(prefix + name);
  return joined === '' || joined.endsWith('.') ? joined : `${joined}.`;
}

function kindOf(metric: AnyMetric): MetricKind {
  if (metric instanceof Counter) return 'counter';
  if (metric instanceof Gauge) return 'gauge';
  return metric instanceof Histogram ? 'histogram' : 'textReadout';
}

function unitOf(name: string): HistogramUnit {
  if (name.endsWith('_size')) return 'bytes';
  return name.endsWith('_ms') || name.endsWith('_time') ? 'ms' : 'none';
}
