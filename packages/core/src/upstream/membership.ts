/**
 * Who belongs to a cluster: hosts by identity, their health, and the snapshots that policies choose from. Invariants: a
 * host is the same object for as long as its identity and its transport stay; whoever watches hears of every snapshot,
 * and of every host that joined or left.
 */
import type { HostSets, Locality } from '../api/cluster.ts';
import type { AssignmentPolicy, Endpoint } from '../api/discovery.ts';
import type { ClusterMonitor, OutlierRates } from '../api/health.ts';
import type { UpstreamCluster } from '../api/upstream.ts';
import type { ClientTransport } from '../net/transport.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { ClusterStats } from '../stats/index.ts';
import { HealthFlag } from './health-flags.ts';
import { endpointIdentity, UpstreamHost } from './host.ts';
import {
  DEFAULT_HOST_SETS_POLICY,
  type HostGroup,
  type HostSetsPolicy,
  hostGroups,
  NO_HOST_SETS,
  setsOfGroups,
} from './host-sets.ts';
import type { ClusterSettings } from './settings.ts';
import { UpdateMerge, type UpdateMergeParts } from './update-merge.ts';

/** What a membership works with. */
export interface MembershipParts {
  readonly settings: ClusterSettings;
  readonly stats: ClusterStats;
  readonly wheel: TimerWheel;
  /** The cluster itself: what its hosts belong to. */
  readonly home: UpstreamCluster;
  /** Where the proxy runs; hosts of the same place are its own. */
  readonly locality: Locality | undefined;
  /** How connections to an endpoint are secured. */
  transportOf(endpoint: Endpoint): ClientTransport | undefined;
  /** A host has been made: counts which of the transports it has. */
  countTransport(endpoint: Endpoint): void;
  /** As in Envoy, only sources that change their hosts tell the largest weight. */
  readonly tellsWeight: boolean;
  /** Ends the TCP connections of a host. */
  closeLinks(host: UpstreamHost): void;
  /** Absent: every change is told at once, and counted nowhere. */
  readonly merging?: UpdateMergeParts | undefined;
  /** Called with every new snapshot. */
  onSnapshot(sets: HostSets): void;
}

export class Membership {
  hosts: readonly UpstreamHost[] = [];
  /** Of requests, 0 to 1, that are refused at once (`drop_overloads`). */
  dropShare = 0;
  private readonly parts: MembershipParts;
  private readonly byIdentity = new Map<string, UpstreamHost>();
  /** Counts updates: who is not of the latest one has been removed. */
  private generation = 0;
  private groups: readonly HostGroup[] = [];
  private snapshot: HostSets = NO_HOST_SETS;
  private policy: HostSetsPolicy = DEFAULT_HOST_SETS_POLICY;
  /** Health has changed since the last snapshot. */
  private stale = false;
  private closed = false;
  private readonly monitors: ClusterMonitor[] = [];

  /** Puts changes off that may be told together. */
  private readonly merge: UpdateMerge | undefined;

  constructor(parts: MembershipParts) {
    this.parts = parts;
    this.merge = parts.merging && new UpdateMerge(parts.merging, () => this.divide());
  }

  /** The hosts divided by priority, health and place, as they are now. */
  get sets(): HostSets {
    if (this.stale) this.divide();
    return this.snapshot;
  }

  /** Makes sure that the policy knows the health of now. */
  settle(): void {
    if (this.stale) this.divide();
  }

  /** The host of an endpoint's key or address. */
  hostOf(identity: string): UpstreamHost | undefined {
    return this.byIdentity.get(identity);
  }

  /** Has `monitor` watch the hosts; it hears of those that are there at once. */
  addMonitor(monitor: ClusterMonitor): void {
    this.monitors.push(monitor);
    if (this.hosts.length > 0) monitor.onHosts(this.hosts, []);
  }

  /** Resolves when every monitor says that the cluster may be used. */
  async startMonitors(): Promise<void> {
    await Promise.all(this.monitors.map((monitor) => monitor.start()));
    this.merge?.begin();
  }

  /** Of the monitor that detects outliers, if there is one. */
  get outlierRates(): OutlierRates | undefined {
    return this.monitors.find(({ outlierRates }) => outlierRates !== undefined)?.outlierRates;
  }

