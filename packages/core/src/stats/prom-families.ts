/** Metrics of stores as families of a prom-client registry; stores that are bound to the same registry share them. */
import { Histogram } from './histogram.ts';
import { Counter, Gauge, TextReadout } from './metrics.ts';
import type { AnyMetric } from './store.ts';

/** The part of prom-client's `Registry` that families need. */
export interface FamilyRegistry {
  getSingleMetric(name: string): unknown;
  registerMetric(metric: never): void;
  removeSingleMetric(name: string): void;
}

/** What a family is registered as. Text readouts are gauges of value 0. */
export type FamilyKind = 'counter' | 'gauge' | 'histogram' | 'text';

/** One value as prom-client prints it. */
interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

/** One metric of one store, in its family. */
export interface Member {
  readonly metric: AnyMetric;
  readonly labels: Readonly<Record<string, string>>;
  /** Unused metrics are left out. */
  readonly usedOnly: boolean;
}

/** The kind of family that shows a metric. */
export function kindOf(metric: AnyMetric): FamilyKind {
  if (metric instanceof Counter) return 'counter';
  if (metric instanceof Gauge) return 'gauge';
  return metric instanceof Histogram ? 'histogram' : 'text';
}

/** What prom-client asks of a metric: a name, a help line, a type and its values. */
export class Family {
  /** prom-client cuts `_total` off the names of counters when it writes OpenMetrics. */
  name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly aggregator = 'sum';
  /** Under which the registry has it. */
  readonly registeredAs: string;
  /** By labels: metrics of two proxies that nobody tells apart are added up. */
  private readonly members = new Map<string, Member[]>();

  constructor(name: string, kind: FamilyKind) {
    this.name = name;
    this.registeredAs = name;
    this.help = name;
    this.type = kind === 'text' ? 'gauge' : kind;
  }

  get empty(): boolean {
    return this.members.size === 0;
  }

  add(member: Member): void {
    const key = keyOf(member);
    const same = this.members.get(key);
    if (same === undefined) this.members.set(key, [member]);
    else same.push(member);
  }

  remove(member: Member): void {
    const key = keyOf(member);
    const rest = (this.members.get(key) ?? []).filter((other) => other !== member);
    if (rest.length === 0) this.members.delete(key);
    else this.members.set(key, rest);
  }

  /** Called with each scrape. */
  get(): { name: string; help: string; type: string; aggregator: string; values: Sample[] } {
    const values: Sample[] = [];
    for (const all of this.members.values()) {
      const members = all.filter(({ metric, usedOnly }) => !usedOnly || metric.used);
      const [first] = members;
      if (first === undefined) continue;
      if (first.metric instanceof Histogram) this.addHistogram(values, first.metric, members);
      else values.push(scalar(members, first));
    }
    return { name: this.name, help: this.help, type: this.type, aggregator: this.aggregator, values };
  }

  /** Called by `registry.resetMetrics()`, which must not disturb the proxy's own books. */
  reset(): void {}

  private addHistogram(values: Sample[], { buckets }: Histogram, members: readonly Member[]): void {
    const labels = members[0]?.labels ?? {};
    const below = buckets.map(() => 0);
    let total = 0;
    let sum = 0;
    for (const { metric } of members) {
      const counts = (metric as Histogram).cumulative;
      counts.cumulativeBuckets(buckets).forEach((count, index) => {
        below[index] = (below[index] ?? 0) + count;
      });
      total += counts.count;
      sum += counts.sum;
    }
    const metricName = `${this.name}_bucket`;
    for (const [index, le] of buckets.entries()) {
      values.push({ value: below[index] ?? 0, labels: { ...labels, le }, metricName });
    }
    values.push({ value: total, labels: { ...labels, le: '+Inf' }, metricName });
    values.push({ value: sum, labels, metricName: `${this.name}_sum` });
    values.push({ value: total, labels, metricName: `${this.name}_count` });
  }
}

function scalar(members: readonly Member[], { labels, metric }: Member): Sample {
  if (metric instanceof TextReadout) return { value: 0, labels: { ...labels, text_value: metric.value } };
  let value = 0;
  for (const { metric: each } of members) value += (each as Counter | Gauge).value;
  return { value, labels };
}

function keyOf({ labels }: Member): string {
  return JSON.stringify(labels);
}

const byRegistry = new WeakMap<FamilyRegistry, RegistryFamilies>();

/** The families of one registry. */
export class RegistryFamilies {
  private readonly registry: FamilyRegistry;
  private readonly families = new Map<string, Family>();

  private constructor(registry: FamilyRegistry) {
    this.registry = registry;
  }

  /** The same ones for everyone who asks for a registry's. */
  static of(registry: FamilyRegistry): RegistryFamilies {
    const known = byRegistry.get(registry) ?? new RegistryFamilies(registry);
    byRegistry.set(registry, known);
    return known;
  }

  /** The family of a name and kind, which is registered by then, even if somebody has cleared the registry. */
  family(name: string, kind: FamilyKind): Family {
    const key = `${kind} ${name}`;
    const family = this.families.get(key) ?? new Family(this.freeName(name, kind), kind);
    this.families.set(key, family);
    if (this.registry.getSingleMetric(family.registeredAs) === undefined) {
      this.registry.registerMetric(family as never);
    }
    return family;
  }

  /** Takes a family out that has no members any more. */
  release(name: string, kind: FamilyKind): void {
    const key = `${kind} ${name}`;
    const family = this.families.get(key);
    if (family === undefined || !family.empty) return;
    this.families.delete(key);
    if (this.registry.getSingleMetric(family.registeredAs) === family) {
      this.registry.removeSingleMetric(family.registeredAs);
    }
  }

  private freeName(name: string, kind: FamilyKind): string {
    let free = name;
    for (let tries = 1; this.registry.getSingleMetric(free) !== undefined; tries++) {
      free = tries === 1 ? `${name}_${kind}` : `${name}_${kind}_${tries}`;
    }
    return free;
  }
}
