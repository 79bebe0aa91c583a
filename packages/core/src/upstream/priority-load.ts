/**
 * How the requests of a cluster are divided among its priorities: by availability, which overprovisioning lets fall only
 * below about 72 % of the hosts, and by head count when every priority panics.
 */
import type { Host, HostSets, PriorityHosts } from '../api/cluster.ts';
import type { Runtime } from '../api/runtime.ts';

/** A priority, and what holds for all priorities of its cluster. */
export interface PriorityLevel {
  readonly hosts: PriorityHosts;
  readonly sets: Pick<HostSets, 'overprovisioningFactor' | 'weightedPriorityHealth'>;
}

/** Percent; read whenever hosts or their health change. */
const PANIC_KEY = 'upstream.healthy_panic_threshold';

/** The panic threshold in force, 0 to 100: the runtime's, or `configured` (`healthy_panic_threshold`). */
export function panicThreshold(runtime: Runtime, configured: number): number {
  return Math.min(100, runtime.integer(PANIC_KEY, Math.round(configured)));
}

/** True when fewer than `threshold` percent of the hosts that count are healthy or degraded. */
export function isInPanic({ hosts, healthy, degraded, excluded }: PriorityHosts, threshold: number): boolean {
  const count = hosts.length - excluded.length;
  if (count === 0) return threshold > 0;
  return (100 * healthy.length) / count + (100 * degraded.length) / count < threshold;
}

/**
 * The loads of one snapshot, as Envoy divides them; for policies that choose a priority. An instance is kept and updated,
 * so that choosing allocates nothing.
 */
export class PriorityLoad {
  /** Percent of the requests by priority that go to its healthy hosts. Together with `degraded` they are 100. */
  readonly healthy: number[] = [100];
  /** Percent of the requests by priority that go to its degraded hosts. */
  readonly degraded: number[] = [0];
  /** Priorities of which all hosts are used, whatever their health. */
  readonly panic: boolean[] = [false];
  /** Healthy hosts of all priorities. */
  totalHealthy = 0;
  private readonly healthyPart: number[] = [0];
  private readonly degradedPart: number[] = [0];
  private readonly retryHealthy: number[] = [];
  private readonly retryDegraded: number[] = [];

  /** Takes the priorities of one cluster. `threshold` is the panic threshold in percent; 0 is never. */
  update(sets: HostSets, threshold: number): void {
    this.updateLevels(
      sets.priorities.map((hosts) => ({ hosts, sets })),
      threshold,
    );
  }

  /** Takes priorities that may be of several clusters, the first choice first. */
  updateLevels(levels: readonly PriorityLevel[], threshold: number): void {
    for (const list of [this.healthy, this.degraded, this.healthyPart, this.degradedPart, this.panic]) {
      list.length = levels.length;
    }
    this.healthy.fill(0);
    this.degraded.fill(0);
    this.panic.fill(false);
    this.totalHealthy = 0;
    if (levels.length === 0) return;
    for (let i = 0; i < levels.length; i++) this.measure(levels[i] as PriorityLevel, i);
    const total = this.availability();
    if (total > 0) this.divide(total);
    if (threshold === 0 && total === 0) this.healthy[0] = 100;
    else if (total < 100) this.panicBelow(threshold, levels);
  }

  /** The part of the load, up to 100, that all priorities together can take. */
  private availability(): number {
    let total = 0;
    for (const part of this.healthyPart) total += part;
    for (const part of this.degradedPart) total += part;
    return Math.min(100, total);
  }

  private measure({ hosts, sets: { overprovisioningFactor, weightedPriorityHealth } }: PriorityLevel, i: number): void {
    const size = weightedPriorityHealth ? weightOf : countOf;
    const total = size(hosts.hosts) - size(hosts.excluded);
    const share = (part: readonly Host[]) => Math.min(100, Math.floor((overprovisioningFactor * size(part)) / total));
    const counts = hosts.hosts.length > hosts.excluded.length;
    this.healthyPart[i] = counts ? share(hosts.healthy) : 0;
    this.degradedPart[i] = counts ? share(hosts.degraded) : 0;
    this.totalHealthy += hosts.healthy.length;
  }

