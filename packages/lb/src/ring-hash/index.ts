/** Ring hash: hosts at many places of a circle; a request goes to the first one at or behind its hash. */
import { defineLoadBalancer } from '@mesh/core';
import { HashBalancer } from '../hashing/hash-balancer.ts';
import { ringHashConfig, ringHashSettings } from './config.ts';
import { Ring } from './ring.ts';

/**
 * Consistent hashing over a ring (Envoy `RING_HASH`). It takes the request's hash from `hash_policy` of its own, or else from that
 * of the route.
 *
 * @example cluster('cache', { endpoints, loadBalancing: ringHash({ minimumRingSize: 4096 }) })
 */
export const ringHash = defineLoadBalancer({
  name: 'envoy.load_balancing_policies.ring_hash',
  typeUrl: 'type.googleapis.com/envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash',
  config: ringHashConfig,
  create(config, context) {
    const settings = ringHashSettings(config);
    const stats = context.stats.scope('ring_hash_lb.');
    const gauges = {
      size: stats.gauge('size'),
      fewest: stats.gauge('min_hashes_per_host'),
      most: stats.gauge('max_hashes_per_host'),
    };
    return new HashBalancer(context, settings, (members) => new Ring(members, settings, gauges));
  },
});
