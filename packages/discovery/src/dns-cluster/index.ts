/** Discovery for clusters of `cluster_type: envoy.clusters.dns`. */
import { type ClusterConfig, defineDiscovery } from '@mesh/core';
import { dnsSettings } from '../dns/settings.ts';
import { LogicalDns } from '../logical-dns/logical-dns.ts';
import type { DnsLookup } from '../resolver/index.ts';
import { StrictDns } from '../strict-dns/strict-dns.ts';
import { dnsClusterSchema } from './schema.ts';

/** {@link dnsCluster} that asks `lookup` instead of the configured resolver; give it in its place. */
export function dnsClusterWith(lookup?: DnsLookup) {
  return defineDiscovery<ClusterConfig, typeof dnsClusterSchema>({
    name: 'envoy.clusters.dns',
    typeUrl: 'type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster',
    config: dnsClusterSchema,
    create(context) {
      const { typeConfig } = context;
      const settings = dnsSettings(context, typeConfig, lookup);
      return typeConfig.allAddressesInSingleEndpoint
        ? new LogicalDns(context, settings)
        : new StrictDns(context, settings);
    },
  });
}

/**
 * Envoy's newer form of both DNS types: every address is a host, or with `all_addresses_in_single_endpoint` all of them
 * are one.
 */
export const dnsCluster = dnsClusterWith();