  /** Replaces the host set. Hosts with the same identity stay the same object; others drain. */
  update(endpoints: readonly Endpoint[], policy: AssignmentPolicy): void {
    if (this.closed) return;
    const change = new Change();
    const generation = ++this.generation;
    const hosts: UpstreamHost[] = [];
    for (const [index, endpoint] of endpoints.entries()) {
      // Most of the time it stands where it stood, and no name need be made to find it.
      const there = this.hosts[index];
      const known = there?.isAt(endpoint) === true ? there : this.byIdentity.get(endpointIdentity(endpoint));
      if (known?.generation === generation) continue;
      const host = this.hostFor(known, endpoint, change);
      host.generation = generation;
      hosts.push(host);
    }
    this.sortOut(hosts, change);
    const [drop] = policy.drops ?? [];
    this.dropShare = drop === undefined ? 0 : Math.min(1, drop.numerator / drop.denominator);
    this.policy = {
      overprovisioningFactor: policy.overprovisioningFactor ?? DEFAULT_HOST_SETS_POLICY.overprovisioningFactor,
      weightedPriorityHealth: policy.weightedPriorityHealth ?? false,
    };
    this.replace(hosts, change);
  }

  /** `kept`, or a new host in its place. */
  private hostFor(kept: UpstreamHost | undefined, endpoint: Endpoint, change: Change): UpstreamHost {
    const transport = this.parts.transportOf(endpoint);
    if (kept !== undefined && kept.transport === transport) {
      if (kept.priority !== endpoint.priority) {
        change.priorities.add(kept.priority);
        change.priorities.add(endpoint.priority);
      }
      kept.refresh(endpoint);
      kept.setFlags(kept.healthFlags & ~HealthFlag.pendingDynamicRemoval);
      return kept;
    }
    const host = new UpstreamHost(endpoint, this.parts.wheel.clock.nowMs(), this.firstFlags(endpoint));
    host.transport = transport;
    this.parts.countTransport(endpoint);
    host.home = this.parts.home;
    this.byIdentity.set(host.identity, host);
    change.added.push(host);
    change.priorities.add(host.priority);
    return host;
  }

  /** A host that is to be checked is no good until it has passed. */
  private firstFlags({ healthCheck }: Endpoint): number {
    const { activeChecks = false, ignoreNewHosts = false } = this.parts.settings;
    if (!activeChecks || healthCheck?.disabled === true) return 0;
    return HealthFlag.failedActiveHc | (ignoreNewHosts ? HealthFlag.pendingActiveHc : 0);
  }

  /** Whoever is not of this generation goes, or stays until checks fail. */
  private sortOut(hosts: UpstreamHost[], change: Change): void {
    for (const host of this.hosts) {
      if (host.generation === this.generation) continue;
      const replaced = this.byIdentity.get(host.identity) !== host;
      if (!replaced && this.staysWhileHealthy(host)) {
        host.setFlags(host.healthFlags | HealthFlag.pendingDynamicRemoval);
        hosts.push(host);
      } else {
        if (!replaced) this.byIdentity.delete(host.identity);
        change.removed.push(host);
        change.priorities.add(host.priority);
      }
    }
  }

  private replace(hosts: readonly UpstreamHost[], change: Change): void {
    const { stats, locality } = this.parts;
    const { added, removed, priorities } = change;
    this.hosts = hosts;
    this.groups = hostGroups(this.hosts, locality);
    stats.membership_total.set(this.hosts.length);
    if (this.parts.tellsWeight) stats.max_host_weight.set(maxWeight(this.hosts));
    // As in Envoy, where each priority has a set of its own that changes.
    stats.membership_change.add(priorities.size);
    for (const host of removed) host.removed = true;
    if (added.length > 0 || removed.length > 0) {
      for (const monitor of this.monitors) monitor.onHosts(added, removed);
    }
    const sameHosts = added.length === 0 && removed.length === 0;
    if (this.merge?.defers(sameHosts) !== true) this.divide();
    for (const host of removed) host.drain();
    if (priorities.size > 0 && this.parts.settings.closeOnHostSetChange === true) {
      for (const host of this.hosts) host.renew();
    }
  }

