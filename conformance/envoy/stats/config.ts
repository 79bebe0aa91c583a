/** The configuration whose statistics are compared: one listener and one cluster (or more) per subject. */
import { clientTls, fixture, H2_CLUSTER, listenerFilter, network, serverTls, TLS_INSPECTOR } from '../pieces.ts';
import type { Yaml } from '../scenario.ts';
import type { Upstreams } from './upstreams.ts';

const TYPES = 'type.googleapis.com/envoy.extensions';
/** Nobody listens there. */
const REFUSING_PORT = 1;

/** Names of all listeners. */
export const LISTENERS = [
  'plain',
  'retry',
  'late',
  'broken',
  'twin',
  'secure',
  'bytes',
  'full',
  'ejecting',
  'checked',
  'zoned',
  'filters',
  'guarded',
  'proxied',
  'unnamed',
] as const;

/** One of them. */
export type ListenerName = (typeof LISTENERS)[number];

/** The whole bootstrap. */
export function statsBootstrap(upstreams: Upstreams): Yaml {
  return {
    admin: { address: socketAddress(0) },
    node: { id: 'stats', cluster: 'stats', locality: { region: 'r', zone: 'here' } },
    stats_flush_interval: '0.2s',
    cluster_manager: { local_cluster_name: 'zoned' },
    layered_runtime: {
      layers: [
        { name: 'static', static_layer: { 'health_check.min_interval': 60_000, some: { key: 'x' } } },
        { name: 'admin', admin_layer: {} },
      ],
    },
    static_resources: { listeners: listeners(), clusters: clusters(upstreams) },
  };
}

function listeners(): Yaml[] {
  return [
    listener('plain', [http('plain', plainHost(), { add_user_agent: true, internal_address_config: INTERNAL })]),
    listener('retry', [http('retry', { ...to('retry', RETRY) })]),
    listener('late', [http('late', lateHost())]),
    listener('broken', [http('broken', brokenHost())]),
    listener('twin', [http('twin', { ...to('twin') }, { codec_type: 'HTTP2' })]),
    listener('secure', [http('secure', { ...to('secure') })], serverTls(), { listener_filters: [TLS_INSPECTOR] }),
    listener('bytes', [network('tcp_proxy', 'tcp_proxy.v3.TcpProxy', { stat_prefix: 'bytes', cluster: 'bytes' })]),
    listener('full', [http('full', { ...to('full') })]),
    listener('ejecting', [http('ejecting', { ...to('ejecting') })]),
    listener('checked', [http('checked', { ...to('checked') })]),
    listener('zoned', [http('zoned', { ...to('zoned') })]),
    listener('filters', [http('filters', { ...to('plain') }, { http_filters: [HEALTH_CHECK, ROUTER] })]),
    listener('guarded', guards()),
    listener(
      'proxied',
      [http('proxied', { ...to('plain') })],
      {},
      { listener_filters: [PROXY_PROTOCOL, HTTP_INSPECTOR] },
    ),
    { ...listener('unnamed', [http('unnamed', { ...to('plain') })]), stat_prefix: undefined },
  ];
}

function listener(name: ListenerName, filters: Yaml[], chain: Yaml = {}, more: Yaml = {}): Yaml {
  return { name, stat_prefix: name, address: socketAddress(0), filter_chains: [{ filters, ...chain }], ...more };
}