  private divide(total: number): void {
    let left = give(this.healthy, this.healthyPart, 100, total);
    left = give(this.degraded, this.degradedPart, left, total);
    if (left === 0) return;
    // What rounding has left over goes to the first that can take anything.
    const healthy = this.healthyPart.findIndex((part) => part > 0);
    const degraded = this.degradedPart.findIndex((part) => part > 0);
    if (healthy >= 0) this.healthy[healthy] = (this.healthy[healthy] as number) + left;
    else if (degraded >= 0) this.degraded[degraded] = (this.degraded[degraded] as number) + left;
  }

  private panicBelow(threshold: number, levels: readonly PriorityLevel[]): void {
    for (let i = 0; i < levels.length; i++) this.panic[i] = isInPanic((levels[i] as PriorityLevel).hosts, threshold);
    if (!this.panic.includes(false)) this.divideByHeads(levels);
  }

  /** Every priority panics: health says nothing any more. */
  private divideByHeads(levels: readonly PriorityLevel[]): void {
    const total = levels.reduce((sum, { hosts }) => sum + hosts.hosts.length, 0);
    this.degraded.fill(0);
    this.healthy.fill(0);
    let left = 100;
    let first = 0;
    for (let i = levels.length - 1; i >= 0 && total > 0; i--) {
      const { length } = (levels[i] as PriorityLevel).hosts.hosts;
      if (length > 0) first = i;
      this.healthy[i] = Math.floor((100 * length) / total);
      left -= this.healthy[i] as number;
    }
    this.healthy[first] = (this.healthy[first] as number) + left;
  }

  /**
   * The priority of a request. `percent` is drawn from 0 to 99. The answer is `p` for the healthy hosts of priority p, and
   * `~p` for its degraded ones.
   */
  choose(percent: number): number {
    return find(percent, this.healthy, this.degraded);
  }

  /** As `choose`, among the priorities that are not in `tried`; `undefined` when none of them can take anything. */
  chooseWithout(percent: number, tried: readonly number[]): number | undefined {
    return this.divideWithout(tried) ? find(percent, this.retryHealthy, this.retryDegraded) : undefined;
  }

  private divideWithout(tried: readonly number[]): boolean {
    const { healthyPart, degradedPart, retryHealthy, retryDegraded } = this;
    let total = 0;
    for (let i = 0; i < healthyPart.length; i++) {
      retryHealthy[i] = 0;
      retryDegraded[i] = 0;
      if (!tried.includes(i)) total += (healthyPart[i] as number) + (degradedPart[i] as number);
    }
    total = Math.min(100, total);
    if (total === 0) return false;
    for (let left = 100; left > 0; ) {
      left = giveMore(retryHealthy, healthyPart, left, total, tried);
      left = giveMore(retryDegraded, degradedPart, left, total, tried);
    }
    return true;
  }
}

function countOf(hosts: readonly Host[]): number {
  return hosts.length;
}

function weightOf(hosts: readonly Host[]): number {
  let sum = 0;
  for (const { weight } of hosts) sum += weight;
  return sum;
}

/** Gives each priority in turn what it can take of what is left; returns the rest. */
function give(load: number[], parts: readonly number[], left: number, total: number): number {
  for (let i = 0; i < parts.length; i++) {
    const share = Math.min(left, Math.floor(((parts[i] as number) * 100) / total));
    load[i] = share;
    left -= share;
  }
  return left;
}

function giveMore(
  load: number[],
  parts: readonly number[],
  left: number,
  total: number,
  tried: readonly number[],
): number {
  for (let i = 0; i < parts.length; i++) {
    if (tried.includes(i)) continue;
    const share = Math.min(left, Math.floor(((parts[i] as number) * 100) / total));
    load[i] = (load[i] as number) + share;
    left -= share;
  }
  return left;
}

function find(percent: number, healthy: readonly number[], degraded: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < healthy.length; i++) {
    sum += healthy[i] as number;
    if (percent < sum) return i;
  }
  for (let i = 0; i < degraded.length; i++) {
    sum += degraded[i] as number;
    if (percent < sum) return ~i;
  }
  return 0;
}
