/** The cluster that the proxy is a member of, for policies that keep traffic near. */
import type { LocalCluster } from '../api/load-balancer.ts';
import type { ClusterManager } from '../upstream/cluster-manager.ts';
import { NO_HOST_SETS } from '../upstream/host-sets.ts';

/** Follows the cluster of this name, also when it is replaced; `undefined` without a name. */
export function localCluster(name: string, clusters: ClusterManager): LocalCluster | undefined {
  if (name === '') return undefined;
  return {
    name,
    sets: () => clusters.get(name)?.sets ?? NO_HOST_SETS,
    watch: (changed) => {
      let end = clusters.get(name)?.watch(changed);
      const endClusters = clusters.watch((which) => {
        if (which !== name) return;
        end?.();
        end = clusters.get(name)?.watch(changed);
        changed();
      });
      return () => {
        end?.();
        endClusters();
      };
    },
  };
}
