/** The policy of clusters whose type brings its own: it only has a name. */
import { defineLoadBalancer } from '@mesh/core';
import { message } from '@mesh/core/proto';

/** For clusters of types that choose hosts themselves (`ORIGINAL_DST`, aggregate, dynamic forward proxy). */
export const clusterProvided = defineLoadBalancer({
  name: 'envoy.load_balancing_policies.cluster_provided',
  typeUrl: 'type.googleapis.com/envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided',
  config: message({}, { name: 'envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided' }),
  create: () => ({ update() {}, pick: () => undefined }),
});
