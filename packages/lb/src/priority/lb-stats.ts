/** The `lb_…` counters of a cluster that the choice of hosts charges; Envoy's names. */
import type { Counter, StatsScope } from '@mesh/core';

export interface LbStats {
  readonly healthyPanic: Counter;
  readonly localClusterNotOk: Counter;
  readonly recalculateZoneStructures: Counter;
  readonly zoneClusterTooSmall: Counter;
  readonly zoneNoCapacityLeft: Counter;
  readonly zoneAllDirectly: Counter;
  readonly zoneSampled: Counter;
  readonly zoneCrossZone: Counter;
}

/** `stats` is the scope `cluster.<name>.`. */
export function lbStats(stats: StatsScope): LbStats {
  return {
    healthyPanic: stats.counter('lb_healthy_panic'),
    localClusterNotOk: stats.counter('lb_local_cluster_not_ok'),
    recalculateZoneStructures: stats.counter('lb_recalculate_zone_structures'),
    zoneClusterTooSmall: stats.counter('lb_zone_cluster_too_small'),
    zoneNoCapacityLeft: stats.counter('lb_zone_no_capacity_left'),
    zoneAllDirectly: stats.counter('lb_zone_routing_all_directly'),
    zoneSampled: stats.counter('lb_zone_routing_sampled'),
    zoneCrossZone: stats.counter('lb_zone_routing_cross_zone'),
  };
}
