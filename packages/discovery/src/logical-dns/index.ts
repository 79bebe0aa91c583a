/** Discovery for clusters of `type: LOGICAL_DNS`. */
import { type ClusterConfig, type DiscoveryDefinition, defineDiscovery } from '@mesh/core';
import { dnsSettings } from '../dns/settings.ts';
import type { DnsLookup } from '../resolver/index.ts';
import { LogicalDns } from './logical-dns.ts';

/** {@link logicalDns} that asks `lookup` instead of the configured resolver; give it in its place. */
export function logicalDnsWith(lookup?: DnsLookup): DiscoveryDefinition {
  return defineDiscovery<ClusterConfig>({
    name: 'envoy.cluster.logical_dns',
    types: ['LOGICAL_DNS'],
    create: (context) => new LogicalDns(context, dnsSettings(context, context.config, lookup)),
  });
}

/**
 * Envoy's LOGICAL_DNS: one host, whose connections go to whatever address its name has at the time. For services behind
 * a name whose addresses change all the time, where a host for each of them would only make connections come and go.
 */
export const logicalDns: DiscoveryDefinition = logicalDnsWith();
