/**
 * Names that requests have asked for, with their addresses: shared by every cluster that names the same cache. Bounded by
 * `max_hosts` names and `max_pending_requests` waiting requests.
 */
import type { Clock, NamedHost, NameRefusal, NameUser, NameWait, RandomSource, StatsScope } from '@mesh/core';
import type { DnsLookup } from '../resolver/index.ts';
import { type NamedPort, readAuthority } from './authority.ts';
import { CachedName, type NameOwner } from './cached-name.ts';
import type { DnsCacheSettings } from './settings.ts';
import { type DnsCacheStats, dnsCacheStats } from './stats.ts';

/** What a cache works with. */
export interface DnsCacheTools {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly lookup: DnsLookup;
  /** The root scope. */
  readonly stats: StatsScope;
}

/** Hears of names that have addresses. */
export interface DnsCacheListener {
  /** New addresses of a name, or a name with its first ones. */
  onAddresses(name: CachedName): void;
  /** A name that had addresses is forgotten. */
  onRemoved(name: CachedName): void;
}

const MALFORMED: NamedHost = Object.freeze({
  address: undefined,
  details: 'dns_resolution_failure{cares_failure:Misformatted_domain_name}',
});
const GONE: NamedHost = Object.freeze({ address: undefined, details: 'dns_resolution_failure{cache_closed}' });

export class DnsCache implements NameOwner {
  readonly settings: DnsCacheSettings;
  readonly stats: DnsCacheStats;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly lookup: DnsLookup;
  private readonly names = new Map<string, CachedName>();
  private readonly listeners = new Set<DnsCacheListener>();
  /** Requests that wait for a name. */
  private pending = 0;
  private closed = false;

  constructor(settings: DnsCacheSettings, { clock, lookup, random, stats }: DnsCacheTools) {
    this.settings = settings;
    this.stats = dnsCacheStats(stats, settings.name);
    this.clock = clock;
    this.random = random;
    this.lookup = lookup;
    this.countPending(0);
  }

  /** Tells of every change from now on; returns what ends that. */
  listen(listener: DnsCacheListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Every name that has an address. */
  found(): CachedName[] {
    return [...this.names.values()].filter(({ addresses }) => addresses.length > 0);
  }

  /** What is known of a name, which counts as a use of it. */
  find(key: string): CachedName | undefined {
    return this.names.get(key);
  }

  /** Looks a name up before anyone asks for it. */
  preload(host: string, port: number): void {
    const named = readAuthority(host.includes(':') ? `[${host}]` : host, port);
    if (named !== undefined && !this.names.has(named.key)) this.add(named);
  }

  /** @see HostNames.load */
  load(authority: string, defaultPort: number, user: NameUser): NamedHost | NameRefusal | NameWait {
    if (this.closed) return GONE;
    if (this.pending >= this.settings.maxPending) {
      this.stats.pendingOverflow.inc();
      return 'pending overflow';
    }
    // Most requests name host and port as they are kept.
    const named = this.names.get(authority)?.named ?? readAuthority(authority, defaultPort);
    if (named === undefined) {
      this.stats.queryAttempt.inc();
      this.stats.queryFailure.inc();
      return MALFORMED;
    }
    const name = this.names.get(named.key);
    if (name !== undefined && !(name.failed && !this.settings.refreshFailures)) return this.answerOf(name, user);
    if (name !== undefined) this.forget(name);
    if (this.names.size >= this.settings.maxHosts) {
      this.stats.hostOverflow.inc();
      return 'host overflow';
    }
    return this.answerOf(this.add(named), user);
  }

  private answerOf(name: CachedName, user: NameUser): NamedHost | NameWait {
    name.touch();
    return name.settled ? name : this.wait(name, user);
  }

  private add(named: NamedPort): CachedName {
    const name = new CachedName(named, this);
    this.names.set(named.key, name);
    this.stats.hostAdded.inc();
    this.stats.hosts.set(this.names.size);
    name.ask();
    return name;
  }

  private wait(name: CachedName, user: NameUser): NameWait {
    name.waiting.add(user);
    this.countPending(1);
    return {
      cancel: () => {
        if (name.waiting.delete(user)) this.countPending(-1);
      },
    };
  }

  private countPending(change: number): void {
    const { maxPending } = this.settings;
    this.pending += change;
    this.stats.pendingOpen.set(this.pending > 0 && this.pending >= maxPending ? 1 : 0);
    this.stats.pendingRemaining.set(Math.max(0, maxPending - this.pending));
  }

  onAddresses(name: CachedName): void {
    for (const listener of this.listeners) listener.onAddresses(name);
  }

  onFirst(name: CachedName): void {
    this.answer(name, name);
  }

  onUnused(name: CachedName): void {
    this.forget(name);
  }

  private answer(name: CachedName, host: NamedHost): void {
    const users = [...name.waiting];
    name.waiting.clear();
    this.countPending(-users.length);
    for (const user of users) user.onNamed(host);
  }

  private forget(name: CachedName): void {
    this.names.delete(name.named.key);
    this.stats.hostRemoved.inc();
    this.stats.hosts.set(this.names.size);
    if (name.addresses.length > 0) for (const listener of this.listeners) listener.onRemoved(name);
    this.answer(name, GONE);
    name.close();
  }

  /** Ends lookups and timers; who waits is told that nothing was found. */
  close(): void {
    this.closed = true;
    this.listeners.clear();
    for (const name of [...this.names.values()]) this.forget(name);
  }
}
