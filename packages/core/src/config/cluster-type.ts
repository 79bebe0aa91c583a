/** `cluster_type`: where a cluster's endpoints come from, as an extension. */
import type { ClusterConfig } from './cluster.ts';
import { extension } from './extension.ts';
import type { DeepPartial } from './message.ts';
import type { Report } from './schema-type.ts';

/** Envoy `Cluster.CustomClusterType`: looked up in the registry, by the type of its config or else by its name. */
export const clusterType = extension('discovery', {
  name: 'envoy.config.cluster.v3.Cluster.CustomClusterType',
  extra: {},
  known: {},
});

/** Where a cluster's endpoints come from, for people: `/config_dump`, logs, `explain`. */
export function typeName({ clusterType, type }: Pick<ClusterConfig, 'clusterType' | 'type'>): string {
  return clusterType === undefined ? type.toLowerCase() : clusterType.definition.name;
}

/** Rules of clusters whose hosts are made on demand, in Envoy's words. */
export function checkOriginalDst(cluster: DeepPartial<ClusterConfig>, report: Report): void {
  const { type, lbPolicy, loadAssignment, originalDstLbConfig: config } = cluster;
  if (type !== 'ORIGINAL_DST') return;
  if (lbPolicy !== undefined && lbPolicy !== 'CLUSTER_PROVIDED') {
    const message = `cluster: LB policy ${lbPolicy} is not valid for Cluster type ORIGINAL_DST. Only 'CLUSTER_PROVIDED' is allowed with cluster type 'ORIGINAL_DST'`;
    report({ path: ['lb_policy'], message });
  }
  if (loadAssignment !== undefined) {
    report({ path: ['load_assignment'], message: 'ORIGINAL_DST clusters must have no load assignment configured' });
  }
  const header = config?.httpHeaderName ?? '';
  if (header === '' || config?.useHttpHeader === true) return;
  const message = `ORIGINAL_DST cluster: invalid config http_header_name=${header} and use_http_header is false. Set use_http_header to true if http_header_name is desired.`;
  report({ path: ['original_dst_lb_config', 'http_header_name'], message });
}