const ROUTER: Yaml = {
  name: 'envoy.filters.http.router',
  // The time an upstream took has one digit or two.
  typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router`, suppress_envoy_headers: true },
};
const HEALTH_CHECK: Yaml = {
  name: 'envoy.filters.http.health_check',
  typed_config: {
    '@type': `${TYPES}.filters.http.health_check.v3.HealthCheck`,
    pass_through_mode: false,
    headers: [{ name: ':path', string_match: { exact: '/healthz' } }],
  },
};
const PROXY_PROTOCOL = listenerFilter('proxy_protocol', 'proxy_protocol.v3.ProxyProtocol');
const HTTP_INSPECTOR = listenerFilter('http_inspector', 'http_inspector.v3.HttpInspector');
const INTERNAL: Yaml = { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] };

function http(name: string, host: Yaml, more: Yaml = {}): Yaml {
  return network('http_connection_manager', 'http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: name,
    codec_type: 'AUTO',
    delayed_close_timeout: '0.05s',
    route_config: { name: 'routes', virtual_hosts: [{ name: `${name}_host`, domains: ['*'], ...host }] },
    http_filters: [ROUTER],
    ...more,
  });
}

function to(cluster: string, more: Yaml = {}): Yaml {
  return { routes: [{ match: { prefix: '/' }, route: { cluster, ...more } }] };
}

const exact = (name: string, value: string): Yaml => ({ name, string_match: { exact: value } });

function plainHost(): Yaml {
  return {
    domains: ['h.test'],
    require_tls: 'NONE',
    virtual_clusters: [
      { name: 'posts', headers: [exact(':method', 'POST')] },
      { name: 'odd', headers: [exact(':path', '/status/503')] },
    ],
    routes: [
      { match: { path: '/moved' }, redirect: { path_redirect: '/' } },
      { match: { path: '/direct' }, direct_response: { status: 418, body: { inline_string: 'tea' } } },
      { match: { path: '/nowhere' }, route: { cluster_header: 'x-to' } },
      { match: { prefix: '/measured' }, stat_prefix: 'measured', route: { cluster: 'plain' } },
      { match: { path: '/ws' }, route: { cluster: 'plain', upgrade_configs: [{ upgrade_type: 'websocket' }] } },
      { match: { prefix: '/' }, route: { cluster: 'plain' } },
    ],
  };
}

const TRACKED: Yaml = { timeout_budgets: true, request_response_sizes: true, per_endpoint_stats: true };

const RETRY: Yaml = {
  retry_policy: { retry_on: '5xx,reset', num_retries: 2, retry_back_off: { base_interval: '0.001s' } },
};

function lateHost(): Yaml {
  const slow = { retry_policy: { retry_on: '5xx', num_retries: 1, per_try_timeout: '0.04s' }, timeout: '5s' };
  return {
    routes: [
      { match: { path: '/try' }, route: { cluster: 'late', ...slow } },
      { match: { prefix: '/' }, route: { cluster: 'late', timeout: '0.05s' } },
    ],
  };
}

function brokenHost(): Yaml {
  return {
    routes: [
      { match: { prefix: '/refused' }, route: { cluster: 'refused' } },
      { match: { prefix: '/nobody' }, route: { cluster: 'nobody' } },
      { match: { prefix: '/' }, route: { cluster: 'broken' } },
    ],
  };
}

/** Network filters before a TCP proxy. */
function guards(): Yaml[] {
  const any = { permissions: [{ any: true }], principals: [{ any: true }] };
  return [
    network('rbac', 'rbac.v3.RBAC', { stat_prefix: 'guarded', rules: { action: 'ALLOW', policies: { all: any } } }),
    network('connection_limit', 'connection_limit.v3.ConnectionLimit', { stat_prefix: 'guarded', max_connections: 1 }),
    network('local_ratelimit', 'local_ratelimit.v3.LocalRateLimit', {
      stat_prefix: 'guarded',
      token_bucket: { max_tokens: 2, tokens_per_fill: 1, fill_interval: '600s' },
    }),
    network('tcp_proxy', 'tcp_proxy.v3.TcpProxy', { stat_prefix: 'guarded', cluster: 'bytes' }),
  ];
}

function clusters({ http1, http2, http1Tls, bytes }: Upstreams): Yaml[] {
  const common = { update_merge_window: '0s' };
  const breakers = { max_requests: 1, max_pending_requests: 1, max_connections: 1, track_remaining: true };
  return [
    cluster('plain', [http1], { track_cluster_stats: TRACKED }),
    cluster('retry', [http1], {
      circuit_breakers: {
        thresholds: [{ retry_budget: { budget_percent: { value: 100 }, min_retry_concurrency: 3 } }],
      },
    }),
    cluster('late', [http1]),
    cluster('broken', [http1]),
    cluster('refused', [REFUSING_PORT]),
    cluster('nobody', []),
    cluster('twin', [http2], H2_CLUSTER),
    cluster('secure', [http1Tls], clientTls({ validation_context: { trusted_ca: { filename: fixture('ca.pem') } } })),
    cluster('bytes', [bytes]),
    cluster('full', [http1], { circuit_breakers: { thresholds: [breakers] } }),
    cluster('ejecting', [http1, REFUSING_PORT], {
      outlier_detection: { consecutive_5xx: 1, max_ejection_percent: 50, base_ejection_time: '600s', interval: '600s' },
      common_lb_config: common,
    }),
    cluster('checked', [http1], {
      health_checks: [
        {
          timeout: '1s',
          interval: '600s',
          no_traffic_interval: '600s',
          unhealthy_threshold: 1,
          healthy_threshold: 1,
          http_health_check: { path: '/' },
        },
      ],
      common_lb_config: common,
    }),
    zoned(http1),
  ];
}

function zoned(port: number): Yaml {
  const endpoints = ['there'].map((zone) => ({
    locality: { region: 'r', zone },
    lb_endpoints: [{ endpoint: { address: socketAddress(port) } }],
  }));
  return { ...cluster('zoned', []), load_assignment: { cluster_name: 'zoned', endpoints } };
}

function cluster(name: string, ports: readonly number[], more: Yaml = {}): Yaml {
  const lb_endpoints = ports.map((port) => ({ endpoint: { address: socketAddress(port) } }));
  return {
    name,
    connect_timeout: '1s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints }] },
    ...more,
  };
}

function socketAddress(port: number): Yaml {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
