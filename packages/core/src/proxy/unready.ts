/** What listeners wait for before they accept connections, for `/init_dump`. */
import type { UnreadyTargets } from '../admin/index.ts';
import type { ClusterManager } from '../upstream/cluster-manager.ts';
import type { BuiltCluster } from './clusters.ts';
import type { ListenerManager } from './listener-manager.ts';

/** Before the start every listener waits for the clusters that are not warm; later one at a time waits for its address. */
export function unreadyTargets(
  listeners: ListenerManager,
  clusters: ClusterManager<BuiltCluster>,
): readonly UnreadyTargets[] {
  if (listeners.isStarted) {
    return listeners.warming === undefined
      ? []
      : [{ name: manager(listeners.warming.source.config.name), targets: ['bind'] }];
  }
  const targets = clusters.warmingMembers().map(({ cluster }) => `Cluster ${cluster.name}`);
  return listeners.running.map(({ source }) => ({ name: manager(source.config.name), targets }));
}

/** The name that Envoy gives to what initializes a listener. */
function manager(listener: string): string {
  return `init manager Listener-local-init-manager ${listener}`;
}
