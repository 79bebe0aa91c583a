/** The `lb_subsets_…` counters of a cluster; Envoy's names. */
import type { Counter, Gauge, StatsScope } from '@mesh/core';

export interface SubsetStats {
  readonly active: Gauge;
  readonly created: Counter;
  readonly removed: Counter;
  readonly selected: Counter;
  readonly fallback: Counter;
  readonly fallbackPanic: Counter;
  readonly duplicates: Gauge;
}

/** `stats` is the scope `cluster.<name>.`. */
export function subsetStats(stats: StatsScope): SubsetStats {
  return {
    active: stats.gauge('lb_subsets_active'),
    created: stats.counter('lb_subsets_created'),
    removed: stats.counter('lb_subsets_removed'),
    selected: stats.counter('lb_subsets_selected'),
    fallback: stats.counter('lb_subsets_fallback'),
    fallbackPanic: stats.counter('lb_subsets_fallback_panic'),
    duplicates: stats.gauge('lb_subsets_single_host_per_subset_duplicate'),
  };
}
