/** Subsets: hosts divided by what their metadata say, requests sent to those that their route asks for. */
import { defineLoadBalancer } from '@mesh/core';
import { subsetConfig } from './config.ts';
import { SubsetBalancer } from './subset-balancer.ts';

/**
 * Subsets of hosts by their `envoy.lb` metadata (Envoy `lb_subset_config`), each with a policy of its own. Requests ask by
 * the `metadata_match` of their route.
 *
 * @example
 * subset({ subsetSelectors: [{ keys: ['version'] }], fallbackPolicy: 'ANY_ENDPOINT', subsetLbPolicy: roundRobin() })
 */
export const subset = defineLoadBalancer({
  name: 'envoy.load_balancing_policies.subset',
  typeUrl: 'type.googleapis.com/envoy.extensions.load_balancing_policies.subset.v3.Subset',
  config: subsetConfig,
  create: (config, context) => new SubsetBalancer(config, context),
});
