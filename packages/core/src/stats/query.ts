/** Which metrics a listing shows and how histograms are drawn; shared by the text, JSON and Prometheus formats. */

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

/**
 * The key that sorts names as Envoy does: token by token, so that `cluster.a.x` comes before `cluster.a-b.x`
 * although `-` sorts before `.`.
 */
export function sortKey(name: string): string {
  return name.replaceAll('.', '\0');
}
