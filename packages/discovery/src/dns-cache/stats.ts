/** What a DNS cache counts, `dns_cache.<name>.`; Envoy's names. */
import type { StatsScope } from '@mesh/core';

export type DnsCacheStats = ReturnType<typeof dnsCacheStats>;

export function dnsCacheStats(root: StatsScope, name: string) {
  const scope = root.scope(`dns_cache.${name}.`);
  // Registered although the cache is never loaded from a store.
  scope.counter('cache_load');
  return {
    addressFilterOut: scope.counter('dns_address_filter_out'),
    queryAttempt: scope.counter('dns_query_attempt'),
    queryFailure: scope.counter('dns_query_failure'),
    querySuccess: scope.counter('dns_query_success'),
    queryTimeout: scope.counter('dns_query_timeout'),
    pendingOverflow: scope.counter('dns_rq_pending_overflow'),
    hostAdded: scope.counter('host_added'),
    hostAddressChanged: scope.counter('host_address_changed'),
    hostOverflow: scope.counter('host_overflow'),
    hostRemoved: scope.counter('host_removed'),
    hosts: scope.gauge('num_hosts'),
    pendingOpen: scope.gauge('circuit_breakers.rq_pending_open'),
    pendingRemaining: scope.gauge('circuit_breakers.rq_pending_remaining'),
  };
}
