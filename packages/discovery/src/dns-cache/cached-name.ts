/** One name of a DNS cache: looked up when it is first asked for, and again and again for as long as it is used. */
import type { Clock, NamedHost, NameUser, RandomSource } from '@mesh/core';
import { type DnsLookup, type DnsRecord, errorCode } from '../resolver/index.ts';
import type { NamedPort } from './authority.ts';
import type { DnsCacheSettings } from './settings.ts';
import type { DnsCacheStats } from './stats.ts';

/** What a name works with, and whom it tells. */
export interface NameOwner {
  readonly settings: DnsCacheSettings;
  readonly stats: DnsCacheStats;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly lookup: DnsLookup;
  /** Its addresses are others than before. */
  onAddresses(name: CachedName): void;
  /** Its first lookup is over. */
  onFirst(name: CachedName): void;
  /** Nobody has asked for it for the TTL of hosts. */
  onUnused(name: CachedName): void;
}

type Outcome =
  | { readonly kind: 'answer'; readonly records: readonly DnsRecord[] }
  | { readonly kind: 'failure' | 'timeout'; readonly reason: string };

const NONE: readonly string[] = Object.freeze([]);

/** More addresses than this of one name are not kept. */
const MOST_ADDRESSES = 32;

export class CachedName implements NamedHost {
  readonly named: NamedPort;
  /** Stays as it is when a later lookup fails or finds nothing. */
  addresses: readonly string[] = NONE;
  details = '';
  /** The first lookup is over, for good or ill. */
  settled = false;
  /** The last lookup has failed, and there is no address from before. */
  failed = false;
  lastUsedMs: number;
  readonly waiting = new Set<NameUser>();
  private readonly owner: NameOwner;
  private failures = 0;
  private cancelTimer: () => void = () => {};
  private closed = false;

  constructor(named: NamedPort, owner: NameOwner) {
    this.named = named;
    this.owner = owner;
    this.lastUsedMs = owner.clock.nowMs();
  }

  get address(): string | undefined {
    const { addresses, named } = this;
    const [ip] = addresses;
    if (ip === undefined) return undefined;
    return ip.includes(':') ? `[${ip}]:${named.port}` : `${ip}:${named.port}`;
  }

  /** Keeps it for another TTL. */
  touch(): void {
    this.lastUsedMs = this.owner.clock.nowMs();
  }

  close(): void {
    this.closed = true;
    this.cancelTimer();
    this.waiting.clear();
  }

  /** Looks it up; of an address the answer is there when this returns. */
  ask(): void {
    const { named, owner } = this;
    const { lookup, settings, stats } = owner;
    stats.queryAttempt.inc();
    if (named.literal) {
      this.finish(literalAnswer(named.host, settings.family));
      return;
    }
    let open = true;
    const settle = (outcome: Outcome): void => {
      if (!open || this.closed) return;
      open = false;
      this.cancelTimer();
      this.finish(outcome);
    };
    if (settings.queryTimeoutMs > 0) {
      const expire = () => settle({ kind: 'timeout', reason: 'resolve_timeout' });
      this.cancelTimer = owner.clock.schedule(expire, settings.queryTimeoutMs);
    }
    // Wrapped, so that a lookup that throws is one that fails.
    new Promise<readonly DnsRecord[]>((resolve) =>
      resolve(lookup(named.host, { family: settings.family, withTtl: true })),
    ).then(
      (records) => settle({ kind: 'answer', records }),
      (error: unknown) => settle({ kind: 'failure', reason: `cares_failure:${errorCode(error)}` }),
    );
  }

  private finish(outcome: Outcome): void {
    const { owner } = this;
    const { stats } = owner;
    if (outcome.kind === 'answer') stats.querySuccess.inc();
    else stats.queryFailure.inc();
    if (outcome.kind === 'timeout') stats.queryTimeout.inc();
    this.failures = outcome.kind === 'answer' ? 0 : this.failures + 1;
    // Before anyone hears of it: they may close the cache.
    this.cancelTimer = owner.clock.schedule(() => this.onDue(), this.waitMs(outcome));
    this.take(outcome);
    if (this.settled) return;
    this.settled = true;
    owner.onFirst(this);
  }

  private take(outcome: Outcome): void {
    const { addresses, owner } = this;
    const found = outcome.kind === 'answer' ? outcome.records : [];
    const allowed = found.filter(({ address }) => !owner.settings.denied(address)).slice(0, MOST_ADDRESSES);
    owner.stats.addressFilterOut.add(found.length - allowed.length);
    if (allowed.length === 0) {
      if (addresses.length > 0) return;
      this.details = `dns_resolution_failure{${whyNot(outcome, found.length)}}`;
      this.failed = outcome.kind !== 'answer';
      return;
    }
    this.details = '';
    this.failed = false;
    const ips = allowed.map(({ address }) => address);
    if (ips.length === addresses.length && ips.every((ip) => addresses.includes(ip))) return;
    this.addresses = ips;
    owner.stats.hostAddressChanged.inc();
    owner.onAddresses(this);
  }

  private onDue(): void {
    const { clock, settings } = this.owner;
    if (clock.nowMs() - this.lastUsedMs > settings.hostTtlMs) this.owner.onUnused(this);
    else this.ask();
  }

  /** Until the next lookup. */
  private waitMs(outcome: Outcome): number {
    const { random, settings } = this.owner;
    if (outcome.kind === 'answer') {
      const ttls = outcome.records.flatMap(({ ttlS }) => (ttlS === undefined ? [] : [ttlS * 1000]));
      return ttls.length === 0 ? settings.refreshMs : Math.max(settings.minRefreshMs, Math.min(...ttls));
    }
    // Only to be forgotten, unless requests hold on to what it was found at before.
    if (!settings.refreshFailures) return settings.hostTtlMs + 1;
    // Never less than the base, with a ceiling that doubles with every failure in a row.
    const { failureBaseMs: base, failureMaxMs: most } = settings;
    const ceiling = Math.min(base * 2 ** Math.min(this.failures, 30), most);
    return base + random() * Math.max(0, ceiling - base);
  }
}

/** Envoy's words. */
function whyNot(outcome: Outcome, found: number): string {
  if (outcome.kind !== 'answer') return outcome.reason;
  return found > 0 ? 'address_denied' : 'cares_norecords:Domain_name_not_found';
}

function literalAnswer(ip: string, family: DnsCacheSettings['family']): Outcome {
  const refused = ip.includes(':') ? family === 'V4_ONLY' : family === 'V6_ONLY';
  if (refused) return { kind: 'failure', reason: 'cares_failure:Misformatted_domain_name' };
  return { kind: 'answer', records: [{ address: ip }] };
}
