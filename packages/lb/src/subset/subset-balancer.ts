/**
 * Subsets of a cluster's hosts, each with a policy of its own. A request goes to the subset whose keys and values are just
 * those that its route asks for (`metadata_match`); when there is none, fallbacks decide.
 */
import type { Host, HostSets, LoadBalancer, LoadBalancerContext, PickContext } from '@mesh/core';
import type { SubsetConfig } from './config.ts';
import { type Criteria, narrowed, pathOf } from './criteria.ts';
import { Divider, type Part } from './division.ts';
import { Selectors } from './selectors.ts';
import { type SubsetStats, subsetStats } from './stats.ts';
import type { SubSnapshot } from './sub-snapshot.ts';

/** Alternatives to what a request asks for (Envoy `metadata_fallback_policy`). */
const FALLBACK_LIST = 'fallback_list';

/** Where requests with certain criteria go: into one subset, or through the cluster's fallback. */
interface Plan {
  readonly target: LoadBalancer | undefined;
  readonly by: 'subset' | 'selector' | 'cluster';
}

/** Plans hold for one snapshot. */
interface Plans {
  readonly snapshot: number;
  readonly inTurn: readonly Plan[];
}

export class SubsetBalancer implements LoadBalancer {
  private readonly config: SubsetConfig;
  private readonly context: LoadBalancerContext;
  private readonly stats: SubsetStats;
  private readonly selectors: Selectors;
  private readonly divider: Divider;
  private readonly subsets = new Map<string, LoadBalancer>();
  private readonly any: LoadBalancer | undefined;
  private readonly byDefault: LoadBalancer | undefined;
  private snapshot = 0;
  /** By the criteria's object, which a route has for its lifetime. */
  private plans = new WeakMap<Criteria, Plans>();
  private readonly unasked: readonly Plan[];
  /** Where the first choice was made: reselections go on there. */
  private chosen: LoadBalancer | undefined = undefined;

  constructor(config: SubsetConfig, context: LoadBalancerContext) {
    this.config = config;
    this.context = context;
    this.stats = subsetStats(context.stats);
    this.selectors = new Selectors(config.subsetSelectors, config.allowRedundantKeys);
    const wants = (policy: 'ANY_ENDPOINT' | 'DEFAULT_SUBSET') =>
      config.fallbackPolicy === policy || config.subsetSelectors.some((each) => each.fallbackPolicy === policy);
    this.any = config.panicModeAny || wants('ANY_ENDPOINT') ? this.make() : undefined;
    this.byDefault = wants('DEFAULT_SUBSET') ? this.make() : undefined;
    this.divider = new Divider({
      selectors: this.selectors.all,
      listAsAny: config.listAsAny,
      localities: { aware: config.localityWeightAware, scaled: config.scaleLocalityWeight },
      any: this.any !== undefined,
      byDefault: this.byDefault && config.defaultSubset,
    });
    this.unasked = [{ target: this.clusterFallback, by: 'cluster' }];
  }

  private make(): LoadBalancer {
    return this.context.make(this.config.subsetLbPolicy);
  }

  private get clusterFallback(): LoadBalancer | undefined {
    const { fallbackPolicy } = this.config;
    if (fallbackPolicy === 'ANY_ENDPOINT') return this.any;
    return fallbackPolicy === 'DEFAULT_SUBSET' ? this.byDefault : undefined;
  }

  // Hosts

  update(sets: HostSets): void {
    const division = this.divider.divide(sets);
    this.snapshot++;
    this.chosen = undefined;
    refresh(this.any, division.any);
    refresh(this.byDefault, division.byDefault);
    for (const [name, balancer] of this.subsets) if (!division.parts.has(name)) this.remove(name, balancer);
    for (const [name, part] of division.parts) this.refreshPart(name, part);
    this.stats.duplicates.set(division.duplicates);
  }

  private refreshPart(name: string, part: Part): void {
    let balancer = this.subsets.get(name);
    if (part.single) {
      if (balancer instanceof OneHost) balancer.host = part.host;
      else this.create(name, new OneHost(part.host));
      return;
    }
    if (balancer === undefined) {
      balancer = this.make();
      this.create(name, balancer);
    }
    refresh(balancer, part.snapshot);
  }

