/** Envoy's `DnsCluster`. */
import {
  bool,
  duration,
  enumOf,
  type MessageOutput,
  message,
  refreshRate,
  typedDnsResolverConfig,
  withDefault,
} from '@mesh/core/proto';

const families = ['UNSPECIFIED', 'AUTO', 'V4_ONLY', 'V6_ONLY', 'V4_PREFERRED', 'ALL'] as const;

/** The `typed_config` of `cluster_type: envoy.clusters.dns`. */
export const dnsClusterSchema = message(
  {
    dns_refresh_rate: withDefault(duration({ aboveMs: 1 }), 5000),
    dns_failure_refresh_rate: refreshRate('envoy.extensions.clusters.dns.v3.DnsCluster.RefreshRate'),
    respect_dns_ttl: withDefault(bool(), false),
    dns_jitter: withDefault(duration(), 0),
    typed_dns_resolver_config: typedDnsResolverConfig,
    dns_lookup_family: withDefault(enumOf(families), 'UNSPECIFIED'),
    all_addresses_in_single_endpoint: withDefault(bool(), false),
    dns_min_refresh_rate: duration({ minMs: 1000 }),
  },
  { name: 'envoy.extensions.clusters.dns.v3.DnsCluster' },
);

/** A parsed `DnsCluster`. */
export type DnsClusterConfig = MessageOutput<(typeof dnsClusterSchema)['info']['fields']>;
