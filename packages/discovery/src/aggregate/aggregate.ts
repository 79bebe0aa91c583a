/** A cluster of clusters: it has no hosts of its own, and follows those of its members as they come, go and change. */
import {
  type ClusterConfig,
  type Clusters,
  type Discovery,
  type DiscoveryContext,
  MeshError,
  panicThreshold,
  type UpstreamCluster,
} from '@mesh/core';
import { AggregateBalancer, type Member } from './balancer.ts';

/** A member that is there, and what ends the watch over it. */
interface Watched {
  readonly cluster: UpstreamCluster;
  readonly stop: (() => void) | undefined;
}

/** The discovery of one aggregate cluster. */
export class Aggregate implements Discovery {
  readonly phase = 'secondary';
  readonly balancer: AggregateBalancer;
  private readonly memberNames: readonly string[];
  private readonly clusters: Clusters;
  private readonly context: DiscoveryContext<ClusterConfig>;
  private readonly members = new Map<string, Watched>();
  private stopWatch: (() => void) | undefined = undefined;

  /** @throws MeshError `CONFIG_INVALID` when the cluster is to be a member of itself. */
  constructor(names: readonly string[], context: DiscoveryContext<ClusterConfig>) {
    const { clusterName, clusters, random } = context;
    if (names.includes(clusterName)) {
      throw new MeshError('CONFIG_INVALID', `cluster ${clusterName}: an aggregate cluster cannot be made of itself`);
    }
    this.memberNames = names;
    this.clusters = clusters;
    this.context = context;
    this.balancer = new AggregateBalancer(random);
  }

  start(): Promise<void> {
    this.stopWatch = this.clusters.watch?.((name) => {
      if (this.memberNames.includes(name) && this.follow(name)) this.refresh();
    });
    for (const name of this.memberNames) this.follow(name);
    this.refresh();
    return Promise.resolve();
  }

  close(): void {
    this.stopWatch?.();
    for (const { stop } of this.members.values()) stop?.();
    this.members.clear();
    this.balancer.setMembers([], 0);
  }

  /** Watches the cluster that the name stands for now; false when it is the one that is watched already. */
  private follow(name: string): boolean {
    const before = this.members.get(name);
    const cluster = this.clusters.get(name);
    if (before?.cluster === cluster) return false;
    before?.stop?.();
    this.members.delete(name);
    if (cluster !== undefined) this.members.set(name, { cluster, stop: cluster.watch?.(() => this.refresh()) });
    return true;
  }

  private refresh(): void {
    const { config, runtime } = this.context;
    const members = this.memberNames.flatMap((name): Member[] => {
      const cluster = this.members.get(name)?.cluster;
      return cluster?.sets === undefined ? [] : [{ cluster, sets: cluster.sets }];
    });
    const threshold = config.commonLbConfig?.healthyPanicThreshold?.value ?? 50;
    this.balancer.setMembers(members, panicThreshold(runtime, threshold));
  }
}
