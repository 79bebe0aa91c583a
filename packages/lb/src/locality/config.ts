/** Envoy `LocalityLbConfig`: how the place of a host decides, in the policies that know places. */
import { bool, enumOf, message, percent, uint32, uint64, withDefault } from '@mesh/core/proto';

const LOCALITY = 'envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig';

const zoneAwareLbConfig = message(
  {
    routing_enabled: withDefault(percent, { value: 100 }),
    min_cluster_size: withDefault(uint64(), 6),
    fail_traffic_on_panic: withDefault(bool(), false),
    force_locality_direct_routing: withDefault(bool(), false),
    force_local_zone: message(
      { min_size: withDefault(uint32(), 1) },
      { name: `${LOCALITY}.ZoneAwareLbConfig.ForceLocalZone` },
    ),
    locality_basis: withDefault(enumOf(['HEALTHY_HOSTS_NUM', 'HEALTHY_HOSTS_WEIGHT']), 'HEALTHY_HOSTS_NUM'),
  },
  { name: `${LOCALITY}.ZoneAwareLbConfig` },
);

/** Field `locality_lb_config` of the policies. Without it zone-aware routing has its defaults. */
export const localityLbConfig = message(
  {
    zone_aware_lb_config: zoneAwareLbConfig,
    locality_weighted_lb_config: message({}, { name: `${LOCALITY}.LocalityWeightedLbConfig` }),
  },
  { name: LOCALITY, oneofs: [{ fields: ['zone_aware_lb_config', 'locality_weighted_lb_config'] }] },
);

/** A parsed `locality_lb_config`. */
export type LocalityLbConfig = ReturnType<typeof localityLbConfig.parse>;
/** A parsed `zone_aware_lb_config`. */
export type ZoneAwareLbConfig = ReturnType<typeof zoneAwareLbConfig.parse>;
