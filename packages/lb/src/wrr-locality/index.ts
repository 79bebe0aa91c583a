/** `envoy.load_balancing_policies.wrr_locality`: localities by their weights, hosts by another policy. */
import { defineLoadBalancer, MeshError } from '@mesh/core';
import { loadBalancingPolicy, message, required } from '@mesh/core/proto';
import { clientSideWeightedRoundRobin } from '../client-side-weighted-round-robin/index.ts';

const OTHER_POLICY =
  'Currently WrrLocalityLoadBalancer only supports ClientSideWeightedRoundRobinLoadBalancer as its endpoint picking policy.';

const config = message(
  { endpoint_picking_policy: required(loadBalancingPolicy('No supported endpoint picking policy. Asked for: ')) },
  {
    name: 'envoy.extensions.load_balancing_policies.wrr_locality.v3.WrrLocality',
    check({ endpointPickingPolicy: chosen }, report) {
      // What comes from a file has no name yet.
      if (chosen?.name === undefined || chosen.name === clientSideWeightedRoundRobin.name) return;
      report({ path: ['endpoint_picking_policy'], message: OTHER_POLICY });
    },
  },
);

/**
 * Divides requests among localities by their weights and leaves the choice within one to `endpointPickingPolicy`, which must
 * be `clientSideWeightedRoundRobin`, as in Envoy.
 *
 * @example wrrLocality({ endpointPickingPolicy: clientSideWeightedRoundRobin() })
 */
export const wrrLocality = defineLoadBalancer({
  name: 'envoy.load_balancing_policies.wrr_locality',
  typeUrl: 'type.googleapis.com/envoy.extensions.load_balancing_policies.wrr_locality.v3.WrrLocality',
  config,
  create({ endpointPickingPolicy: chosen }, context) {
    if (chosen.name !== clientSideWeightedRoundRobin.name) {
      throw new MeshError('CONFIG_INVALID', `cluster ${context.clusterName}: ${OTHER_POLICY}`);
    }
    const weighted = { ...(chosen.config as object), localityLbConfig: { localityWeightedLbConfig: {} } };
    return context.make({ ...chosen, config: weighted });
  },
});
