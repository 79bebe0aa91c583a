/** All clusters by name, with the discoveries that feed them. */
import { EventEmitter } from 'eventemitter3';
import type { Discovery } from '../api/discovery.ts';
import type { Clusters } from '../api/upstream.ts';
import { type ClusterManagerStats, clusterManagerStats, type Scope } from '../stats/index.ts';
import type { Cluster } from './cluster.ts';

/** What a cluster manager tells about itself. */
export interface ClusterManagerEvents {
  added: (cluster: Cluster) => void;
  removed: (cluster: Cluster) => void;
}

interface Member {
  readonly cluster: Cluster;
  readonly discovery: Discovery;
}

export class ClusterManager extends EventEmitter<ClusterManagerEvents> implements Clusters {
  private readonly members = new Map<string, Member>();
  private readonly stats: ClusterManagerStats;

  constructor(scope: Scope) {
    super();
    this.stats = clusterManagerStats(scope.scope('cluster_manager.'));
  }

  get(name: string): Cluster | undefined {
    return this.members.get(name)?.cluster;
  }

  /** Every cluster, in the order in which they were added. */
  all(): Cluster[] {
    return [...this.members.values()].map((member) => member.cluster);
  }

  /** Adds a cluster and starts its discovery; resolves when it has answered once. The name must be new. */
  async add(cluster: Cluster, discovery: Discovery): Promise<void> {
    this.members.set(cluster.name, { cluster, discovery });
    this.stats.cluster_added.inc();
    this.stats.active_clusters.set(this.members.size);
    this.stats.warming_clusters.inc();
    try {
      await discovery.start();
      await cluster.startMonitors();
    } finally {
      this.stats.warming_clusters.dec();
    }
    this.emit('added', cluster);
  }

  /** Takes a cluster away: requests on it finish, new ones find no cluster. */
  remove(name: string): boolean {
    const member = this.members.get(name);
    if (member === undefined) return false;
    this.members.delete(name);
    member.discovery.close();
    for (const host of member.cluster.hosts) host.drain();
    member.cluster.closeTransports();
    this.stats.cluster_removed.inc();
    this.stats.active_clusters.set(this.members.size);
    this.emit('removed', member.cluster);
    return true;
  }

  /** Ends discoveries and connections. */
  close(): void {
    for (const { cluster, discovery } of this.members.values()) {
      discovery.close();
      cluster.close();
    }
    this.members.clear();
  }
}
