/** The variants as one configuration, for Envoy and for Mesh alike. */
import type { Yaml } from '../envoy/scenario.ts';
import type { Variant } from './variants.ts';

const TYPES = 'type.googleapis.com/envoy.extensions.filters';

/** Ports of the servers of the test. */
export interface Ports {
  readonly collector: number;
  readonly upstream: number;
}

/** One listener per variant; it reports to `/<name>`, in the name of the service. */
export function bootstrap(variants: readonly Variant[], ports: Ports, service = 'test-service'): Yaml {
  return {
    node: { id: 'test-node', cluster: service, locality: { zone: 'here' } },
    layered_runtime: {
      layers: [
        {
          name: 'static',
          static_layer: { 'tracing.zipkin.min_flush_spans': 1, 'tracing.zipkin.flush_interval_ms': 100 },
        },
      ],
    },
    static_resources: {
      listeners: variants.map((variant) => listener(variant)),
      clusters: [cluster('collector', ports.collector), cluster('upstream', ports.upstream)],
    },
  };
}

function listener({ name, zipkin = {}, tracing = {}, egress = false }: Variant): Yaml {
  return {
    name,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    traffic_direction: egress ? 'OUTBOUND' : 'INBOUND',
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type': `${TYPES}.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: name,
              preserve_external_request_id: true,
              tracing: {
                ...tracing,
                provider: {
                  name: 'envoy.tracers.zipkin',
                  typed_config: {
                    '@type': 'type.googleapis.com/envoy.config.trace.v3.ZipkinConfig',
                    collector_cluster: 'collector',
                    collector_endpoint: `/${name}`,
                    collector_endpoint_version: 'HTTP_JSON',
                    ...zipkin,
                  },
                },
              },
              route_config: {
                name,
                virtual_hosts: [
                  { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'upstream' } }] },
                ],
              },
              http_filters: [
                {
                  name: 'envoy.filters.http.router',
                  typed_config: { '@type': `${TYPES}.http.router.v3.Router` },
                },
              ],
            },
          },
        ],
      },
    ],
  };
}

function cluster(name: string, port: number): Yaml {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: {
      cluster_name: name,
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }] },
      ],
    },
  };
}
