/**
 * All clusters by name, with the discoveries that feed them. Invariants: a name has one cluster in force and at most one
 * that warms to take its place; what is taken out of force finishes its requests, and only then is let go.
 */
import { EventEmitter } from 'eventemitter3';
import type { Discovery } from '../api/discovery.ts';
import type { HostNames } from '../api/host-names.ts';
import type { Clusters } from '../api/upstream.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import { type ClusterManagerStats, clusterManagerStats, type Scope } from '../stats/index.ts';
import type { Cluster } from './cluster.ts';
import { RetiredClusters } from './retired-clusters.ts';

/** What a cluster manager tells about itself: the name of a cluster that has come, gone or been replaced. */
export interface ClusterManagerEvents {
  changed: (name: string) => void;
}

/** A cluster with what belongs to it alone. */
export interface ManagedCluster {
  readonly cluster: Cluster;
  readonly discovery: Discovery;
  /** Gives back what it holds besides: statistics, certificates in `/certs`. Called once, last. */
  release(): void;
}

/** What becomes of a cluster that was put: another one for its name, or its removal, may come before it is warm. */
export type PutOutcome = 'in force' | 'superseded';

export class ClusterManager<Managed extends ManagedCluster = ManagedCluster>
  extends EventEmitter<ClusterManagerEvents>
  implements Clusters
{
  private readonly active = new Map<string, Managed>();
  private readonly warming = new Map<string, Warming<Managed>>();
  private readonly retired: RetiredClusters;
  private readonly stats: ClusterManagerStats;
  private closed = false;

  /** `drainTimeMs` is how long requests on a cluster that is gone may take. */
  constructor(scope: Scope, wheel: TimerWheel, drainTimeMs: number) {
    super();
    this.stats = clusterManagerStats(scope.scope('cluster_manager.'));
    this.retired = new RetiredClusters(wheel, drainTimeMs);
  }

  get(name: string): Cluster | undefined {
    return this.active.get(name)?.cluster;
  }

  /** Every cluster in force, in the order in which their names came. */
  all(): Cluster[] {
    return [...this.active.values()].map((member) => member.cluster);
  }

  namesOf(cacheName: string): HostNames | undefined {
    for (const { cluster } of this.active.values()) if (cluster.names?.cacheName === cacheName) return cluster.names;
    return undefined;
  }

  activeMembers(): readonly Managed[] {
    return [...this.active.values()];
  }

  warmingMembers(): readonly Managed[] {
    return [...this.warming.values()].map(({ member }) => member);
  }

  /** What the name will stand for when all is warm. */
  latest(name: string): Managed | undefined {
    return this.warming.get(name)?.member ?? this.active.get(name);
  }

  watch(changed: (name: string) => void): () => void {
    this.on('changed', changed);
    return () => void this.off('changed', changed);
  }

  /**
   * Starts the clusters of the first config: they are in force at once, since nothing is served yet. Resolves when all have
   * hosts and may be used; those that are made of others start when the others have answered.
   */
  async begin(members: readonly Managed[]): Promise<void> {
    for (const member of members) {
      this.active.set(member.cluster.name, member);
      this.stats.cluster_added.inc();
    }
    this.stats.active_clusters.set(this.active.size);
    const primary = members.filter(({ discovery }) => discovery.phase !== 'secondary');
    const secondary = members.filter(({ discovery }) => discovery.phase === 'secondary');
    for (const phase of [primary, secondary]) await Promise.all(phase.map((member) => this.beginOne(member)));
  }

  private async beginOne(member: Managed): Promise<void> {
    this.stats.warming_clusters.inc();
    try {
      await warm(member);
    } finally {
      this.stats.warming_clusters.dec();
    }
    this.emit('changed', member.cluster.name);
  }

  /**
   * Warms a cluster beside the one of its name, if there is one, and then puts it in its place. Rejects when it cannot be
   * started; then everything stays as it was.
   */
  async put(member: Managed): Promise<PutOutcome> {
    const { name } = member.cluster;
    if (this.latest(name) === undefined) this.stats.cluster_added.inc();
    else this.stats.cluster_modified.inc();
    this.dropWarming(name);
    const warming = new Warming(member);
    this.warming.set(name, warming);
    this.stats.warming_clusters.set(this.warming.size);
    try {
      await Promise.race([warm(member), warming.abandoned]);
    } catch (error) {
      if (this.warming.get(name) === warming) this.dropWarming(name);
      throw error;
    }
    if (this.warming.get(name) !== warming) return 'superseded';
    this.warming.delete(name);
    this.stats.warming_clusters.set(this.warming.size);
    const before = this.active.get(name);
    this.active.set(name, member);
    this.stats.active_clusters.set(this.active.size);
    if (before !== undefined) this.retire(before);
    member.cluster.restate();
    this.emit('changed', name);
    return 'in force';
  }

  /** Takes a cluster away: requests on it finish, new ones find no cluster. False when there is none of that name. */
  remove(name: string): boolean {
    const member = this.active.get(name);
    const warmed = this.dropWarming(name);
    if (member === undefined && !warmed) return false;
    this.stats.cluster_removed.inc();
    if (member === undefined) return true;
    this.active.delete(name);
    this.stats.active_clusters.set(this.active.size);
    this.retire(member);
    this.emit('changed', name);
    return true;
  }

  /** Ends the warming of what is no longer wanted; its warming has left its mark on the gauges. */
  private dropWarming(name: string): boolean {
    const warming = this.warming.get(name);
    if (warming === undefined) return false;
    this.warming.delete(name);
    this.stats.warming_clusters.set(this.warming.size);
    warming.abandon();
    end(warming.member);
    this.active.get(name)?.cluster.restate();
    return true;
  }

  private retire(member: Managed): void {
    member.discovery.close();
    member.cluster.retire();
    if (this.closed) letGo(member);
    else this.retired.add(member.cluster, () => letGo(member));
  }

  /** Clusters that are gone and still have something under way. */
  get retiring(): number {
    return this.retired.size;
  }

  /** Ends discoveries and connections. */
  close(): void {
    this.closed = true;
    for (const name of [...this.warming.keys()]) this.dropWarming(name);
    for (const member of this.active.values()) end(member);
    this.active.clear();
    this.retired.close();
    this.removeAllListeners();
  }
}

/** A cluster on its way; it may be given up before it is there, and then nobody waits for it any longer. */
class Warming<Managed> {
  readonly member: Managed;
  readonly abandoned: Promise<void>;
  abandon: () => void = () => {};

  constructor(member: Managed) {
    this.member = member;
    this.abandoned = new Promise((resolve) => {
      this.abandon = resolve;
    });
  }
}

async function warm({ discovery, cluster }: ManagedCluster): Promise<void> {
  await discovery.start();
  await cluster.startMonitors();
}

function end(member: ManagedCluster): void {
  member.discovery.close();
  letGo(member);
}

function letGo(member: ManagedCluster): void {
  member.cluster.close();
  member.release();
}
