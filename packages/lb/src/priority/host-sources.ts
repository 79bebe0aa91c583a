/**
 * From a request to the list of hosts it may land on: priority, then panic, then locality (by weight, or zone-aware). A
 * policy chooses within the list. Everything that only hosts and their health decide is decided in `update`.
 */
import {
  type Host,
  type HostSets,
  type LoadBalancerContext,
  type PickContext,
  type PriorityHosts,
  PriorityLoad,
  panicThreshold,
  type RandomSource,
} from '@mesh/core';
import type { LocalityLbConfig } from '../locality/config.ts';
import { LocalitySchedule, type Usable } from '../locality/locality-schedule.ts';
import { ANYWHERE, NOWHERE, ZoneRouting } from '../zone/zone-routing.ts';
import { HostSource } from './host-source.ts';
import { type LbStats, lbStats } from './lb-stats.ts';

/** What a policy makes of a list of hosts: called in `update` for every list that requests can land on. */
export type Prepare = (source: HostSource) => void;

/** How the policies that know places are set. */
export interface HostSourcesOptions {
  readonly locality: LocalityLbConfig | undefined;
  /** A whole number below 2^30: where walks and schedules begin. */
  readonly seed: number;
  readonly prepare: Prepare;
}

/** The lists of one priority. */
interface PrioritySources {
  readonly all: HostSource;
  readonly healthy: HostSource;
  readonly degraded: HostSource;
  readonly healthyPlaces: HostSource[];
  readonly degradedPlaces: HostSource[];
  healthyWeights: LocalitySchedule | undefined;
  degradedWeights: LocalitySchedule | undefined;
}

export class HostSources {
  readonly load = new PriorityLoad();
  readonly stats: LbStats;
  private readonly context: LoadBalancerContext;
  private readonly random: RandomSource;
  private readonly seed: number;
  private readonly prepare: Prepare;
  private readonly weighted: boolean;
  private readonly failOnPanic: boolean;
  private readonly zones: ZoneRouting | undefined;
  private readonly unwatch: (() => void) | undefined;
  private readonly byPriority: PrioritySources[] = [];
  /** How many of `byPriority` there are at present. */
  private count = 0;
  private first: PriorityHosts | undefined = undefined;
  /** The one list that every request lands on, when nothing is left to decide. */
  private only: HostSource | undefined = undefined;
  /** Draws that peeks have made; the picks that follow repeat them. */
  private readonly stash: number[] = [];
  /** Priorities of the hosts that a request has tried, while one is chosen. */
  private readonly tried: number[] = [];

  constructor(context: LoadBalancerContext, { locality, seed, prepare }: HostSourcesOptions) {
    this.context = context;
    this.random = context.random;
    this.stats = lbStats(context.stats);
    this.seed = seed;
    this.prepare = prepare;
    this.weighted = locality?.localityWeightedLbConfig !== undefined;
    const zoneAware = locality?.zoneAwareLbConfig;
    this.failOnPanic = zoneAware?.failTrafficOnPanic ?? false;
    const { local } = context;
    this.zones = local === undefined ? undefined : new ZoneRouting(context, local, zoneAware, this.stats);
    this.unwatch = local?.watch(() => this.onLocalHosts());
  }

  /** Takes a new snapshot. */
  update(sets: HostSets): void {
    const { runtime, healthyPanicThreshold } = this.context;
    this.load.update(sets, panicThreshold(runtime, healthyPanicThreshold));
    this.stash.length = 0;
    this.first = sets.priorities[0];
    if (this.first !== undefined) this.zones?.recalculate(this.first);
    this.count = sets.priorities.length;
    for (let i = 0; i < this.count; i++) this.refresh(sets.priorities[i] as PriorityHosts, i, sets);
    // Priorities that are gone leave their place in the walk, and no hosts.
    for (let i = this.count; i < this.byPriority.length; i++) this.sourcesOf(i, (source) => source.reset([]));
    this.only = this.theOnly();
  }

  /** The local cluster has changed: what the first priority does with it changes too. */
  private onLocalHosts(): void {
    if (this.first === undefined) return;
    this.zones?.recalculate(this.first);
    this.refreshPlaces(this.first, 0);
    this.only = this.theOnly();
  }

  /** Prepares again what is there: weights have changed that only the policy knows. */
  prepareAgain(): void {
    for (let i = 0; i < this.count; i++) this.sourcesOf(i, (source) => this.fill(source, source.hosts));
  }

  private sourcesOf(i: number, take: (source: HostSource) => void): void {
    const { all, healthy, degraded, healthyPlaces, degradedPlaces } = this.byPriority[i] as PrioritySources;
    for (const source of [all, healthy, degraded, ...healthyPlaces, ...degradedPlaces]) take(source);
  }

  /** Ends what it listens to. */
  close(): void {
    this.unwatch?.();
  }

