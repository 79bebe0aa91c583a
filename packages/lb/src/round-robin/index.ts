/** `envoy.load_balancing_policies.round_robin`: hosts in turn, by weight. */
import { defineLoadBalancer } from '@mesh/core';
import { message } from '@mesh/core/proto';
import { localityLbConfig } from '../locality/config.ts';
import { slowStartConfig } from '../slow-start/config.ts';
import { RoundRobin } from './round-robin.ts';

const config = message(
  { slow_start_config: slowStartConfig, locality_lb_config: localityLbConfig },
  { name: 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin' },
);

/**
 * Hosts in turn; where their weights differ, in the order of earliest deadlines. The default policy of a cluster.
 *
 * @example cluster('api', { …, loadBalancing: roundRobin({ slowStartConfig: { slowStartWindow: '30s' } }) })
 */
export const roundRobin = defineLoadBalancer({
  name: 'envoy.load_balancing_policies.round_robin',
  typeUrl: 'type.googleapis.com/envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin',
  config,
  create: (settings, context) => new RoundRobin(settings ?? {}, context),
});
