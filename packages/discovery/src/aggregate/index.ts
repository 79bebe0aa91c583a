/** `envoy.clusters.aggregate`: several clusters as one, the first ones preferred. */
import { type ClusterConfig, type DiscoveryContext, defineDiscovery } from '@mesh/core';
import { list, message, nonEmpty } from '@mesh/core/proto';
import { Aggregate } from './aggregate.ts';

const TYPE = 'envoy.extensions.clusters.aggregate.v3.ClusterConfig';

const config = message({ clusters: { ...list(nonEmpty(), { min: 1 }), presence: 'required' } }, { name: TYPE });

type Config = ReturnType<typeof config.parse>;

/**
 * Requests go to the first cluster for as long as its hosts are well, and spill over to the next ones as priorities of one
 * cluster would. The chosen cluster's own policy, pools and limits are used; responses, retries and timeouts are counted
 * on the aggregate. Members that do not exist are left out until they do; a member that is an aggregate itself has no
 * hosts to give, as in Envoy.
 *
 * @example cluster('all', { clusterType: aggregate({ clusters: ['near', 'far'] }) })
 */
export const aggregate = defineDiscovery({
  name: 'envoy.clusters.aggregate',
  typeUrl: `type.googleapis.com/${TYPE}`,
  config,
  balances: true,
  create: (context: DiscoveryContext<ClusterConfig, Config>) => new Aggregate(context.typeConfig.clusters, context),
});
