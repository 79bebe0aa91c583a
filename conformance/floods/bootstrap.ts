/** The configuration that is attacked: what it does not name is at its default. */

const TYPES = 'type.googleapis.com/envoy.extensions';
const ADDRESS = { socket_address: { address: '127.0.0.1', port_value: 0 } };
const CERTS = new URL('../../examples/sidecars/certs/', import.meta.url).pathname;

/** What differs from one test to the next. */
export interface BootstrapOptions {
  /** More fields of the connection manager. */
  readonly manager?: object;
  /** How long a handshake may take; default 15 s as in Envoy. */
  readonly handshakeTimeout?: string;
}

/** Two listeners, the first without and the second with TLS, before one upstream over HTTP/1. */
export function bootstrap(upstreamPort: number, options: BootstrapOptions = {}): string {
  const filters = networkFilters(options.manager ?? {});
  const secured = {
    filters,
    transport_socket: TLS,
    transport_socket_connect_timeout: options.handshakeTimeout ?? '15s',
  };
  return JSON.stringify({
    admin: { address: ADDRESS },
    static_resources: {
      listeners: [
        { name: 'plain', stat_prefix: 'plain', address: ADDRESS, filter_chains: [{ filters }] },
        { name: 'tls', stat_prefix: 'tls', address: ADDRESS, filter_chains: [secured] },
      ],
      clusters: [cluster(upstreamPort)],
    },
  });
}

const TLS = {
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': `${TYPES}.transport_sockets.tls.v3.DownstreamTlsContext`,
    common_tls_context: {
      alpn_protocols: ['h2', 'http/1.1'],
      tls_certificates: [
        {
          certificate_chain: { filename: `${CERTS}self-signed.crt` },
          private_key: { filename: `${CERTS}self-signed.key` },
        },
      ],
    },
  },
};

function networkFilters(manager: object): object[] {
  const config = {
    '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    codec_type: 'AUTO',
    stat_prefix: 'ingress_http',
    route_config: {
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'app' } }] }],
    },
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router` } },
    ],
    ...manager,
  };
  return [{ name: 'envoy.filters.network.http_connection_manager', typed_config: config }];
}

function cluster(port: number): object {
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const most = 1_000_000;
  return {
    name: 'app',
    type: 'STATIC',
    // Circuit breakers are not what is to hold here.
    circuit_breakers: { thresholds: [{ max_connections: most, max_pending_requests: most, max_requests: most }] },
    load_assignment: { cluster_name: 'app', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
}
