/** What the policies that hash have in common (Envoy `ConsistentHashingLbConfig`). */
import { HashPolicies, type RequestHash } from '@mesh/core';
import { bool, hashPolicy, list, message, uint32, withDefault } from '@mesh/core/proto';
import type { z } from 'zod';

const COMMON = 'envoy.extensions.load_balancing_policies.common.v3';

/** Field `consistent_hashing_lb_config` of the policies. */
export const consistentHashingLbConfig = message(
  {
    use_hostname_for_hashing: withDefault(bool(), false),
    hash_balance_factor: uint32(),
    hash_policy: list(hashPolicy),
  },
  { name: `${COMMON}.ConsistentHashingLbConfig` },
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
  /** What requests are hashed by in the place of their routes' policies. */
  readonly requestHash?: RequestHash | undefined;
}

/** The policy's own way to hash requests; `undefined` leaves that to their routes. */
export function requestHashOf(config: z.output<typeof consistentHashingLbConfig> | undefined): RequestHash | undefined {
  const { hashPolicy: policies = [] } = config ?? {};
  return policies.length === 0 ? undefined : new HashPolicies(policies);
}
