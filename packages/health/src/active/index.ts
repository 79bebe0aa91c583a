/** Active health checks: each host of a cluster is asked, again and again, whether it is well. */
import { type ClusterConfig, defineClusterMonitor } from '@mesh/core';
import { ActiveHealthChecks } from './monitor.ts';

/**
 * Serves `health_checks` of clusters: HTTP, TCP and gRPC.
 *
 * @example
 * createProxy({ extensions: [...standard], clusters: [cluster('a', { endpoints, healthChecks: [{ … }] })] })
 */
export const activeHealthChecks = defineClusterMonitor<ClusterConfig>({
  name: 'mesh.cluster_monitors.active_health_checks',
  create: (context) => (context.config.healthChecks.length === 0 ? undefined : new ActiveHealthChecks(context)),
});
