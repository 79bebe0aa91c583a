/** Shows the store's metrics in a prom-client registry, so that an application's own `/metrics` includes them. */
import { Registry } from 'prom-client';
import { type Family, kindOf, type Member, RegistryFamilies } from './prom-families.ts';
import { familyName, sanitize } from './prometheus-text.ts';
import type { AnyMetric, StatsStore } from './store.ts';
import type { Tag, TagExtractor } from './tags.ts';

export * from './prometheus-text.ts';

/** How metrics are shown by {@link bindToRegistry}. */
export interface RegistryOptions {
  /**
   * Labels of every metric, which tell this proxy from others in the same registry. Metrics of two proxies that have
   * the same name and labels are shown as their sum.
   */
  readonly labels?: Readonly<Record<string, string>>;
  /** Leaves out what was never counted or set, as `?usedonly` does. Default false. */
  readonly usedOnly?: boolean;
  /** Shows text readouts as gauges of value 0 with a label `text_value`. Default false. */
  readonly textReadouts?: boolean;
  /** Default: that of the store, which knows `stats_config`. */
  readonly tags?: TagExtractor;
}

/** A registry of its own that always holds the store's current metrics. */
export function promRegistry(store: StatsStore, options: RegistryOptions = {}): Registry {
  const registry = new Registry();
  bindToRegistry(store, registry, options);
  return registry;
}

/**
 * Adds every metric of a proxy to a prom-client `registry`, under the names and labels of `/stats/prometheus`, and keeps
 * them up to date as metrics come and go. Values are read at the time of the scrape; histograms show what was flushed
 * (`stats_flush_interval`). Returns a function that takes them out again. A family whose name the application already
 * uses appears as `<name>_<type>`.
 *
 * @example
 * import { register } from 'prom-client';
 * const unbind = bindToRegistry(proxy.stats, register, { labels: { proxy: 'edge' } });
 */
export function bindToRegistry(store: StatsStore, registry: Registry, options: RegistryOptions = {}): () => void {
  const binding = new Binding(store, RegistryFamilies.of(registry), options);
  for (const list of [store.counters(), store.gauges(), store.histograms(), store.textReadouts()]) {
    for (const metric of list) binding.add(metric);
  }
  const stop = store.observe((change, _kind, metric) => {
    if (change === 'added') binding.add(metric);
    else binding.remove(metric);
  });
  return () => {
    stop();
    binding.clear();
  };
}

interface Held {
  readonly family: Family;
  readonly familyName: string;
  readonly member: Member;
}

/** One store in one registry. */
class Binding {
  private readonly families: RegistryFamilies;
  private readonly options: RegistryOptions;
  private readonly tags: TagExtractor;
  private readonly held = new Map<AnyMetric, Held>();

  constructor(store: StatsStore, families: RegistryFamilies, options: RegistryOptions) {
    this.families = families;
    this.options = options;
    this.tags = options.tags ?? store.tags;
  }

  add(metric: AnyMetric): void {
    const kind = kindOf(metric);
    const { labels = {}, usedOnly = false, textReadouts = false } = this.options;
    if ((kind === 'text' && !textReadouts) || this.held.has(metric)) return;
    const tagged = this.tags.of(metric);
    const name = familyName(tagged.name);
    const member = { metric, labels: { ...labelsOf(tagged.tags), ...labels }, usedOnly };
    const family = this.families.family(name, kind);
    family.add(member);
    this.held.set(metric, { family, familyName: name, member });
  }

  remove(metric: AnyMetric): void {
    const held = this.held.get(metric);
    if (held === undefined) return;
    this.held.delete(metric);
    held.family.remove(held.member);
    this.families.release(held.familyName, kindOf(metric));
  }

  clear(): void {
    for (const metric of [...this.held.keys()]) this.remove(metric);
  }
}

function labelsOf(tags: readonly Tag[]): Record<string, string> {
  return Object.fromEntries(tags.map((tag) => [sanitize(tag.name), tag.value]));
}
