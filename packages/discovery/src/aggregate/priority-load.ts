/** How load is shared among priorities by the health of their hosts: Envoy's priority levels, overprovisioning and panic. */
import type { HostSets, PriorityHosts } from '@mesh/core';

/** A priority of one of the clusters. */
export interface LevelHosts {
  readonly hosts: PriorityHosts;
  readonly sets: HostSets;
}

/** Percent of the load by priority; healthy and degraded hosts of all priorities come to 100 together. */
export interface PriorityLoad {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
}

/** Shares of `levels`, of which the first is to be preferred. `panicThreshold` in percent; 0 is never. */
export function priorityLoad(levels: readonly LevelHosts[], panicThreshold: number): PriorityLoad {
  const healthy = levels.map((level) => availability(level, level.hosts.healthy));
  const degraded = levels.map((level) => availability(level, level.hosts.degraded));
  const total = Math.min(100, sum(healthy) + sum(degraded));
  if (total < 100 && panicThreshold > 0 && levels.every(({ hosts }) => isPanicking(hosts, panicThreshold))) {
    return { healthy: byHosts(levels), degraded: levels.map(() => 0) };
  }
  if (total === 0) return { healthy: levels.map((_, index) => (index === 0 ? 100 : 0)), degraded: levels.map(() => 0) };
  return distribute(healthy, degraded, total);
}

/**
 * Shares of the levels that are `left` when others were tried before, each by what its hosts can take; `undefined` when
 * none of them can take anything.
 */
export function loadWithout(levels: readonly LevelHosts[], left: readonly boolean[]): PriorityLoad | undefined {
  const healthy = levels.map((level, index) => (left[index] ? availability(level, level.hosts.healthy) : 0));
  const degraded = levels.map((level, index) => (left[index] ? availability(level, level.hosts.degraded) : 0));
  const total = sum(healthy) + sum(degraded);
  return total === 0 ? undefined : distribute(healthy, degraded, total);
}

/** Percent of a priority's load that some of its hosts may take. */
function availability({ hosts, sets }: LevelHosts, some: PriorityHosts['hosts']): number {
  const { overprovisioningFactor, weightedPriorityHealth } = sets;
  const measure = (list: PriorityHosts['hosts']) =>
    weightedPriorityHealth ? list.reduce((weight, host) => weight + host.weight, 0) : list.length;
  const counted = measure(hosts.hosts) - measure(hosts.excluded);
  return counted <= 0 ? 0 : Math.min(100, Math.floor((overprovisioningFactor * measure(some)) / counted));
}

function isPanicking({ hosts, healthy, degraded, excluded }: PriorityHosts, threshold: number): boolean {
  const counted = hosts.length - excluded.length;
  return counted === 0 || (100 * (healthy.length + degraded.length)) / counted < Math.min(100, threshold);
}

/** Nobody is well: each priority gets what its number of hosts deserves. */
function byHosts(levels: readonly LevelHosts[]): number[] {
  const total = levels.reduce((count, { hosts }) => count + hosts.hosts.length, 0);
  const load = levels.map(({ hosts }) => (total === 0 ? 0 : Math.floor((100 * hosts.hosts.length) / total)));
  addRest(load, 100 - sum(load));
  return load;
}

/** In order of priority, the healthy hosts of all before the first degraded one. */
function distribute(healthy: readonly number[], degraded: readonly number[], total: number): PriorityLoad {
  let left = 100;
  const take = (available: number): number => {
    const load = Math.min(left, Math.floor((available * 100) / total));
    left -= load;
    return load;
  };
  const load = { healthy: healthy.map(take), degraded: degraded.map(take) };
  // What rounding has left over.
  const first = healthy.some((available) => available > 0) ? healthy : degraded;
  const target = first === healthy ? load.healthy : load.degraded;
  const index = first.findIndex((available) => available > 0);
  target[index] = (target[index] as number) + left;
  return load;
}

function addRest(load: number[], rest: number): void {
  const index = Math.max(
    0,
    load.findIndex((share) => share > 0),
  );
  if (load.length > 0) load[index] = (load[index] as number) + rest;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
