/** Chooses a priority over all clusters by its share of the load, and has that cluster's own policy choose within it. */
import {
  type Host,
  type HostSets,
  type LoadBalancer,
  type OverrideHost,
  type PickContext,
  type PriorityChoice,
  type PriorityLevel,
  PriorityLoad,
  type RandomSource,
  type RequestHash,
  type RequestHeaders,
  type UpstreamCluster,
} from '@mesh/core';

/** A cluster with the snapshot of its hosts that the shares were worked out from. */
export interface Member {
  readonly cluster: UpstreamCluster;
  readonly sets: HostSets;
}

/** A priority of one of the clusters, and how its own policy is told of the choice. */
interface Level extends PriorityLevel {
  readonly cluster: UpstreamCluster;
  readonly healthy: PriorityChoice;
  readonly degraded: PriorityChoice;
}

export class AggregateBalancer implements LoadBalancer {
  private readonly random: RandomSource;
  private readonly load = new PriorityLoad();
  private levels: readonly Level[] = [];
  /** What was drawn last, as `PriorityLoad.choose` tells it. */
  private drawn: number | undefined = undefined;
  /** Levels that a request has tried, while one is chosen. */
  private readonly tried: number[] = [];
  private readonly inner = new InnerContext();

  constructor(random: RandomSource) {
    this.random = random;
  }

  /** Its hosts are others': see {@link setMembers}. */
  update(): void {}

  /** Lines the priorities of the clusters up, one cluster after the other; a priority without hosts is left out. */
  setMembers(members: readonly Member[], panicThreshold: number): void {
    this.levels = members.flatMap(levelsOf);
    this.load.updateLevels(this.levels, panicThreshold);
    this.drawn = undefined;
  }

  pick(context: PickContext, reselection: number): Host | undefined {
    // Who asks again wants another host of the same priority.
    const drawn = reselection > 0 && this.drawn !== undefined ? this.drawn : this.drawFor(context);
    const level = this.levels[drawn < 0 ? ~drawn : drawn];
    if (level === undefined) return undefined;
    this.drawn = drawn;
    const { inner } = this;
    inner.outer = context;
    inner.within = drawn < 0 ? level.degraded : level.healthy;
    const host = level.cluster.choose?.(inner, reselection);
    inner.outer = NOTHING;
    return host;
  }

  private drawFor(context: PickContext): number {
    const percent = Math.floor(this.random() * 100);
    const { triedHosts } = context;
    if (triedHosts === undefined || triedHosts.length === 0) return this.load.choose(percent);
    const { tried, levels } = this;
    tried.length = 0;
    for (let i = 0; i < levels.length; i++) {
      if (triedHosts.some((host) => levels[i]?.hosts.hosts.includes(host))) tried.push(i);
    }
    const choice = this.load.chooseWithout(percent, tried);
    if (choice !== undefined) return choice;
    context.onNoPriorityLeft?.();
    return this.load.choose(percent);
  }
}

function levelsOf({ cluster, sets }: Member): Level[] {
  return sets.priorities
    .filter(({ hosts }) => hosts.length > 0)
    .map((hosts) => {
      const { priority } = hosts;
      const healthy = { priority, degraded: false };
      return { cluster, sets, hosts, healthy, degraded: { priority, degraded: true } };
    });
}

const NOTHING: PickContext = Object.freeze({});

/** A request's context with the priority that was drawn for it; one object serves all, because a choice is over at once. */
class InnerContext implements PickContext {
  outer: PickContext = NOTHING;
  within: PriorityChoice | undefined = undefined;

  get headers(): RequestHeaders | undefined {
    return this.outer.headers;
  }
  get metadataMatch(): Readonly<Record<string, unknown>> | undefined {
    return this.outer.metadataMatch;
  }
  hash(by?: RequestHash): bigint | undefined {
    return this.outer.hash?.(by);
  }
  get reselections(): number {
    return this.outer.reselections ?? 0;
  }
  shouldSkip(host: Host): boolean {
    return this.outer.shouldSkip?.(host) ?? false;
  }
  get overrideHost(): OverrideHost | undefined {
    return this.outer.overrideHost;
  }
  get originalDestination(): string | undefined {
    return this.outer.originalDestination;
  }
  get dynamicMetadata(): ReadonlyMap<string, unknown> | undefined {
    return this.outer.dynamicMetadata;
  }
  get filterState(): ReadonlyMap<string, unknown> | undefined {
    return this.outer.filterState;
  }
  get serverName(): string | undefined {
    return this.outer.serverName;
  }
}
