/** `proxy.clusters`: clusters that come, change and go while the proxy runs. */
import type { ClusterConfig } from '../config/cluster.ts';
import { checkClusters, type JsonResource } from '../config/resources.ts';
import type { Registry } from '../registry.ts';
import type { ClusterManager } from '../upstream/cluster-manager.ts';
import { type BuiltCluster, buildCluster, type ClusterParts } from './clusters.ts';
import {
  isSameConfig,
  type ResourceState,
  refuseStatic,
  resourceState,
  type UpdateGate,
  type UpdateOptions,
  type UpdateResult,
  updateSource,
} from './update-options.ts';

/** Several changes that are checked together: a problem in one of them refuses them all. */
export interface ClusterChanges {
  readonly set?: readonly (ClusterConfig | JsonResource)[];
  readonly remove?: readonly string[];
}

/** What the updates work with. */
export interface ClusterUpdateParts {
  readonly registry: Registry;
  readonly manager: ClusterManager<BuiltCluster>;
  readonly parts: ClusterParts;
  readonly gate: UpdateGate;
}

/**
 * The clusters of a running proxy. A new or changed cluster warms first: it learns its hosts, and checks them where it
 * has health checks, while the one before it, if there is one, goes on. Then it takes its place in one step. Requests
 * under way finish on the cluster that they began with.
 */
export class ClusterUpdates {
  private readonly registry: Registry;
  private readonly manager: ClusterManager<BuiltCluster>;
  private readonly parts: ClusterParts;
  private readonly gate: UpdateGate;

  /** @internal */
  constructor({ registry, manager, parts, gate }: ClusterUpdateParts) {
    this.registry = registry;
    this.manager = manager;
    this.parts = parts;
    this.gate = gate;
  }

  /**
   * Adds a cluster, or replaces the one of its name. Resolves once it is in force.
   * @throws ConfigError with every problem; MeshError `STATIC_RESOURCE`, `NOT_STARTED`, `CLOSED`, or `CONFIG_INVALID` when
   * it cannot be built. Then everything is as it was.
   *
   * @example await proxy.clusters.set(cluster('service1', { endpoints: ['127.0.0.1:9001'] }));
   * @example await proxy.clusters.set({ json: { name: 'service1', type: 'STRICT_DNS', load_assignment: … } }, { version: '7' });
   */
  async set(config: ClusterConfig | JsonResource, options: UpdateOptions = {}): Promise<UpdateResult> {
    const [result] = await this.update({ set: [config] }, options);
    return result as UpdateResult;
  }

  /** Takes a cluster away: requests on it finish, new ones find none (503, flag NC). False when there is none. */
  async remove(name: string, options: UpdateOptions = {}): Promise<boolean> {
    this.gate();
    refuseStatic('cluster', name, this.manager.latest(name)?.source, options);
    return this.manager.remove(name);
  }

  /**
   * Several clusters at once. Either all of them are accepted or, when one of them has a problem, none. They warm side by
   * side; the results come in the order of `set`, once all are in force.
   * @throws as {@link ClusterUpdates.set}; names in `remove` that nobody has are passed over.
   */
  async update({ set = [], remove = [] }: ClusterChanges, options: UpdateOptions = {}): Promise<UpdateResult[]> {
    this.gate();
    const checked = checkClusters(set, { extensions: this.registry, clusters: [] });
    const changed = checked.filter((one) => !isSameConfig(this.manager.latest(one.config.name)?.source, one));
    for (const name of [...changed.map(({ config }) => config.name), ...remove]) {
      refuseStatic('cluster', name, this.manager.latest(name)?.source, options);
    }
    const built = this.buildAll(changed.map((one) => updateSource(one, options)));
    const results = checked.map((one) => this.put(built.get(one.config.name)));
    for (const name of remove) this.manager.remove(name);
    return Promise.all(results);
  }

  private buildAll(sources: readonly BuiltCluster['source'][]): Map<string, BuiltCluster> {
    const built = new Map<string, BuiltCluster>();
    try {
      for (const source of sources) built.set(source.config.name, buildCluster(source, this.parts));
    } catch (error) {
      for (const { cluster, discovery, release } of built.values()) {
        discovery.close();
        cluster.close();
        release();
      }
      throw error;
    }
    return built;
  }

  private async put(member: BuiltCluster | undefined): Promise<UpdateResult> {
    if (member === undefined) return 'unchanged';
    const known = this.manager.latest(member.cluster.name) !== undefined;
    const outcome = await this.manager.put(member);
    if (outcome === 'superseded') return outcome;
    return known ? 'modified' : 'added';
  }

  /** The clusters there are: those in force, then those that warm. */
  list(): ResourceState[] {
    const tell = (state: ResourceState['state']) => (member: BuiltCluster) =>
      resourceState(member.cluster.name, member.source, state);
    return [...this.manager.activeMembers().map(tell('active')), ...this.manager.warmingMembers().map(tell('warming'))];
  }
}
