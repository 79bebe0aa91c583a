/** Weights of all hosts of a cluster from their own reports; those without a report of use have the median. */
import type { Clock, Host, HostSets } from '@mesh/core';
import { HostLoad, type LoadSettings, listenTo, type WeightTimes } from './host-load.ts';

export class ReportedWeights {
  private readonly settings: LoadSettings;
  private readonly times: WeightTimes;
  private readonly clock: Clock;
  private sets: HostSets = { priorities: [], overprovisioningFactor: 140, weightedPriorityHealth: false };
  private weights = new Map<Host, number>();

  constructor(settings: LoadSettings, times: WeightTimes, clock: Clock) {
    this.settings = settings;
    this.times = times;
    this.clock = clock;
  }

  /** The weight of a host as it was last worked out. */
  of(host: Host): number {
    return this.weights.get(host) ?? 1;
  }

  /** New hosts: they report to us from now on, and have the median until they have. */
  update(sets: HostSets): void {
    this.sets = sets;
    for (const { hosts } of sets.priorities) for (const host of hosts) listenTo(host, this.settings, this.clock);
    this.recalculate();
  }

  /** Works out all weights; true when one has changed. */
  recalculate(): boolean {
    const now = this.clock.nowMs();
    const weights = new Map<Host, number>();
    for (const { hosts } of this.sets.priorities) this.weigh(hosts, now, weights);
    let changed = weights.size !== this.weights.size;
    for (const [host, weight] of weights) changed ||= this.weights.get(host) !== weight;
    this.weights = weights;
    return changed;
  }

  /** Each priority has a median of its own. */
  private weigh(hosts: readonly Host[], now: number, weights: Map<Host, number>): void {
    const silent: Host[] = [];
    const valid: number[] = [];
    for (const host of hosts) {
      const { loadReports } = host;
      const weight = loadReports instanceof HostLoad ? loadReports.valid(now, this.times) : undefined;
      if (weight === undefined) silent.push(host);
      else {
        weights.set(host, weight);
        valid.push(weight);
      }
    }
    const standIn = silent.length === 0 ? 1 : median(valid);
    for (const host of silent) weights.set(host, standIn);
  }

  /** Nobody listens any more. */
  close(): void {
    for (const { hosts } of this.sets.priorities) for (const host of hosts) this.forget(host);
  }

  private forget(host: Host): void {
    const { loadReports } = host;
    if (loadReports instanceof HostLoad && loadReports.settings === this.settings) host.loadReports = undefined;
  }
}

/** Rounded down; 1 of nothing. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return 1;
  const sorted = Float64Array.from(values).sort();
  const upper = sorted[sorted.length >> 1] as number;
  if (sorted.length % 2 === 1) return upper;
  return Math.floor(((sorted[(sorted.length >> 1) - 1] as number) + upper) / 2);
}
