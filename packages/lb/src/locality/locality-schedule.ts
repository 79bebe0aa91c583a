/** Localities in turn by their weights, each lowered as far as its hosts are missing (Envoy `LocalityWrr`). */
import type { LocalityHosts } from '@mesh/core';
import { EdfScheduler } from '../edf/edf-scheduler.ts';

/** Positions count up to here and begin again; the integer stays a small one. */
const MOST = 0x3fff_ffff;

/** The hosts of a locality that requests go to. */
export type Usable = 'healthy' | 'degraded';

/**
 * The weight of a locality as its hosts are: full down to 1/`factor` of them, and proportional below.
 *
 * @param factor overprovisioning in percent
 */
export function effectiveWeight(place: LocalityHosts, usable: Usable, factor: number): number {
  const count = place.hosts.length - place.excluded.length;
  if (count === 0) return 0;
  return place.weight * Math.min(1, ((factor / 100) * place[usable].length) / count);
}

export class LocalitySchedule {
  private readonly indexes: readonly number[];
  private readonly scheduler: EdfScheduler;
  /** Picks so far, for the schedule that takes over after an update. */
  position: number;

  private constructor(indexes: readonly number[], scheduler: EdfScheduler, position: number) {
    this.indexes = indexes;
    this.scheduler = scheduler;
    this.position = position;
  }

  /** `undefined` when no locality has both weight and usable hosts: then weights decide nothing. */
  static of(
    localities: readonly LocalityHosts[],
    usable: Usable,
    factor: number,
    picks: number,
  ): LocalitySchedule | undefined {
    const weights = localities.map((place) => effectiveWeight(place, usable, factor));
    const indexes = [...weights.keys()].filter((index) => (weights[index] as number) > 0);
    if (indexes.length === 0) return undefined;
    const given = indexes.map((index) => weights[index] as number);
    return new LocalitySchedule(
      indexes,
      new EdfScheduler(given.length, (entry) => given[entry] as number, picks),
      picks,
    );
  }

  /** The index of the locality whose turn it is. */
  pick(): number {
    this.position = (this.position + 1) & MOST;
    return this.indexes[this.scheduler.pick()] as number;
  }

  /** As `pick`, one further ahead with each call; the picks that follow are as told. */
  peek(): number {
    return this.indexes[this.scheduler.peek()] as number;
  }
}
