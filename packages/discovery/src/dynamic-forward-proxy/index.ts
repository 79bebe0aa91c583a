/** `envoy.clusters.dynamic_forward_proxy`: requests go to the host that they name. */
import { type ClusterConfig, type DiscoveryContext, defineDiscovery } from '@mesh/core';
import type { DnsLookup } from '../resolver/index.ts';
import { clusterSchema, type DynamicForwardProxyConfig, secured, TYPE } from './config.ts';
import { DynamicForwardProxy } from './dynamic-forward-proxy.ts';

/**
 * As {@link dynamicForwardProxyCluster}, asking `lookup` instead of the resolver of the config: for tests, or for a
 * resolver of your own.
 */
export function dynamicForwardProxyClusterWith(lookup: DnsLookup | undefined) {
  return defineDiscovery({
    name: 'envoy.clusters.dynamic_forward_proxy',
    typeUrl: `type.googleapis.com/${TYPE}`,
    config: clusterSchema,
    balances: true,
    prepare: secured,
    create: (context: DiscoveryContext<ClusterConfig, DynamicForwardProxyConfig>) =>
      new DynamicForwardProxy(context, lookup),
  });
}

/**
 * The host of a request is found by its authority in a DNS cache, which the HTTP filter `dynamic_forward_proxy` (or the
 * network filter `sni_dynamic_forward_proxy`) fills before the router picks. Without one of these it has no hosts.
 *
 * Whoever may send requests chooses where this cluster connects to: keep strangers away from it by routes, RBAC or
 * authorization, and from addresses of your own network by `resolved_address_filter`.
 *
 * @example cluster('out', { clusterType: dynamicForwardProxyCluster({ dnsCacheConfig: { name: 'out' } }) })
 */
export const dynamicForwardProxyCluster = dynamicForwardProxyClusterWith(undefined);
