/** The proxy between gRPC clients and servers: HTTP/2 on both sides. */
import { readFileSync } from 'node:fs';

const TYPES = 'type.googleapis.com/envoy.extensions';
const CERTS = new URL('../../examples/sidecars/certs/', import.meta.url).pathname;

/** What clients trust. */
export const CA = readFileSync(`${CERTS}self-signed.crt`);

export function bootstrap(ports: readonly number[], tls: boolean): object {
  const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const manager = {
    '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    codec_type: 'AUTO',
    stat_prefix: 'ingress_http',
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/test.Echo/', grpc: {} }, route: { cluster: 'echo', timeout: '60s' } }],
        },
      ],
    },
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router` } },
    ],
  };
  const certificate = {
    certificate_chain: { filename: `${CERTS}self-signed.crt` },
    private_key: { filename: `${CERTS}self-signed.key` },
  };
  const transport = {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPES}.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: { alpn_protocols: ['h2'], tls_certificates: [certificate] },
    },
  };
  const protocol = {
    '@type': `${TYPES}.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http2_protocol_options: {} },
  };
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }];
  return {
    static_resources: {
      listeners: [
        {
          name: 'main',
          address: address(0),
          filter_chains: [{ filters, ...(tls && { transport_socket: transport }) }],
        },
      ],
      clusters: [
        {
          name: 'echo',
          connect_timeout: '5s',
          typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': protocol },
          load_assignment: {
            cluster_name: 'echo',
            endpoints: [{ lb_endpoints: ports.map((port) => ({ endpoint: { address: address(port) } })) }],
          },
        },
      ],
    },
  };
}
