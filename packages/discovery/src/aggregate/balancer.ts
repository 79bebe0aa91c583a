/** Chooses a priority over all clusters by its share of the load, and has that cluster's own policy choose within it. */
import type {
  Host,
  HostSets,
  LoadBalancer,
  OverrideHost,
  PickContext,
  PriorityChoice,
  RandomSource,
  RequestHash,
  RequestHeaders,
  UpstreamCluster,
} from '@mesh/core';
import { type LevelHosts, loadWithout, type PriorityLoad, priorityLoad } from './priority-load.ts';

/** A cluster with the snapshot of its hosts that the shares were worked out from. */
export interface Member {
  readonly cluster: UpstreamCluster;
  readonly sets: HostSets;
}

/** A priority of one of the clusters. */
interface Level extends LevelHosts {
  readonly cluster: UpstreamCluster;
}

/** A part of the load: draws up to `upTo` (of 100) go there. */
interface Share {
  readonly cluster: UpstreamCluster;
  readonly choice: PriorityChoice;
  readonly upTo: number;
}

export class AggregateBalancer implements LoadBalancer {
  private readonly random: RandomSource;
  private levels: readonly Level[] = [];
  private shares: readonly Share[] = [];
  private drawn: Share | undefined = undefined;
  private readonly inner = new InnerContext();

  constructor(random: RandomSource) {
    this.random = random;
  }

  /** Its hosts are others': see {@link setMembers}. */
  update(): void {}

  /** Lines the priorities of the clusters up, one cluster after the other; a priority without hosts is left out. */
  setMembers(members: readonly Member[], panicThreshold: number): void {
    const levels = members.flatMap(({ cluster, sets }) =>
      sets.priorities.filter(({ hosts }) => hosts.length > 0).map((hosts) => ({ cluster, sets, hosts })),
    );
    this.levels = levels;
    this.shares = sharesOf(levels, priorityLoad(levels, panicThreshold));
    this.drawn = undefined;
  }

  pick(context: PickContext, reselection: number): Host | undefined {
    // Who asks again wants another host of the same priority.
    const share = reselection > 0 && this.drawn !== undefined ? this.drawn : this.drawFor(context);
    if (share === undefined) return undefined;
    this.drawn = share;
    const { inner } = this;
    inner.outer = context;
    inner.within = share.choice;
    const host = share.cluster.choose?.(inner, reselection);
    inner.outer = NOTHING;
    return host;
  }

  private drawFor(context: PickContext): Share | undefined {
    const { triedHosts } = context;
    if (triedHosts === undefined || triedHosts.length === 0) return this.draw(this.shares);
    const left = this.levels.map(({ hosts }) => !triedHosts.some((host) => hosts.hosts.includes(host)));
    const load = loadWithout(this.levels, left);
    if (load !== undefined) return this.draw(sharesOf(this.levels, load));
    context.onNoPriorityLeft?.();
    return this.draw(this.shares);
  }

  private draw(shares: readonly Share[]): Share | undefined {
    if (shares.length <= 1) return shares[0];
    const draw = this.random() * 100;
    for (let i = 0; i < shares.length; i++) if (draw < (shares[i] as Share).upTo) return shares[i];
    return shares[shares.length - 1];
  }
}

function sharesOf(levels: readonly Level[], load: PriorityLoad): Share[] {
  const shares: Share[] = [];
  let upTo = 0;
  for (const degraded of [false, true]) {
    for (const [index, { cluster, hosts }] of levels.entries()) {
      const share = (degraded ? load.degraded : load.healthy)[index] as number;
      if (share === 0) continue;
      upTo += share;
      shares.push({ cluster, choice: { priority: hosts.priority, degraded }, upTo });
    }
  }
  return shares;
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
