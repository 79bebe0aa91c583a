/** Divides the hosts of a cluster by priority, health and place: what balancing policies choose from. */
import type { Host, HostSets, Locality, LocalityHosts, PriorityHosts } from '../api/cluster.ts';
import { isExcluded } from './health-flags.ts';
import type { UpstreamHost } from './host.ts';

/** What holds for all priorities. */
export interface HostSetsPolicy {
  readonly overprovisioningFactor: number;
  readonly weightedPriorityHealth: boolean;
}

export const DEFAULT_HOST_SETS_POLICY: HostSetsPolicy = Object.freeze({
  overprovisioningFactor: 140,
  weightedPriorityHealth: false,
});

const NOTHING: readonly never[] = Object.freeze([]);
const NO_PRIORITY: PriorityHosts = emptyPriority(0);

/** A cluster that has no hosts yet. */
export const NO_HOST_SETS: HostSets = Object.freeze({ priorities: [NO_PRIORITY], ...DEFAULT_HOST_SETS_POLICY });

/** A snapshot of `hosts`. `own` is where the proxy runs; the place itself must have a name to count. */
export function hostSets(hosts: readonly UpstreamHost[], policy: HostSetsPolicy, own: Locality | undefined): HostSets {
  const byPriority: UpstreamHost[][] = [];
  for (const host of hosts) {
    while (byPriority.length <= host.priority) byPriority.push([]);
    (byPriority[host.priority] as UpstreamHost[]).push(host);
  }
  const priorities = byPriority.map((members, priority) => priorityHosts(members, priority, own));
  if (priorities.length === 0) priorities.push(NO_PRIORITY);
  return { priorities, ...policy };
}

function priorityHosts(hosts: readonly UpstreamHost[], priority: number, own: Locality | undefined): PriorityHosts {
  if (hosts.length === 0) return emptyPriority(priority);
  const places = new Map<string, UpstreamHost[]>();
  for (const host of hosts) {
    const key = localityKey(host.locality);
    const members = places.get(key);
    if (members === undefined) places.set(key, [host]);
    else members.push(host);
  }
  const ownKey = own === undefined || isNowhere(own) ? undefined : localityKey(own);
  const keys = [...places.keys()].sort((a, b) => (a === ownKey ? -1 : b === ownKey ? 1 : a < b ? -1 : 1));
  const localities = keys.map((key) => localityHosts(places.get(key) as UpstreamHost[]));
  return {
    priority,
    ...divide(hosts),
    localities,
    hasLocal: keys[0] === ownKey && ownKey !== undefined,
    localityWeights: localities.some(({ weight }) => weight > 0),
  };
}

function localityHosts(hosts: readonly UpstreamHost[]): LocalityHosts {
  const [first] = hosts as readonly [UpstreamHost];
  return { locality: first.locality, weight: first.localityWeight, ...divide(hosts) };
}

function divide(hosts: readonly UpstreamHost[]) {
  // Most snapshots have nothing to say against anybody.
  if (hosts.every((host) => host.healthFlags === 0)) {
    return { hosts, healthy: hosts, degraded: NOTHING, excluded: NOTHING };
  }
  const healthy: Host[] = [];
  const degraded: Host[] = [];
  const excluded: Host[] = [];
  for (const host of hosts) {
    if (isExcluded(host.healthFlags)) excluded.push(host);
    if (host.health === 'healthy') healthy.push(host);
    else if (host.health === 'degraded') degraded.push(host);
  }
  return { hosts, healthy, degraded, excluded };
}

function emptyPriority(priority: number): PriorityHosts {
  return {
    priority,
    hosts: NOTHING,
    healthy: NOTHING,
    degraded: NOTHING,
    excluded: NOTHING,
    localities: NOTHING,
    hasLocal: false,
    localityWeights: false,
  };
}

function isNowhere({ region, zone, subZone }: Locality): boolean {
  return region === '' && zone === '' && subZone === '';
}

/** Sorts as Envoy does: by region, then zone, then sub-zone. */
function localityKey({ region, zone, subZone }: Locality): string {
  return `${region}\u0000${zone}\u0000${subZone}`;
}