  private create(name: string, balancer: LoadBalancer): void {
    this.subsets.set(name, balancer);
    this.stats.created.inc();
    this.stats.active.set(this.subsets.size);
  }

  private remove(name: string, balancer: LoadBalancer): void {
    balancer.close?.();
    this.subsets.delete(name);
    this.stats.removed.inc();
    this.stats.active.set(this.subsets.size);
  }

  // Requests

  pick(context: PickContext, reselection: number): Host | undefined {
    if (reselection > 0) return this.chosen?.pick(context, reselection);
    const plans = this.plansFor(context);
    for (let i = 0; i < plans.length; i++) {
      const host = this.follow(plans[i] as Plan, context);
      if (host !== undefined) return host;
    }
    return undefined;
  }

  private follow({ target, by }: Plan, context: PickContext): Host | undefined {
    this.chosen = target;
    if (by === 'subset') this.stats.selected.inc();
    let host = target?.pick(context, 0);
    if (by !== 'cluster' || target === undefined) return host;
    if (host !== undefined) this.stats.fallback.inc();
    else if (this.config.panicModeAny) {
      this.chosen = this.any;
      host = this.any?.pick(context, 0);
      if (host !== undefined) this.stats.fallbackPanic.inc();
    }
    return host;
  }

  /** What filters have said of the request takes the place of what its route says. */
  private plansFor({ metadataMatch, dynamicMetadata }: PickContext): readonly Plan[] {
    const dynamic = dynamicMetadata?.get('envoy.lb');
    if (typeof dynamic === 'object' && dynamic !== null) {
      return this.alternatives({ ...metadataMatch, ...dynamic }).map((each) => this.planOf(each));
    }
    return metadataMatch === undefined ? this.unasked : this.plansOf(metadataMatch);
  }

  private plansOf(criteria: Criteria): readonly Plan[] {
    const known = this.plans.get(criteria);
    if (known?.snapshot === this.snapshot) return known.inTurn;
    const inTurn = this.alternatives(criteria).map((each) => this.planOf(each));
    this.plans.set(criteria, { snapshot: this.snapshot, inTurn });
    return inTurn;
  }

  private alternatives(criteria: Criteria): readonly Criteria[] {
    const { metadataFallbackPolicy } = this.config;
    if (metadataFallbackPolicy !== 'FALLBACK_LIST' || !Object.hasOwn(criteria, FALLBACK_LIST)) return [criteria];
    const { [FALLBACK_LIST]: list, ...rest } = criteria;
    if (!Array.isArray(list) || list.length === 0) return [rest];
    return list.map((each: unknown) => (typeof each === 'object' && each !== null ? { ...rest, ...each } : rest));
  }

  private planOf(asked: Criteria): Plan {
    const criteria = this.config.allowRedundantKeys ? this.selectors.withoutRedundant(asked) : asked;
    const subset = this.subsets.get(pathOf(criteria));
    if (subset !== undefined) return { target: subset, by: 'subset' };
    const { policy, keys } = this.selectors.fallbackOf(criteria);
    switch (policy) {
      case 'ANY_ENDPOINT':
        return { target: this.any, by: 'selector' };
      case 'DEFAULT_SUBSET':
        return { target: this.byDefault, by: 'selector' };
      case 'NO_FALLBACK':
        return { target: undefined, by: 'selector' };
      case 'KEYS_SUBSET':
        // There are fewer keys with each step.
        return this.planOf(narrowed(criteria, keys));
      default:
        return this.unasked[0] as Plan;
    }
  }

  close(): void {
    for (const [name, balancer] of this.subsets) this.remove(name, balancer);
    this.any?.close?.();
    this.byDefault?.close?.();
  }
}

function refresh(balancer: LoadBalancer | undefined, snapshot: SubSnapshot | undefined): void {
  if (balancer !== undefined && snapshot !== undefined) balancer.update(snapshot.finish());
}

/** A subset of one host (`single_host_per_subset`). */
class OneHost implements LoadBalancer {
  host: Host;

  constructor(host: Host) {
    this.host = host;
  }

  update(): void {}

  pick(): Host {
    return this.host;
  }
}
