/** Counters of lookups, over all clusters: Envoy's `dns.cares.`, whichever resolver it is. */
import type { Counter, Gauge, StatsScope } from '@mesh/core';
import { type DnsLookup, errorCode } from './lookup.ts';

interface LookupStats {
  readonly total: Counter;
  readonly pending: Gauge;
  readonly notFound: Counter;
  readonly failure: Counter;
  readonly timeouts: Counter;
}

const TIMEOUTS = new Set(['ETIMEOUT', 'ETIMEDOUT']);

/** The same lookup, counted: asked, under way, found nothing, failed, and failed by silence. */
export function counted(lookup: DnsLookup, scope: StatsScope): DnsLookup {
  const stats = lookupStats(scope);
  return async (name, query) => {
    stats.total.inc();
    stats.pending.inc();
    try {
      const records = await lookup(name, query);
      if (records.length === 0) stats.notFound.inc();
      return records;
    } catch (error) {
      stats.failure.inc();
      if (TIMEOUTS.has(errorCode(error))) stats.timeouts.inc();
      throw error;
    } finally {
      stats.pending.dec();
    }
  };
}

function lookupStats(root: StatsScope): LookupStats {
  const scope = root.scope('dns.cares.');
  return {
    total: scope.counter('resolve_total'),
    pending: scope.gauge('pending_resolutions'),
    notFound: scope.counter('not_found'),
    failure: scope.counter('get_addr_failure'),
    timeouts: scope.counter('timeouts'),
  };
}
