/** One configuration for Envoy and for Mesh: HTTP with and without TLS, and TCP; all of it logs to one service. */
import { certificate, fixture } from '../envoy/pieces.ts';
import type { Yaml } from '../envoy/scenario.ts';

const TYPES = 'type.googleapis.com/envoy.extensions';

/** Ports of the servers of the test. */
export interface Ports {
  readonly collector: number;
  readonly upstream: number;
  readonly refused: number;
}

/** Listeners that it has. */
export const LISTENERS = ['http', 'https', 'tcp', 'tcp-refused'] as const;
export type ListenerName = (typeof LISTENERS)[number];

export function bootstrap(ports: Ports): Yaml {
  return {
    node: { id: 'test-node', cluster: 'test-cluster', locality: { region: 'r', zone: 'z' }, metadata: { a: 1 } },
    static_resources: {
      listeners: [
        listener('http', [manager()]),
        { ...listener('https', [manager()], { transport_socket: tls() }), listener_filters: [tlsInspector()] },
        listener('tcp', [tcpProxy('upstream')]),
        listener('tcp-refused', [tcpProxy('refused')]),
      ],
      clusters: [
        cluster('upstream', [ports.upstream]),
        cluster('refused', [ports.refused]),
        cluster('empty', []),
        { ...cluster('collector', [ports.collector]), ...http2() },
      ],
    },
  };
}

function listener(name: ListenerName, filters: readonly Yaml[], chain: Yaml = {}): Yaml {
  return {
    name,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters, ...chain }],
  };
}

/** Without it Envoy does not know which name the client asked for. */
function tlsInspector(): Yaml {
  const name = 'envoy.filters.listener.tls_inspector';
  return { name, typed_config: { '@type': `${TYPES}.filters.listener.tls_inspector.v3.TlsInspector` } };
}

function tls(): Yaml {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPES}.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: {
        tls_certificates: [certificate('server')],
        validation_context: { trusted_ca: { filename: fixture('ca.pem') } },
        tls_params: { tls_minimum_protocol_version: 'TLSv1_3' },
      },
    },
  };
}

function commonConfig(logName: string): Yaml {
  return {
    log_name: logName,
    transport_api_version: 'V3',
    buffer_size_bytes: 0,
    grpc_service: { envoy_grpc: { cluster_name: 'collector' } },
    custom_tags: [
      { tag: 'literal', literal: { value: 'v' } },
      { tag: 'header', request_header: { name: 'x-tag', default_value: 'none' } },
      { tag: 'absent', request_header: { name: 'x-tag' } },
      { tag: 'route', metadata: { kind: { route: {} }, metadata_key: { key: 'ns', path: [{ key: 'k' }] } } },
    ],
  };
}

function manager(): Yaml {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: 'in',
      codec_type: 'AUTO',
      http_protocol_options: { enable_trailers: true },
      access_log: [
        {
          name: 'als',
          typed_config: {
            '@type': `${TYPES}.access_loggers.grpc.v3.HttpGrpcAccessLogConfig`,
            common_config: commonConfig('http-log'),
            additional_request_headers_to_log: ['X-Twice', 'accept', ':path', 'x-none'],
            additional_response_headers_to_log: ['X-Up', 'server', ':status', 'set-cookie'],
            additional_response_trailers_to_log: ['X-Trailer'],
          },
        },
      ],
      http_filters: [
        {
          name: 'envoy.filters.http.router',
          typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router`, suppress_envoy_headers: true },
        },
      ],
      route_config: {
        virtual_hosts: [
          {
            name: 'all',
            domains: ['a.test'],
            routes: [
              {
                name: 'direct',
                match: { path: '/direct' },
                direct_response: { status: 201, body: { inline_string: 'hi' } },
              },
              { name: 'redirect', match: { path: '/redirect' }, redirect: { path_redirect: '/x' } },
              { name: 'refused', match: { path: '/refused' }, route: { cluster: 'refused' } },
              { name: 'empty', match: { path: '/empty' }, route: { cluster: 'empty' } },
              { name: 'no-cluster', match: { path: '/no-cluster' }, route: { cluster_header: 'x-cluster' } },
              {
                name: 'retried',
                match: { path: '/retried' },
                route: {
                  cluster: 'upstream',
                  retry_policy: { retry_on: '5xx', num_retries: 1 },
                  prefix_rewrite: '/503',
                },
              },
              { name: 'timeout', match: { path: '/hang' }, route: { cluster: 'upstream', timeout: '0.1s' } },
              {
                name: 'rewritten',
                match: { prefix: '/rewritten' },
                route: { cluster: 'upstream', prefix_rewrite: '/' },
                metadata: { filter_metadata: { ns: { k: 'from the route' } } },
              },
              { match: { prefix: '/' }, route: { cluster: 'upstream' } },
            ],
          },
        ],
      },
    },
  };
}

function tcpProxy(name: string): Yaml {
  return {
    name: 'envoy.filters.network.tcp_proxy',
    typed_config: {
      '@type': `${TYPES}.filters.network.tcp_proxy.v3.TcpProxy`,
      stat_prefix: name,
      cluster: name,
      access_log_options: { flush_access_log_on_start: true, flush_access_log_on_connected: true },
      access_log: [
        {
          name: 'als',
          typed_config: {
            '@type': `${TYPES}.access_loggers.grpc.v3.TcpGrpcAccessLogConfig`,
            common_config: commonConfig('tcp-log'),
          },
        },
      ],
    },
  };
}

function cluster(name: string, ports: readonly number[]): Yaml {
  const endpoint = (port: number) => ({
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
  });
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: ports.map(endpoint) }] },
  };
}

function http2(): Yaml {
  return {
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${TYPES}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  };
}
