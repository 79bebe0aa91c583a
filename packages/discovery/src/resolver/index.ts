/** Looking names up: the resolver that a configuration asks for. */
import type { Clock, DnsResolverSettings, StatsScope } from '@mesh/core';
import { askedOnce, type DnsLookup } from './lookup.ts';
import { serverLookup } from './servers.ts';
import { counted } from './stats.ts';
import { systemLookupWith } from './system.ts';

export type { LookupFamily } from './family.ts';
export { type DnsLookup, type DnsQuery, type DnsRecord, errorCode } from './lookup.ts';
export { isLiteral, nameProblem } from './name.ts';
export { Refresher, type RefreshPolicy, type RefreshResult } from './refresher.ts';
export { isServiceName } from './srv.ts';
/** The lookup of this machine, as it is without any configuration. */
export const systemLookup: DnsLookup = askedOnce('system 0', systemLookupWith(0));

/** What a lookup works with. */
export interface LookupTools {
  readonly clock: Clock;
  /** Counts lookups under `dns.`. */
  readonly rootStats?: StatsScope | undefined;
}

/** The lookup for these settings; without any, that of the system. What is asked twice at a moment is asked once. */
export function lookupOf(settings: DnsResolverSettings | undefined, tools: LookupTools): DnsLookup {
  const { rootStats } = tools;
  const { key, lookup } = sourceOf(settings, tools);
  const once = askedOnce(key, rootStats === undefined ? lookup : counted(lookup, rootStats));
  // Name servers tell the TTL in any case: who wants it and who does not ask the same.
  return settings?.kind === 'servers' ? (name, query) => once(name, { ...query, withTtl: true }) : once;
}

function sourceOf(settings: DnsResolverSettings = { kind: 'system' }, tools: LookupTools) {
  if (settings.kind === 'servers') return { key: JSON.stringify(settings), lookup: serverLookup(settings, tools) };
  const { retries = 0 } = settings;
  return { key: `system ${retries}`, lookup: systemLookupWith(retries) };
}

/** Longest wait for an answer of the system's resolver. */
const SYSTEM_LIMIT_MS = 10_000;

/**
 * How long a lookup with these settings can take. It also bounds how long a cluster with a dead name server holds up the
 * start.
 */
export function lookupLimitMs(settings: DnsResolverSettings | undefined): number {
  if (settings?.kind !== 'servers') return SYSTEM_LIMIT_MS;
  const rounds = 2 ** Math.min(settings.tries, 10) - 1;
  return Math.max(SYSTEM_LIMIT_MS, settings.timeoutMs * rounds * Math.max(1, settings.servers.length));
}
