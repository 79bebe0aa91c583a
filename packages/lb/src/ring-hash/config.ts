/** Envoy `RingHash`. */
import { bool, enumOf, message, uint32, uint64, withDefault } from '@mesh/core/proto';
import type { z } from 'zod';
import {
  consistentHashingLbConfig,
  type HashingSettings,
  localityWeightedLbConfig,
  requestHashOf,
} from '../hashing/config.ts';
import type { RingSettings } from './ring.ts';

/** Default and limit of both sizes' upper end. */
const MOST_PLACES = 8_388_608;

/** The config message. */
export const ringHashConfig = message(
  {
    hash_function: withDefault(enumOf(['DEFAULT_HASH', 'XX_HASH', 'MURMUR_HASH_2']), 'DEFAULT_HASH'),
    minimum_ring_size: withDefault(uint64({ max: MOST_PLACES }), 1024),
    maximum_ring_size: withDefault(uint64({ max: MOST_PLACES }), MOST_PLACES),
    use_hostname_for_hashing: withDefault(bool(), false),
    hash_balance_factor: uint32(),
    consistent_hashing_lb_config: consistentHashingLbConfig,
    locality_weighted_lb_config: localityWeightedLbConfig,
  },
  {
    name: 'envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash',
    check({ minimumRingSize: minimum, maximumRingSize: maximum }, report) {
      if (minimum === undefined || maximum === undefined || minimum <= maximum) return;
      report({
        path: [minimum === 1024 ? 'maximum_ring_size' : 'minimum_ring_size'],
        message: `ring hash: minimum_ring_size (${minimum}) > maximum_ring_size (${maximum})`,
      });
    },
  },
);

/** What a ring hash balancer runs on. */
export interface RingHashSettings extends RingSettings, HashingSettings {}

/** The newer message takes the place of the fields beside it. */
export function ringHashSettings(config: z.output<typeof ringHashConfig>): RingHashSettings {
  const common = config.consistentHashingLbConfig ?? config;
  return {
    minimumRingSize: config.minimumRingSize,
    maximumRingSize: config.maximumRingSize,
    hashFunction: config.hashFunction === 'MURMUR_HASH_2' ? 'MURMUR_HASH_2' : 'XX_HASH',
    useHostnameForHashing: common.useHostnameForHashing,
    hashBalanceFactor: common.hashBalanceFactor ?? 0,
    localityWeighted: config.localityWeightedLbConfig !== undefined,
    requestHash: requestHashOf(config.consistentHashingLbConfig),
  };
}
