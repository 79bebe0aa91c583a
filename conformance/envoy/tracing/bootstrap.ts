/** All scenarios as one bootstrap: a listener for each, clusters for all. */
import type { Yaml } from '../scenario.ts';
import type { TracingScenario } from './scenario.ts';

const TYPES = 'type.googleapis.com/envoy';
const HCM = `${TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`;

const PROVIDER: Yaml = {
  name: 'envoy.tracers.zipkin',
  typed_config: {
    '@type': `${TYPES}.config.trace.v3.ZipkinConfig`,
    collector_cluster: 'zipkin',
    collector_endpoint: '/api/v2/spans',
    collector_endpoint_version: 'HTTP_JSON',
  },
};

const retryPolicy = { retry_on: '5xx', num_retries: 2, retry_back_off: { base_interval: '0.001s' } };

/** What every scenario can ask for. */
const ROUTES: readonly Yaml[] = [
  { match: { prefix: '/direct' }, direct_response: { status: 503, body: { inline_string: 'x' } } },
  {
    match: { prefix: '/decorated-quietly' },
    route: { cluster: 'a' },
    decorator: { operation: 'quiet', propagate: false },
  },
  { match: { prefix: '/decorated' }, route: { cluster: 'a' }, decorator: { operation: 'deco' } },
  { match: { prefix: '/no-cluster' }, route: { cluster: 'nowhere' } },
  { match: { prefix: '/empty' }, route: { cluster: 'empty' } },
  { match: { prefix: '/refused' }, route: { cluster: 'refused' } },
  { match: { prefix: '/full' }, route: { cluster: 'full' } },
  { match: { prefix: '/redirect' }, redirect: { path_redirect: '/elsewhere' } },
  { match: { prefix: '/retry' }, route: { cluster: 'a', prefix_rewrite: '/flaky', retry_policy: retryPolicy } },
  {
    match: { prefix: '/slow-try' },
    route: {
      cluster: 'a',
      prefix_rewrite: '/never',
      retry_policy: { ...retryPolicy, num_retries: 1, per_try_timeout: '0.1s' },
    },
  },
  { match: { prefix: '/slow' }, route: { cluster: 'a', prefix_rewrite: '/never', timeout: '0.1s' } },
  { match: { prefix: '/inner' }, route: { cluster: 'a', prefix_rewrite: '/moved', internal_redirect_policy: {} } },
  { match: { prefix: '/mirror' }, route: { cluster: 'a', request_mirror_policies: [{ cluster: 'b' }] } },
  ...['/a', '/b', '/status', '/hang', '/never', '/named', '/grpc'].map((prefix) => ({
    match: { prefix },
    route: { cluster: 'a' },
  })),
];

function hosts(port: number | undefined, metadata?: Yaml): Yaml {
  if (port === undefined) return { load_assignment: { cluster_name: 'x' } };
  const endpoint = { address: { socket_address: { address: '127.0.0.1', port_value: port } } };
  const entry = { endpoint, ...(metadata && { metadata: { filter_metadata: metadata } }) };
  return { load_assignment: { cluster_name: 'x', endpoints: [{ lb_endpoints: [entry] }] } };
}

function listener(scenario: TracingScenario): Yaml {
  const routes = [...(scenario.routes ?? []), ...ROUTES];
  const manager = {
    '@type': HCM,
    stat_prefix: scenario.name,
    use_remote_address: true,
    internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
    tracing: { provider: PROVIDER, ...scenario.tracing },
    route_config: {
      validate_clusters: false,
      virtual_hosts: [{ name: 'v', domains: ['*'], include_request_attempt_count: true, routes }],
    },
    http_filters: [
      ...(scenario.filters ?? []),
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': `${TYPES}.extensions.filters.http.router.v3.Router`, ...scenario.router },
      },
    ],
    ...scenario.manager,
  };
  return {
    name: scenario.name,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }],
    ...scenario.listener,
  };
}

/** Where the clusters are. */
export interface Ports {
  readonly upstream: number;
  readonly collector: number;
  readonly refused: number;
}

/** The bootstrap. */
export function tracingBootstrap(scenarios: readonly TracingScenario[], ports: Ports): Yaml {
  const cluster = (name: string, more: Yaml) => ({ name, connect_timeout: '1s', ...more });
  const none = { max_connections: 0, max_pending_requests: 0, max_requests: 0 };
  return {
    node: { id: 'node-1', cluster: 'cluster-1', locality: { zone: 'zone-1' } },
    layered_runtime: { layers: [{ name: 'static', static_layer: { 'tracing.zipkin.min_flush_spans': 1 } }] },
    tracing: { http: PROVIDER },
    static_resources: {
      listeners: scenarios.map(listener),
      clusters: [
        cluster('a', {
          alt_stat_name: 'alt_a',
          metadata: { filter_metadata: { cm: { k: 'c' } } },
          ...hosts(ports.upstream, { hm: { k: 5 } }),
        }),
        cluster('b', hosts(ports.upstream)),
        cluster('full', { circuit_breakers: { thresholds: [none] }, ...hosts(ports.upstream) }),
        cluster('refused', hosts(ports.refused)),
        cluster('empty', hosts(undefined)),
        cluster('zipkin', hosts(ports.collector)),
      ],
    },
  };
}
