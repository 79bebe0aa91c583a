/** The config of a DNS cache as it is used. */
import { type DiscoveryContext, IpTable } from '@mesh/core';
import { type DnsCacheConfig, dnsResolverSettings } from '@mesh/core/proto';
import { type DnsLookup, type LookupFamily, lookupOf } from '../resolver/index.ts';

/** Times in ms. */
export interface DnsCacheSettings {
  readonly name: string;
  readonly family: LookupFamily;
  readonly refreshMs: number;
  /** Least time between two lookups of a name, however short its TTL. */
  readonly minRefreshMs: number;
  readonly failureBaseMs: number;
  readonly failureMaxMs: number;
  readonly refreshFailures: boolean;
  /** Names that nobody has asked for in this time are forgotten at their next refresh. */
  readonly hostTtlMs: number;
  readonly maxHosts: number;
  readonly maxPending: number;
  /** 0 leaves it to the resolver. */
  readonly queryTimeoutMs: number;
  /** Addresses that no name may have. */
  denied(ip: string): boolean;
}

export function dnsCacheSettings(config: DnsCacheConfig): DnsCacheSettings {
  const { dnsRefreshRateMs: refreshMs, dnsFailureRefreshRate: failure, resolvedAddressFilter: filter } = config;
  const failureBaseMs = failure?.baseIntervalMs ?? refreshMs;
  return {
    name: config.name,
    family: config.dnsLookupFamily,
    refreshMs,
    minRefreshMs: config.dnsMinRefreshRateMs,
    failureBaseMs,
    failureMaxMs: failure === undefined ? failureBaseMs : (failure.maxIntervalMs ?? 10 * failureBaseMs),
    refreshFailures: !config.disableDnsRefreshOnFailure,
    hostTtlMs: config.hostTtlMs,
    maxHosts: config.maxHosts,
    maxPending: config.dnsCacheCircuitBreaker?.maxPendingRequests ?? 1024,
    queryTimeoutMs: config.dnsQueryTimeoutMs,
    denied: filter === undefined ? () => false : matcher(filter),
  };
}

function matcher({ ranges, invertMatch }: NonNullable<DnsCacheConfig['resolvedAddressFilter']>) {
  const table = new IpTable<true>();
  for (const range of ranges) table.of(range, () => true);
  return (ip: string): boolean => (table.find(ip) === true) !== invertMatch;
}

/** The resolver of the cache, or else the bootstrap's. */
export function lookupFor(
  config: DnsCacheConfig,
  { clock, dnsResolver, rootStats }: Pick<DiscoveryContext, 'clock' | 'dnsResolver' | 'rootStats'>,
): DnsLookup {
  return lookupOf(dnsResolverSettings(config) ?? dnsResolver, { clock, rootStats });
}
