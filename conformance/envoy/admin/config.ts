/** The configuration whose admin server is asked: something of everything that it shows. */
import type { Yaml } from '../scenario.ts';

const V3 = 'type.googleapis.com/envoy.extensions';
/** Where certificates and keys lie. */
export const FIXTURES = new URL('../../../packages/core/src/net/tls/fixtures/', import.meta.url).pathname;

/** `upstream` is the port of the host that answers, `key` a private key that must not be shown. */
export function adminConfig(upstream: number, key: string): Yaml {
  return {
    node: {
      id: 'node-1',
      cluster: 'front',
      locality: { region: 'r', zone: 'z', sub_zone: 's' },
      metadata: { a: 'b' },
    },
    admin: { address: socketAddress(0) },
    layered_runtime: {
      layers: [
        { name: 'base', static_layer: { health_check: { min_interval: 5 }, text: 'hello', yes: true } },
        { name: 'admin', admin_layer: {} },
      ],
    },
    static_resources: {
      listeners: [httpListener(), tlsListener(key)],
      clusters: [alpha(upstream), { name: 'beta', type: 'STATIC', connect_timeout: '1s' }],
    },
  };
}

function httpListener(): Yaml {
  const routes = [
    { match: { prefix: '/a' }, route: { cluster: 'alpha' } },
    { match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'here' } } },
  ];
  const manager = {
    '@type': `${V3}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'ingress',
    route_config: { name: 'local', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${V3}.filters.http.router.v3.Router` } },
    ],
  };
  return {
    name: 'main',
    address: socketAddress(0),
    traffic_direction: 'INBOUND',
    filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }],
  };
}

function tlsListener(key: string): Yaml {
  const context = {
    '@type': `${V3}.transport_sockets.tls.v3.DownstreamTlsContext`,
    common_tls_context: {
      tls_certificates: [
        { certificate_chain: { filename: `${FIXTURES}server.pem` }, private_key: { inline_string: key } },
      ],
      validation_context: { trusted_ca: { filename: `${FIXTURES}ca.pem` } },
    },
  };
  const proxy = { '@type': `${V3}.filters.network.tcp_proxy.v3.TcpProxy`, stat_prefix: 'tcp', cluster: 'beta' };
  return {
    name: 'tls',
    address: socketAddress(0),
    filter_chains: [
      {
        transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: context },
        filters: [{ name: 'envoy.filters.network.tcp_proxy', typed_config: proxy }],
      },
    ],
  };
}

/** A host that answers, and in the second priority one that is ill and one that is about to go. */
function alpha(upstream: number): Yaml {
  const live = {
    endpoint: { address: socketAddress(upstream), hostname: 'h1' },
    load_balancing_weight: 5,
    metadata: { filter_metadata: { 'envoy.lb': { canary: true } } },
  };
  const others = [
    { endpoint: { address: socketAddress(1, '127.0.0.2') }, health_status: 'UNHEALTHY' },
    { endpoint: { address: socketAddress(1, '127.0.0.3') }, health_status: 'DRAINING' },
    { endpoint: { address: socketAddress(1, '127.0.0.4') }, health_status: 'DEGRADED' },
  ];
  return {
    name: 'alpha',
    type: 'STATIC',
    connect_timeout: '1s',
    alt_stat_name: 'alpha_alt',
    outlier_detection: {},
    circuit_breakers: { thresholds: [{ max_connections: 7 }, { priority: 'HIGH', max_retries: 9 }] },
    load_assignment: {
      cluster_name: 'alpha',
      endpoints: [
        { locality: { region: 'r1', zone: 'z1', sub_zone: 's1' }, lb_endpoints: [live] },
        { priority: 1, lb_endpoints: others },
      ],
    },
  };
}

function socketAddress(port: number, address = '127.0.0.1'): Yaml {
  return { socket_address: { address, port_value: port } };
}
