/** Which metrics a listing shows and how histograms are drawn; shared by the text, JSON and Prometheus formats. */
import type { Histogram } from './histogram.ts';
import type { Counter, Gauge, TextReadout } from './metrics.ts';
import type { StatsView } from './store.ts';

/** `?histogram_buckets=`: quantiles, buckets counted up to each bound, buckets alone, or every filled bin. */
export type HistogramMode = 'summary' | 'cumulative' | 'disjoint' | 'detailed';

/** `?type=`. */
export type StatsType = 'All' | 'Counters' | 'Gauges' | 'Histograms' | 'TextReadouts';

/** What `/stats` was asked for; every field left out means no restriction. */
export interface StatsQuery {
  readonly usedOnly?: boolean;
  /** Keeps a metric by its full name. */
  readonly matches?: (name: string) => boolean;
  readonly type?: StatsType;
  /** Default `summary`. */
  readonly histogramMode?: HistogramMode;
}

/** The metrics that a query keeps, in printing order. */
export interface Selection {
  readonly textReadouts: TextReadout[];
  readonly counters: Counter[];
  readonly gauges: Gauge[];
  readonly histograms: Histogram[];
}

/** Applies a query. */
export function select(view: StatsView, query: StatsQuery): Selection {
  const type = query.type ?? 'All';
  const keep = <T extends { readonly name: string; readonly used: boolean }>(kind: StatsType, list: () => T[]): T[] => {
    if (type !== 'All' && type !== kind) return [];
    return list().filter((metric) => (!query.usedOnly || metric.used) && (query.matches?.(metric.name) ?? true));
  };
  return {
    textReadouts: keep('TextReadouts', () => view.textReadouts()),
    counters: keep('Counters', () => view.counters()),
    gauges: keep('Gauges', () => view.gauges()),
    histograms: keep('Histograms', () => view.histograms()),
  };
}

/**
 * The key that sorts names as Envoy does: token by token, so that `cluster.a.x` comes before `cluster.a-b.x`
 * although `-` sorts before `.`.
 */
export function sortKey(name: string): string {
  return name.replaceAll('.', '\0');
}

/** Counters and gauges together, by name. */
export function countersAndGauges(selection: Selection): (Counter | Gauge)[] {
  const metrics: (Counter | Gauge)[] = [...selection.counters, ...selection.gauges];
  return sortByName(metrics);
}

/** Sorts by {@link sortKey} and returns the same array. */
function sortByName<T extends { readonly name: string }>(metrics: T[]): T[] {
  const keyed = metrics.map((metric) => ({ metric, key: sortKey(metric.name) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map((pair) => pair.metric);
}
