/** Shows the store's metrics in a prom-client registry, so that an application's own `/metrics` includes them. */
import { type Metric, Registry } from 'prom-client';
import { Histogram } from './histogram.ts';
import { Counter, Gauge } from './metrics.ts';
import { defaultTags, familyName, sanitize } from './prometheus-text.ts';
import type { AnyMetric, StatsStore } from './store.ts';
import type { Tag, TagExtractor } from './tags.ts';

export * from './prometheus-text.ts';

type FamilyType = 'counter' | 'gauge' | 'histogram';

/** One value as prom-client prints it. */
interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

/** A registry of its own that always holds the store's current metrics. */
export function promRegistry(store: StatsStore, tags: TagExtractor = defaultTags): Registry {
  const registry = new Registry();
  bindToRegistry(store, registry, tags);
  return registry;
}

/**
 * Adds every metric of the store to `registry` and keeps it up to date as metrics come and go. Returns a function that
 * takes them out again. A family whose name the application already uses appears as `<name>_<type>`.
 *
 * @example
 * import { register } from 'prom-client';
 * const unbind = bindToRegistry(store, register);
 */
export function bindToRegistry(store: StatsStore, registry: Registry, tags: TagExtractor = defaultTags): () => void {
  const families = new Families(registry, tags);
  for (const list of [store.counters(), store.gauges(), store.histograms()]) {
    for (const metric of list) families.add(metric);
  }
  const stop = store.observe((change, _kind, metric) => {
    if (change === 'added') families.add(metric);
    else families.remove(metric);
  });
  return () => {
    stop();
    families.clear();
  };
}

class Families {
  private readonly registry: Registry;
  private readonly tags: TagExtractor;
  private readonly byKey = new Map<string, Family>();

  constructor(registry: Registry, tags: TagExtractor) {
    this.registry = registry;
    this.tags = tags;
  }

  add(metric: AnyMetric): void {
    const type = typeOf(metric);
    if (type === undefined) return;
    const key = this.keyOf(metric, type);
    let family = this.byKey.get(key);
    if (family === undefined) {
      const name = familyName(this.tags.of(metric).name);
      family = new Family(this.registry.getSingleMetric(name) === undefined ? name : `${name}_${type}`, type);
      this.registry.registerMetric(family as unknown as Metric);
      this.byKey.set(key, family);
    }
    family.members.set(metric, labelsOf(this.tags.of(metric).tags));
  }

  remove(metric: AnyMetric): void {
    const type = typeOf(metric);
    if (type === undefined) return;
    const key = this.keyOf(metric, type);
    const family = this.byKey.get(key);
    family?.members.delete(metric);
    if (family === undefined || family.members.size > 0) return;
    this.byKey.delete(key);
    this.registry.removeSingleMetric(family.name);
  }

  clear(): void {
    for (const family of this.byKey.values()) this.registry.removeSingleMetric(family.name);
    this.byKey.clear();
  }

  private keyOf(metric: AnyMetric, type: FamilyType): string {
    return `${type} ${this.tags.of(metric).name}`;
  }
}

/** What prom-client asks of a metric: a name, a help line, a type and its values. */
class Family {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  readonly aggregator = 'sum';
  readonly members = new Map<AnyMetric, Record<string, string>>();

  constructor(name: string, type: FamilyType) {
    this.name = name;
    this.help = name;
    this.type = type;
  }

  /** Called with each scrape. */
  get(): { name: string; help: string; type: FamilyType; aggregator: string; values: Sample[] } {
    const values: Sample[] = [];
    for (const [metric, labels] of this.members) {
      if (metric instanceof Histogram) values.push(...this.histogramSamples(metric, labels));
      else if (metric instanceof Counter || metric instanceof Gauge) values.push({ value: metric.value, labels });
    }
    return { name: this.name, help: this.help, type: this.type, aggregator: this.aggregator, values };
  }

  /** Called by `registry.resetMetrics()`, which must not disturb the proxy's own books. */
  reset(): void {}

  private histogramSamples(histogram: Histogram, labels: Record<string, string>): Sample[] {
    const counts = histogram.cumulative;
    const total = counts.count;
    const below = counts.cumulativeBuckets(histogram.buckets);
    const metricName = `${this.name}_bucket`;
    return [
      ...histogram.buckets.map((le, i) => ({ value: below[i]!, labels: { ...labels, le }, metricName })),
      { value: total, labels: { ...labels, le: '+Inf' }, metricName },
      { value: counts.sum, labels, metricName: `${this.name}_sum` },
      { value: total, labels, metricName: `${this.name}_count` },
    ];
  }
}

function typeOf(metric: AnyMetric): FamilyType | undefined {
  if (metric instanceof Counter) return 'counter';
  if (metric instanceof Gauge) return 'gauge';
  return metric instanceof Histogram ? 'histogram' : undefined;
}

function labelsOf(tags: readonly Tag[]): Record<string, string> {
  return Object.fromEntries(tags.map((tag) => [sanitize(tag.name), tag.value]));
}