  /** What its source has removed stays for as long as it passes active checks, unless the cluster says otherwise. */
  private staysWhileHealthy(host: UpstreamHost): boolean {
    const { activeChecks = false, ignoreHealthOnHostRemoval = false } = this.parts.settings;
    if (!activeChecks || ignoreHealthOnHostRemoval || host.healthCheck?.disabled === true) return false;
    return (host.healthFlags & LEAVING) === 0;
  }

  /** Makes the snapshot that policies choose from. */
  private divide(): void {
    this.stale = false;
    const { stats } = this.parts;
    const sets = setsOfGroups(this.groups, this.policy);
    this.snapshot = sets;
    let healthy = 0;
    let degraded = 0;
    let excluded = 0;
    for (const priority of sets.priorities) {
      healthy += priority.healthy.length;
      degraded += priority.degraded.length;
      excluded += priority.excluded.length;
    }
    stats.membership_healthy.set(healthy);
    stats.membership_degraded.set(degraded);
    stats.membership_excluded.set(excluded);
    this.parts.onSnapshot(sets);
  }

  /** Sets or clears health flags of a host; true when that changed something. The next choice sees it. */
  setHealth(host: UpstreamHost, flags: number, on: boolean): boolean {
    if (!host.setFlags(on ? host.healthFlags | flags : host.healthFlags & ~flags)) return false;
    if (host.removed || this.closed) return true;
    // Other connections may do better than those with which it was found wanting.
    if (on && (flags & FOUND_WANTING) !== 0) this.onWanting(host);
    const pending = (host.healthFlags & HealthFlag.pendingDynamicRemoval) !== 0;
    if (pending && (host.healthFlags & LEAVING) !== 0) {
      this.byIdentity.delete(host.identity);
      const change = new Change();
      change.removed.push(host);
      change.priorities.add(host.priority);
      this.replace(
        this.hosts.filter((one) => one !== host),
        change,
      );
    } else if (!this.stale && this.merge?.defers(true) !== true) {
      // Many hosts may change in one turn: the next choice divides them, or else the end of the turn does.
      this.stale = true;
      queueMicrotask(() => this.settle());
    }
    return true;
  }

  private onWanting(host: UpstreamHost): void {
    host.renew();
    if (this.parts.settings.closeOnHealthFailure === true) this.parts.closeLinks(host);
  }

  /** Ends what watches the hosts; each finishes what it has. They can still be chosen. */
  retire(): void {
    this.settle();
    this.endMonitors();
    for (const host of this.hosts) {
      host.removed = true;
      host.drain();
    }
  }

  private endMonitors(): void {
    this.closed = true;
    this.stale = false;
    this.merge?.close();
    for (const monitor of this.monitors.splice(0)) monitor.close();
  }

  /** Sets the gauges again, after another cluster of the same name has written to them. */
  restate(): void {
    if (this.closed) return;
    this.parts.stats.membership_total.set(this.hosts.length);
    if (this.parts.tellsWeight) this.parts.stats.max_host_weight.set(maxWeight(this.hosts));
    this.divide();
  }

  /** Ends what watches the hosts and forgets them. */
  close(): void {
    this.endMonitors();
    for (const host of this.hosts) host.destroy();
    this.hosts = [];
    this.byIdentity.clear();
    this.groups = [];
    this.snapshot = NO_HOST_SETS;
  }
}

/** What active checks and outlier detection say against a host. */
const FOUND_WANTING = HealthFlag.failedActiveHc | HealthFlag.failedOutlierCheck;

/** Reasons to let go of a host that its source has removed. */
const LEAVING = HealthFlag.failedActiveHc | HealthFlag.failedEdsHealth | HealthFlag.edsStatusDraining;

/** What one update has changed. */
class Change {
  readonly added: UpstreamHost[] = [];
  readonly removed: UpstreamHost[] = [];
  /** Whose members are others than before. */
  readonly priorities = new Set<number>();
}

function maxWeight(hosts: readonly UpstreamHost[]): number {
  let most = 0;
  for (const { weight } of hosts) if (weight > most) most = weight;
  return most;
}
