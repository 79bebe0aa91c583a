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

/** The hosts of one priority, divided by place; health does not matter here. */
export interface HostGroup {
  readonly hosts: readonly UpstreamHost[];
  /** Ordered as `PriorityHosts.localities`. */
  readonly places: readonly (readonly UpstreamHost[])[];
  readonly hasLocal: boolean;
}

/** The hosts by priority and place. `own` is where the proxy runs; the place itself must have a name to count. */
export function hostGroups(hosts: readonly UpstreamHost[], own: Locality | undefined): HostGroup[] {
  const byPriority: UpstreamHost[][] = [];
  for (const host of hosts) {
    while (byPriority.length <= host.priority) byPriority.push([]);
    (byPriority[host.priority] as UpstreamHost[]).push(host);
  }
  const ownKey = own === undefined || isNowhere(own) ? undefined : localityKey(own);
  return byPriority.map((members) => hostGroup(members, ownKey));
}

function hostGroup(hosts: readonly UpstreamHost[], ownKey: string | undefined): HostGroup {
  const places = new Map<string, UpstreamHost[]>();
  // Most hosts of a place have the very same object.
  const known = new Map<Locality, UpstreamHost[]>();
  for (const host of hosts) {
    let members = known.get(host.locality);
    if (members === undefined) {
      const key = localityKey(host.locality);
      members = places.get(key) ?? [];
      places.set(key, members);
      known.set(host.locality, members);
    }
    members.push(host);
  }
  const keys = [...places.keys()].sort((a, b) => (a === ownKey ? -1 : b === ownKey ? 1 : a < b ? -1 : 1));
  return {
    hosts,
    places: keys.map((key) => places.get(key) as UpstreamHost[]),
    hasLocal: ownKey !== undefined && keys[0] === ownKey,
  };
}

/** A snapshot of `hosts`. */
export function hostSets(hosts: readonly UpstreamHost[], policy: HostSetsPolicy, own: Locality | undefined): HostSets {
  return setsOfGroups(hostGroups(hosts, own), policy);
}

/** A snapshot of hosts as their health is now. */
export function setsOfGroups(groups: readonly HostGroup[], policy: HostSetsPolicy): HostSets {
  const priorities = groups.map(priorityHosts);
  if (priorities.length === 0) priorities.push(NO_PRIORITY);
  return { priorities, ...policy };
}

function priorityHosts({ hosts, places, hasLocal }: HostGroup, priority: number): PriorityHosts {
  if (hosts.length === 0) return emptyPriority(priority);
  const divided = divide(hosts);
  const localities = places.map((members) => localityHosts(members, hosts, divided));
  const localityWeights = localities.some(({ weight }) => weight > 0);
  return { priority, ...divided, localities, hasLocal, localityWeights };
}

type Divided = Pick<PriorityHosts, 'hosts' | 'healthy' | 'degraded' | 'excluded'>;

function localityHosts(
  members: readonly UpstreamHost[],
  all: readonly UpstreamHost[],
  divided: Divided,
): LocalityHosts {
  const [first] = members as readonly [UpstreamHost];
  // All of the priority in one place: nothing is divided twice.
  const own = members.length === all.length ? divided : divide(members);
  return { locality: first.locality, weight: first.localityWeight, ...own };
}

function divide(hosts: readonly UpstreamHost[]): Divided {
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
