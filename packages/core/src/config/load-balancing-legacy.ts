/** Messages of a cluster that `load_balancing_policy` has replaced: one for each `lb_policy`, and what they share. */
import type { z } from 'zod';
import { message, required, withDefault } from './message.ts';
import {
  bool,
  double,
  duration,
  enumOf,
  list,
  nonEmpty,
  percent,
  string,
  struct,
  uint32,
  uint64,
} from './proto-json.ts';

const prefix = 'envoy.config.cluster.v3.Cluster.';

/** Envoy `Cluster.LbPolicy`. */
export const lbPolicy = enumOf(
  ['ROUND_ROBIN', 'LEAST_REQUEST', 'RING_HASH', 'RANDOM', 'MAGLEV', 'CLUSTER_PROVIDED', 'LOAD_BALANCING_POLICY_CONFIG'],
  { ORIGINAL_DST_LB: { number: 4, reason: 'use CLUSTER_PROVIDED, as Envoy itself asks for since 1.14' } },
  [0, 1, 2, 3, 5, 6, 7],
);

/** Default and limit of both ring sizes' upper end. */
const MOST_PLACES = 8_388_608;

/** Envoy `RuntimeDouble`: a number that a runtime key may override. */
export const runtimeDouble = message(
  { default_value: withDefault(double(), 0), runtime_key: required(nonEmpty()) },
  { name: 'envoy.config.core.v3.RuntimeDouble' },
);

/** Envoy `Cluster.RingHashLbConfig`. */
export const ringHashLbConfig = message(
  {
    minimum_ring_size: uint64({ max: MOST_PLACES }),
    maximum_ring_size: uint64({ max: MOST_PLACES }),
    hash_function: withDefault(enumOf(['XX_HASH', 'MURMUR_HASH_2']), 'XX_HASH'),
  },
  { name: `${prefix}RingHashLbConfig` },
);

/** Envoy `Cluster.MaglevLbConfig`. */
export const maglevLbConfig = message({ table_size: uint64({ max: 5_000_011 }) }, { name: `${prefix}MaglevLbConfig` });

const slowStart = message(
  { slow_start_window: duration(), aggression: runtimeDouble, min_weight_percent: percent },
  { name: `${prefix}SlowStartConfig` },
);

/** Envoy `Cluster.RoundRobinLbConfig`. */
export const roundRobinLbConfig = message({ slow_start_config: slowStart }, { name: `${prefix}RoundRobinLbConfig` });

/** Envoy `Cluster.LeastRequestLbConfig`. */
export const leastRequestLbConfig = message(
  { choice_count: uint32({ min: 2 }), active_request_bias: runtimeDouble, slow_start_config: slowStart },
  { name: `${prefix}LeastRequestLbConfig` },
);

const subsetSelector = message(
  {
    keys: list(string()),
    single_host_per_subset: withDefault(bool(), false),
    fallback_policy: withDefault(
      enumOf(['NOT_DEFINED', 'NO_FALLBACK', 'ANY_ENDPOINT', 'DEFAULT_SUBSET', 'KEYS_SUBSET']),
      'NOT_DEFINED',
    ),
    fallback_keys_subset: list(string()),
  },
  { name: `${prefix}LbSubsetConfig.LbSubsetSelector` },
);

/** Envoy `Cluster.LbSubsetConfig`; without selectors it does nothing. */
export const lbSubsetConfig = message(
  {
    fallback_policy: withDefault(enumOf(['NO_FALLBACK', 'ANY_ENDPOINT', 'DEFAULT_SUBSET']), 'NO_FALLBACK'),
    default_subset: struct(),
    subset_selectors: list(subsetSelector),
    locality_weight_aware: withDefault(bool(), false),
    scale_locality_weight: withDefault(bool(), false),
    panic_mode_any: withDefault(bool(), false),
    list_as_any: withDefault(bool(), false),
    metadata_fallback_policy: withDefault(enumOf(['METADATA_NO_FALLBACK', 'FALLBACK_LIST']), 'METADATA_NO_FALLBACK'),
  },
  { name: `${prefix}LbSubsetConfig` },
);

const common = `${prefix}CommonLbConfig`;

const zoneAware = message(
  {
    routing_enabled: percent,
    min_cluster_size: uint64(),
    fail_traffic_on_panic: withDefault(bool(), false),
  },
  { name: `${common}.ZoneAwareLbConfig` },
);

const consistentHashing = message(
  { use_hostname_for_hashing: withDefault(bool(), false), hash_balance_factor: uint32({ min: 100 }) },
  { name: `${common}.ConsistentHashingLbConfig` },
);

/** Envoy `HealthStatusSet`. */
const healthStatusSet = message(
  { statuses: list(enumOf(['UNKNOWN', 'HEALTHY', 'UNHEALTHY', 'DRAINING', 'TIMEOUT', 'DEGRADED'])) },
  { name: 'envoy.config.core.v3.HealthStatusSet' },
);

/** Envoy `Cluster.CommonLbConfig`. */
export const commonLbConfig = message(
  {
    healthy_panic_threshold: percent,
    zone_aware_lb_config: zoneAware,
    locality_weighted_lb_config: message({}, { name: `${common}.LocalityWeightedLbConfig` }),
    /** Absent: nothing is merged; making a snapshot is cheap here, and a second of stale health is not. */
    update_merge_window: duration(),
    ignore_new_hosts_until_first_hc: withDefault(bool(), false),
    close_connections_on_host_set_change: withDefault(bool(), false),
    consistent_hashing_lb_config: consistentHashing,
    override_host_status: healthStatusSet,
  },
  { name: common, oneofs: [{ fields: ['zone_aware_lb_config', 'locality_weighted_lb_config'] }] },
);

/** What of a cluster has to do with the choice of its hosts, in the form that came before `load_balancing_policy`. */
export interface LegacyBalancing {
  readonly name: string;
  readonly lbPolicy: z.output<typeof lbPolicy>;
  readonly roundRobinLbConfig?: z.output<typeof roundRobinLbConfig>;
  readonly leastRequestLbConfig?: z.output<typeof leastRequestLbConfig>;
  readonly ringHashLbConfig?: z.output<typeof ringHashLbConfig>;
  readonly maglevLbConfig?: z.output<typeof maglevLbConfig>;
  readonly lbSubsetConfig?: z.output<typeof lbSubsetConfig>;
  readonly commonLbConfig?: z.output<typeof commonLbConfig>;
}
