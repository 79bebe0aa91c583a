/** What the policies that hash have in common (Envoy `ConsistentHashingLbConfig`). */
import { bool, message, uint32, withDefault } from '@mesh/core/proto';

const COMMON = 'envoy.extensions.load_balancing_policies.common.v3';

/** Field `consistent_hashing_lb_config` of the policies. */
export const consistentHashingLbConfig = message(
  {
    use_hostname_for_hashing: withDefault(bool(), false),
    hash_balance_factor: uint32(),
  },
  { name: `${COMMON}.ConsistentHashingLbConfig`, known: { hash_policy: 'use the hash_policy of routes' } },
);

/** Field `locality_weighted_lb_config`: present or not. */
export const localityWeightedLbConfig = message({}, { name: `${COMMON}.LocalityLbConfig.LocalityWeightedLbConfig` });

/** What a hashing policy runs on. */
export interface HashingSettings {
  /** The host name instead of the address is hashed. */
  readonly useHostnameForHashing: boolean;
  /** Percent of the average load that a host may have, 100 and more; 0 is without bounds. */
  readonly hashBalanceFactor: number;
  /** Localities get the shares that their weights say. */
  readonly localityWeighted: boolean;
}
