/** Discovery for clusters of `type: STRICT_DNS`. */
import { type ClusterConfig, type DiscoveryDefinition, defineDiscovery } from '@mesh/core';
import { dnsSettings } from '../dns/settings.ts';
import type { DnsLookup } from '../resolver/index.ts';
import { StrictDns } from './strict-dns.ts';

/**
 * Discovery that asks `lookup` instead of the configured resolver: for tests, or for a resolver of your own. Give it in
 * the place of {@link strictDns}, not beside it.
 */
export function strictDnsWith(lookup?: DnsLookup): DiscoveryDefinition {
  return defineDiscovery<ClusterConfig>({
    name: 'envoy.cluster.strict_dns',
    types: ['STRICT_DNS'],
    create: (context) => new StrictDns(context, dnsSettings(context, context.config, lookup)),
  });
}

/**
 * Envoy's STRICT_DNS: with the names that this machine knows (DNS, hosts file, search domains), or those of the name
 * servers that the config gives. Refreshed every `dns_refresh_rate`; on a failure or an empty answer the last good
 * addresses stay in use.
 */
export const strictDns: DiscoveryDefinition = strictDnsWith();
