/** Who of the proxies and who of the upstream hosts is where: the arithmetic of zone-aware routing. */
import type { Host, LocalityHosts, PriorityHosts } from '@mesh/core';

/** How localities are measured: by heads or by weights of their healthy hosts. */
export type LocalityBasis = 'HEALTHY_HOSTS_NUM' | 'HEALTHY_HOSTS_WEIGHT';

/** Parts of ten thousand, by upstream locality. */
export interface ZoneShares {
  /** Of the proxies: the part of the requests that comes from the place. */
  readonly local: readonly number[];
  /** Of the upstream hosts: the part of the requests that the place can serve. */
  readonly upstream: readonly number[];
}

export function zoneShares(local: PriorityHosts, upstream: PriorityHosts, basis: LocalityBasis): ZoneShares {
  const size = basis === 'HEALTHY_HOSTS_WEIGHT' ? weightOf : countOf;
  const localSizes = new Map(local.localities.map((place) => [keyOf(place), size(place.healthy)]));
  const localTotal = sum([...localSizes.values()]);
  const sizes = upstream.localities.map(({ healthy }) => size(healthy));
  const total = sum(sizes);
  return {
    local: upstream.localities.map((place, i) =>
      // Where nobody can serve it does not matter how many ask.
      sizes[i] === 0 ? 0 : partOf(localSizes.get(keyOf(place)) ?? 0, localTotal),
    ),
    upstream: sizes.map((each) => partOf(each, total)),
  };
}

/** The part of its requests, of ten thousand, that the first locality can keep to itself. */
export function keptShare({ local, upstream }: ZoneShares): number {
  const [asked = 0] = local;
  return asked > 0 ? Math.floor(((upstream[0] ?? 0) * 10_000) / asked) : 0;
}

/**
 * What each locality can take of the others' requests, added up from the first on, so that a number drawn below the last
 * entry finds its locality. A proxy's own place has no part in it.
 */
export function residualCapacity({ local, upstream }: ZoneShares, hasLocal: boolean): number[] {
  let total = 0;
  return upstream.map((share, i) => {
    if (i > 0 || !hasLocal) total += Math.max(0, share - (local[i] as number));
    return total;
  });
}

function partOf(part: number, total: number): number {
  return total === 0 ? 0 : Math.floor((10_000 * part) / total);
}

function countOf(hosts: readonly Host[]): number {
  return hosts.length;
}

function weightOf(hosts: readonly Host[]): number {
  return sum(hosts.map(({ weight }) => weight));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function keyOf({ locality: { region, zone, subZone } }: LocalityHosts): string {
  return `${region}\u0000${zone}\u0000${subZone}`;
}
