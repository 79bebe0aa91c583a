/** The hosts of one priority that a table is made of, with their keys and shares. */
import { type Host, type PriorityHosts, wireText } from '@mesh/core';

/** One host, as it is put into a table. */
export interface Member {
  readonly host: Host;
  /** What is hashed; one byte per character. */
  readonly key: string;
  /** Its share of the whole; the shares of all members sum up to 1. */
  readonly share: number;
}

/**
 * The members of a priority, in the order of its hosts. With locality weights, a locality of weight 0 has none; of the
 * others each has its part of the whole.
 */
export function membersOf(
  set: PriorityHosts,
  panic: boolean,
  {
    useHostnameForHashing,
    localityWeighted,
  }: { readonly useHostnameForHashing: boolean; readonly localityWeighted: boolean },
): Member[] {
  const members: Member[] = [];
  const add = (hosts: readonly Host[], part: number) => {
    const sum = hosts.reduce((total, { weight }) => total + weight, 0);
    for (const host of hosts) {
      members.push({ host, key: keyOf(host, useHostnameForHashing), share: (host.weight * part) / sum });
    }
  };
  if (!localityWeighted || !set.localityWeights) {
    add(panic ? set.hosts : set.healthy, 1);
    return members;
  }
  const total = set.localities.reduce((sum, { weight }) => sum + weight, 0);
  for (const place of set.localities) {
    if (place.weight > 0) add(panic ? place.hosts : place.healthy, place.weight / total);
  }
  return members;
}

/** `envoy.lb: {hash_key: …}` of the endpoint, else its name or address. */
function keyOf(host: Host, useHostname: boolean): string {
  const own = host.metadata?.['envoy.lb'];
  const given = typeof own === 'object' && own !== null && 'hash_key' in own ? own.hash_key : undefined;
  if (typeof given === 'string' && given !== '') return wireText(given);
  return wireText(useHostname ? host.hostname : host.address);
}

/** Whether the same hosts have the same keys and shares, whatever their order. */
export function sameMembers(before: readonly Member[], now: readonly Member[]): boolean {
  if (before.length !== now.length) return false;
  if (now.every((member, index) => isSame(before[index], member))) return true;
  const byHost = new Map(before.map((member) => [member.host, member]));
  return now.every((member) => isSame(byHost.get(member.host), member));
}

function isSame(one: Member | undefined, other: Member): boolean {
  return one?.host === other.host && one.key === other.key && one.share === other.share;
}
