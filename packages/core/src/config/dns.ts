/** The DNS fields of a cluster: how often names are looked up, which of their addresses count, and who is asked. */
import type { ClusterConfig } from './cluster.ts';
import { address } from './common.ts';
import { checkResolvers, dnsResolutionConfig, typedDnsResolverConfig } from './dns-resolver.ts';
import { type DeepPartial, message, required, withDefault } from './message.ts';
import { bool, duration, enumOf, list } from './proto-json.ts';
import type { Report } from './schema-type.ts';

/** A `RefreshRate` message; several messages of Envoy's have one of their own, all alike. */
export function refreshRate(name: string) {
  return message(
    { base_interval: required(duration({ aboveMs: 1 })), max_interval: duration({ aboveMs: 1 }) },
    {
      name,
      check({ baseIntervalMs, maxIntervalMs }, report) {
        if (baseIntervalMs === undefined || maxIntervalMs === undefined || maxIntervalMs >= baseIntervalMs) return;
        const message = 'dns_failure_refresh_rate must have max_interval greater than or equal to the base_interval';
        report({ path: ['max_interval'], message });
      },
    },
  );
}

/** Fields of Envoy's `Cluster` that clusters of type STRICT_DNS and LOGICAL_DNS obey. */
export const dnsFields = {
  dns_refresh_rate: withDefault(duration({ aboveMs: 1 }), 5000),
  dns_jitter: withDefault(duration(), 0),
  dns_failure_refresh_rate: refreshRate('envoy.config.cluster.v3.Cluster.RefreshRate'),
  respect_dns_ttl: withDefault(bool(), false),
  dns_lookup_family: withDefault(enumOf(['AUTO', 'V4_ONLY', 'V6_ONLY', 'V4_PREFERRED', 'ALL']), 'AUTO'),
  dns_resolvers: list(address),
  use_tcp_for_dns_lookups: withDefault(bool(), false),
  dns_resolution_config: dnsResolutionConfig,
  typed_dns_resolver_config: typedDnsResolverConfig,
  wait_for_warm_on_init: withDefault(bool(), true),
} as const;

/** What Envoy says about the fields together: resolvers are addresses, and a logical cluster is one host. */
export function checkDns(cluster: DeepPartial<ClusterConfig>, report: Report): void {
  const { type, loadAssignment, dnsResolvers } = cluster;
  checkResolvers('dns_resolvers', dnsResolvers, report);
  if (type !== 'LOGICAL_DNS') return;
  const groups = loadAssignment?.endpoints ?? [];
  if (groups.length === 1 && groups[0]?.lbEndpoints?.length === 1) return;
  const message =
    loadAssignment === undefined
      ? 'LOGICAL_DNS clusters must have a single host'
      : 'LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint';
  report({ path: loadAssignment === undefined ? [] : ['load_assignment'], message });
}
