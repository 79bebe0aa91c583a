/** `envoy.filters.http.dynamic_forward_proxy`: has the host that a request names looked up before the router picks. */
import { defineHttpFilter } from '@mesh/core';
import { bool, dnsCacheConfig, message, string, withDefault } from '@mesh/core/proto';
import { DynamicForwardProxy } from './dynamic-forward-proxy.ts';

const TYPE = 'envoy.extensions.filters.http.dynamic_forward_proxy.v3';

const config = message(
  {
    dns_cache_config: dnsCacheConfig,
    save_upstream_address: withDefault(bool(), false),
    allow_dynamic_host_from_filter_state: withDefault(bool(), false),
  },
  {
    name: `${TYPE}.FilterConfig`,
    known: { sub_cluster_config: 'a cluster of its own for each name is not built yet; use dns_cache_config' },
    oneofs: [{ fields: ['dns_cache_config', 'sub_cluster_config'], required: true }],
  },
);

const routeConfig = message(
  { host_rewrite_literal: withDefault(string(), ''), host_rewrite_header: withDefault(string(), '') },
  { name: `${TYPE}.PerRouteConfig`, oneofs: [{ fields: ['host_rewrite_literal', 'host_rewrite_header'] }] },
);

/** What a route says of the filter. */
export type RewriteConfig = ReturnType<typeof routeConfig.parse>;

/**
 * Requests to clusters of type `dynamic_forward_proxy` wait here until their host is found; others pass. A host that is not
 * found is answered 503 `DNS resolution failure`.
 *
 * It stands before the router, and after whatever decides who may go where: with it, clients choose where the proxy
 * connects to.
 */
export const dynamicForwardProxy = defineHttpFilter({
  name: 'envoy.filters.http.dynamic_forward_proxy',
  typeUrl: `type.googleapis.com/${TYPE}.FilterConfig`,
  config,
  routeConfig,
  newState: () => ({ wait: undefined }),
  create: ({ saveUpstreamAddress, allowDynamicHostFromFilterState }, context) =>
    new DynamicForwardProxy({
      saveAddress: saveUpstreamAddress,
      hostFromFilterState: allowDynamicHostFromFilterState,
      routeConfig: (stream) => context.routeConfig(stream) as RewriteConfig | undefined,
    }),
});
