/** `envoy.filters.network.sni_dynamic_forward_proxy`: has the server name looked up before tcp_proxy picks. */
import { defineNetworkFilter } from '@mesh/core';
import { bool, dnsCacheConfig, message, required, uint32, withDefault } from '@mesh/core/proto';
import { SniDynamicForwardProxy } from './sni-dynamic-forward-proxy.ts';

const TYPE = 'envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig';

const config = message(
  {
    dns_cache_config: required(dnsCacheConfig),
    port_value: uint32({ min: 1, max: 65_535 }),
    save_upstream_address: withDefault(bool(), false),
  },
  { name: TYPE },
);

/**
 * A connection waits here until the server name that it asks for is found by the DNS cache of a `dynamic_forward_proxy`
 * cluster; then tcp_proxy, which must name that cluster, connects to it at `port_value` (default 443). Connections without
 * a server name pass. The server name is known with TLS, or with the listener filter tls_inspector.
 *
 * With it, clients choose where the proxy connects to: a filter chain of its own should take the names that they may have
 * (`filter_chain_match.server_names`), and `resolved_address_filter` keep them from addresses of your own network.
 */
export const sniDynamicForwardProxy = defineNetworkFilter({
  name: 'envoy.filters.network.sni_dynamic_forward_proxy',
  typeUrl: `type.googleapis.com/${TYPE}`,
  config,
  newState: () => ({ wait: undefined }),
  create: ({ dnsCacheConfig: cache, portValue = 443, saveUpstreamAddress }, { clusters }) =>
    new SniDynamicForwardProxy({ clusters, cacheName: cache.name, port: portValue, saveAddress: saveUpstreamAddress }),
});
