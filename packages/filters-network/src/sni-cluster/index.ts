/** `envoy.filters.network.sni_cluster`: the server name that the client asks for is the cluster of tcp_proxy. */
import { defineNetworkFilter } from '@mesh/core';
import { message } from '@mesh/core/proto';
import { CLUSTER_KEY } from '../tcp-proxy/settings.ts';

/**
 * Lets tcp_proxy take the cluster named as the SNI of the connection; without SNI its own cluster stands. The SNI is
 * known with TLS, or with the listener filter tls_inspector.
 */
export const sniCluster = defineNetworkFilter({
  name: 'envoy.filters.network.sni_cluster',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.network.sni_cluster.v3.SniCluster',
  config: message({}, { name: 'envoy.extensions.filters.network.sni_cluster.v3.SniCluster' }),
  create: () => ({
    onConnection(connection) {
      if (connection.serverName !== '') connection.info.filterState.set(CLUSTER_KEY, connection.serverName);
    },
  }),
});
