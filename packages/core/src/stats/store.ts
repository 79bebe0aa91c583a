/**
 * All metrics of a process by full name, handed out through scopes that give them back when a cluster or listener goes.
 * Names are joined at config time only; a metric that two scopes share lives until both are closed.
 */
import { Histogram, type HistogramUnit } from './histogram.ts';
import { Counter, Gauge, TextReadout } from './metrics.ts';
import { sortKey } from './query.ts';
import type { Keyed } from './slices.ts';
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
  /** Metrics of one kind as they lie, with what they are sorted by; without it the lists above are taken. */
  unsorted?(kind: MetricKind): Iterable<Keyed<AnyMetric>>;
}

/** Hears of metrics that come and go; called at config time and with the first use of a dynamic name. */
export type StatsObserver = (change: 'added' | 'removed', kind: MetricKind, metric: AnyMetric) => void;

/** A metric of any kind. */
export type AnyMetric = Counter | Gauge | Histogram | TextReadout;

/** One metric and how many open scopes hold it. */
interface Entry<T> {
  readonly metric: T;
  readonly key: string;
  holders: number;
  dynamic: boolean;
}

/** Metrics of one kind by full name. */
class Shelf<T extends { readonly name: string }> {
  readonly entries = new Map<string, Entry<T>>();
  private readonly make: (name: string) => T;

  constructor(make: (name: string) => T) {
    this.make = make;
  }

  /** A metric that no listing shows. */
  detached(name: string): T {
    return this.make(name);
  }

  add(name: string): Entry<T> {
    const entry = { metric: this.make(name), key: sortKey(name), holders: 0, dynamic: false };
    this.entries.set(name, entry);
    return entry;
  }

  sorted(): T[] {
    const entries = Array.from(this.entries.values());
    entries.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    return entries.map((entry) => entry.metric);
  }
}

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
  private dynamicNames = 0;

  constructor(options: StatsStoreOptions = {}) {
    const buckets = options.histogramBuckets ?? (() => undefined);
    this.accepts = options.accepts ?? (() => true);
    this.tags = options.tags ?? defaultTags;
    this.maxDynamicNames = options.maxDynamicNames ?? MAX_DYNAMIC_NAMES;
    this.shelves = {
      counter: new Shelf((name) => new Counter(name)),
      gauge: new Shelf((name) => new Gauge(name)),
      histogram: new Shelf((name) => new Histogram(name, unitOf(name), buckets(name))),
      textReadout: new Shelf((name) => new TextReadout(name)),
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

  /** For listings that must not stop everything else; metrics may come and go while it is walked. */
  unsorted(kind: MetricKind): Iterable<Keyed<AnyMetric>> {
    return this.shelves[kind].entries.values();
  }

  /** Rolls every histogram's interval; call it each `stats_flush_interval` (5 s by default). */
  flush(): void {
    for (const entry of this.shelves.histogram.entries.values()) entry.metric.flush();
  }

  /** Sets every counter to zero (`/reset_counters`). */
  resetCounters(): void {
    for (const entry of this.shelves.counter.entries.values()) entry.metric.reset();
  }

  /** Tells `observer` of every change from now on; the returned function stops it. */
  observe(observer: StatsObserver): () => void {
    this.observers.add(observer);
    return () => this.observers.delete(observer);
  }

  /** @internal Books one more name that traffic created; false when the cap is reached. */
  admitDynamic(): boolean {
    if (this.dynamicNames >= this.maxDynamicNames) {
      this.droppedDynamicStats.inc();
      return false;
    }
    this.dynamicNames++;
    return true;
  }

  /** @internal */
  hold<T extends AnyMetric>(kind: MetricKind, shelf: Shelf<T>, name: string): T {
    let entry = shelf.entries.get(name);
    if (entry === undefined) {
      entry = shelf.add(name);
      for (const observer of this.observers) observer('added', kind, entry.metric);
    }
    entry.holders++;
    return entry.metric;
  }

  /** @internal */
  release(kind: MetricKind, name: string): void {
    const entries: Map<string, Entry<AnyMetric>> = this.shelves[kind].entries;
    const entry = entries.get(name);
    if (entry === undefined || --entry.holders > 0) return;
    entries.delete(name);
    if (entry.dynamic) this.dynamicNames--;
    for (const observer of this.observers) observer('removed', kind, entry.metric);
  }
}

/** The four kinds of metric. */
export type MetricKind = 'counter' | 'gauge' | 'histogram' | 'textReadout';

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
  private readonly held: Record<MetricKind, Set<string>> = {
    counter: new Set(),
    gauge: new Set(),
    histogram: new Set(),
    textReadout: new Set(),
  };
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
    if (!listed || shelf.entries.has(fullName)) return this.counter(name);
    if (!this.store.admitDynamic()) return this.store.overflow;
    const counter = this.counter(name);
    const entry = shelf.entries.get(fullName);
    if (entry !== undefined) entry.dynamic = true;
    return counter;
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
    for (const kind of ['counter', 'gauge', 'histogram', 'textReadout'] as const) {
      for (const name of this.held[kind]) this.store.release(kind, name);
      this.held[kind].clear();
    }
    this.parent?.children.delete(this);
  }

  private hold<T extends AnyMetric>(kind: MetricKind, shelf: Shelf<T>, name: string): T {
    const fullName = sanitizeName(this.prefix + name);
    if (this.held[kind].has(fullName)) return shelf.entries.get(fullName)!.metric;
    if (this.closed || !this.store.accepts(fullName)) return shelf.detached(fullName);
    this.held[kind].add(fullName);
    return this.store.hold(kind, shelf, fullName);
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

function unitOf(name: string): HistogramUnit {
  if (name.endsWith('_size')) return 'bytes';
  return name.endsWith('_ms') || name.endsWith('_time') ? 'ms' : 'none';
}
