/** Clusters of `type: ORIGINAL_DST`. */
import { type ClusterConfig, type DiscoveryContext, defineDiscovery } from '@mesh/core';
import { OriginalDst } from './original-dst.ts';

/**
 * Requests go to the address that they name (`original_dst_lb_config`), or that their connection was meant for where a
 * PROXY protocol header has told. Only addresses in `metadata.filter_metadata["mesh.original_dst"].allow` are dialled;
 * without that list the cluster is refused, since it would connect anybody to anything.
 *
 * @example
 * cluster('there', {
 *   type: 'ORIGINAL_DST',
 *   originalDstLbConfig: { useHttpHeader: true },
 *   metadata: { filterMetadata: { 'mesh.original_dst': { allow: ['10.0.0.0/8'] } } },
 * })
 */
export const originalDstCluster = defineDiscovery({
  name: 'envoy.cluster.original_dst',
  types: ['ORIGINAL_DST'],
  balances: true,
  create: (context: DiscoveryContext<ClusterConfig>) => new OriginalDst(context),
});