  private refresh(hosts: PriorityHosts, i: number, { overprovisioningFactor }: HostSets): void {
    const sources = (this.byPriority[i] ??= this.newSources());
    const panics = this.load.panic[i] === true;
    this.fill(sources.all, panics ? hosts.hosts : []);
    this.fill(sources.healthy, panics ? [] : hosts.healthy);
    this.fill(sources.degraded, panics ? [] : hosts.degraded);
    const weights = this.weighted && hosts.localityWeights && !panics;
    const weightsOf = (usable: Usable, { position } = { position: this.seed }) =>
      weights ? LocalitySchedule.of(hosts.localities, usable, overprovisioningFactor, position) : undefined;
    sources.healthyWeights = weightsOf('healthy', sources.healthyWeights);
    sources.degradedWeights = weightsOf('degraded', sources.degradedWeights);
    this.refreshPlaces(hosts, i);
  }

  private refreshPlaces({ localities }: PriorityHosts, i: number): void {
    const { healthyPlaces, degradedPlaces, healthyWeights, degradedWeights } = this.byPriority[i] as PrioritySources;
    const zoned = i === 0 && this.zones?.active === true;
    const count = zoned || healthyWeights !== undefined || degradedWeights !== undefined ? localities.length : 0;
    for (let place = 0; place < Math.max(count, healthyPlaces.length); place++) {
      const there = place < count ? localities[place] : undefined;
      this.fill((healthyPlaces[place] ??= new HostSource(this.seed)), there?.healthy ?? []);
      this.fill((degradedPlaces[place] ??= new HostSource(this.seed)), there?.degraded ?? []);
    }
  }

  private newSources(): PrioritySources {
    return {
      all: new HostSource(this.seed),
      healthy: new HostSource(this.seed),
      degraded: new HostSource(this.seed),
      healthyPlaces: [],
      degradedPlaces: [],
      healthyWeights: undefined,
      degradedWeights: undefined,
    };
  }

  private fill(source: HostSource, hosts: readonly Host[]): void {
    source.reset(hosts);
    if (hosts.length > 1) this.prepare(source);
  }

  /** All load on the healthy hosts of one priority, and no choice between places. */
  private theOnly(): HostSource | undefined {
    const i = this.load.healthy.indexOf(100);
    const sources = this.byPriority[i];
    if (sources === undefined || this.load.panic[i] === true || sources.healthyWeights !== undefined) return undefined;
    return i === 0 && this.zones?.active === true ? undefined : sources.healthy;
  }

  /** The hosts for a request; `undefined` when there are none for it. */
  choose(context: PickContext): HostSource | undefined {
    if (this.only !== undefined && context.triedHosts === undefined && context.within === undefined) {
      if (this.stash.length > 0) this.stash.shift();
      return this.only;
    }
    return this.find(context, this.stash.length > 0 ? (this.stash.shift() as number) : this.draw());
  }

  /** As `choose`, for a request to come: it is told at most as many times ahead as there are healthy hosts. */
  peek(context: PickContext): HostSource | undefined {
    if (this.stash.length >= this.load.totalHealthy) return undefined;
    const drawn = this.draw();
    this.stash.push(drawn);
    return this.only ?? this.find(context, drawn);
  }

  private choosePriority(context: PickContext, percent: number): number {
    const { triedHosts } = context;
    if (triedHosts === undefined || triedHosts.length === 0) return this.load.choose(percent);
    const { tried } = this;
    tried.length = 0;
    for (const { priority } of triedHosts) tried.push(priority);
    const choice = this.load.chooseWithout(percent, tried);
    if (choice !== undefined) return choice;
    context.onNoPriorityLeft?.();
    return this.load.choose(percent);
  }

  private draw(): number {
    return Math.floor(this.random() * 100);
  }

  private find(context: PickContext, percent: number): HostSource | undefined {
    const { within } = context;
    const choice = within === undefined ? this.choosePriority(context, percent) : within.priority;
    const degraded = within === undefined ? choice < 0 : within.degraded;
    const i = choice < 0 ? ~choice : choice;
    if (i >= this.count) return undefined;
    const sources = this.byPriority[i] as PrioritySources;
    if (this.load.panic[i] === true) {
      this.stats.healthyPanic.inc();
      return this.failOnPanic ? undefined : sources.all;
    }
    const weights = degraded ? sources.degradedWeights : sources.healthyWeights;
    const places = degraded ? sources.degradedPlaces : sources.healthyPlaces;
    if (weights !== undefined) return places[weights.pick()];
    if (i === 0 && this.zones?.active === true) {
      const place = this.zones.choose();
      if (place === NOWHERE) return undefined;
      if (place !== ANYWHERE) return places[place];
    }
    return degraded ? sources.degraded : sources.healthy;
  }
}
