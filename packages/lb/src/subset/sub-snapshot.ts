/** The part of a snapshot that some of its hosts make up, put together host by host. */
import type { Host, HostSets, LocalityHosts, PriorityHosts } from '@mesh/core';

/** What becomes of the weights of localities. */
export interface LocalityRules {
  /** They count within the part as well. Default false: there are none. */
  readonly aware: boolean;
  /** They shrink with the share of the locality's hosts that is in the part. */
  readonly scaled: boolean;
}

interface Lists {
  readonly hosts: Host[];
  readonly healthy: Host[];
  readonly degraded: Host[];
  readonly excluded: Host[];
}

/** Hosts must be added in the order of the snapshot. */
export class SubSnapshot {
  private readonly source: HostSets;
  private readonly rules: LocalityRules;
  private readonly priorities: Lists[];
  private readonly localities: Lists[][];
  /** How many hosts there are. */
  size = 0;

  constructor(source: HostSets, rules: LocalityRules) {
    this.source = source;
    this.rules = rules;
    this.priorities = source.priorities.map(noHosts);
    this.localities = source.priorities.map(({ localities }) => (localities.length > 1 ? localities.map(noHosts) : []));
  }

  add(host: Host, priority: number, excluded: boolean): void {
    this.size++;
    push(this.priorities[priority] as Lists, host, excluded);
  }

  /** Once more by its place, where a priority has several. */
  addTo(locality: number, host: Host, priority: number, excluded: boolean): void {
    push((this.localities[priority] as Lists[])[locality] as Lists, host, excluded);
  }

  finish(): HostSets {
    return { ...this.source, priorities: this.source.priorities.map((set, priority) => this.priority(set, priority)) };
  }

  private priority(set: PriorityHosts, priority: number): PriorityHosts {
    const lists = this.priorities[priority] as Lists;
    const places = this.localities[priority] as Lists[];
    const localities = set.localities.map((place, index) => this.locality(place, places[index] ?? lists));
    const localityWeights = localities.some(({ weight }) => weight > 0);
    return { priority, ...lists, localities, hasLocal: set.hasLocal, localityWeights };
  }

  private locality(place: LocalityHosts, lists: Lists): LocalityHosts {
    const { aware, scaled } = this.rules;
    const share = scaled && place.hosts.length > 0 ? lists.hosts.length / place.hosts.length : 1;
    return { locality: place.locality, weight: aware ? Math.round(place.weight * share) : 0, ...lists };
  }
}

function noHosts(): Lists {
  return { hosts: [], healthy: [], degraded: [], excluded: [] };
}

function push(lists: Lists, host: Host, excluded: boolean): void {
  lists.hosts.push(host);
  if (host.health === 'healthy') lists.healthy.push(host);
  else if (host.health === 'degraded') lists.degraded.push(host);
  if (excluded) lists.excluded.push(host);
}
