/** A bootstrap with one route of each kind, and what asks it. */
import { defineHttpFilter, type Explanation } from '@mesh/core';
import { explain } from './explain.ts';

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ROUTER = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
};

/** How often the filter was made, and how often it was called. */
export const count = { created: 0, called: 0 };
const anything = {
  '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => ({ value }) },
};
/** A filter that must not run when a request is only explained. */
export const counting = defineHttpFilter({
  name: 'test.filters.http.counting',
  config: anything,
  routeConfig: anything,
  create: () => {
    count.created++;
    return { onRequestHeaders: () => void count.called++ };
  },
});

export function hcm(virtualHosts: readonly object[], more: object = {}, filters: readonly object[] = []) {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': HCM,
      stat_prefix: 'web',
      route_config: { name: 'table', virtual_hosts: virtualHosts },
      http_filters: [...filters, ROUTER],
      ...more,
    },
  };
}

export function listenerAt(port: number, manager: object, name = `l${port}`) {
  const address = { socket_address: { address: '0.0.0.0', port_value: port } };
  return { name, address, filter_chains: [{ name: 'main', filters: [manager] }] };
}

function clusterOf(name: string, type = 'STATIC', hosts = ['10.0.0.1'], more: object = {}) {
  const lb_endpoints = hosts.map((address) => ({
    endpoint: { address: { socket_address: { address, port_value: 80 } } },
  }));
  return { name, type, load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints }] }, ...more };
}

export const HOSTS = [
  {
    name: 'api',
    domains: ['api.test', '*.api.test', 'api.*'],
    routes: [
      { match: { path: '/health' }, direct_response: { status: 200, body: { inline_string: 'ok' } } },
      { match: { prefix: '/old' }, redirect: { prefix_rewrite: '/new', response_code: 'FOUND' } },
      {
        name: 'v2',
        match: { prefix: '/users', headers: [{ name: 'x-version', string_match: { exact: '2' } }] },
        route: { cluster: 'users-v2' },
      },
      {
        name: 'users',
        match: { prefix: '/users' },
        route: { cluster: 'users', prefix_rewrite: '/u', host_rewrite_literal: 'inner', timeout: '3s' },
        request_headers_to_add: [{ header: { key: 'x-team', value: 'users' } }],
        request_headers_to_remove: ['x-secret'],
        response_headers_to_add: [{ header: { key: 'x-served', value: 'mesh' } }],
        typed_per_filter_config: { 'test.filters.http.counting': { limit: 1 } },
      },
      {
        match: { prefix: '/off' },
        route: { cluster: 'users' },
        typed_per_filter_config: {
          'test.filters.http.counting': {
            '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig',
            disabled: true,
          },
        },
      },
      {
        name: 'split',
        match: { prefix: '/split' },
        route: {
          weighted_clusters: {
            clusters: [
              { name: 'users', weight: 90 },
              { name: 'users-v2', weight: 10 },
            ],
          },
          retry_policy: { retry_on: '5xx,retriable-status-codes', num_retries: 3, retriable_status_codes: [409] },
        },
      },
      { match: { prefix: '/by-header' }, route: { cluster_header: 'x-cluster' } },
      {
        name: 'beta',
        match: { prefix: '/beta', runtime_fraction: { default_value: { numerator: 10 }, runtime_key: 'beta' } },
        route: { cluster: 'users' },
      },
      {
        match: { prefix: '/mirror' },
        route: {
          cluster: 'users',
          request_mirror_policies: [
            { cluster: 'users-v2', runtime_fraction: { default_value: { numerator: 5 }, runtime_key: 'shadow' } },
          ],
          hash_policy: [{ header: { header_name: 'x-user' } }],
        },
      },
    ],
  },
  { name: 'rest', domains: ['rest.test:8080'], routes: [{ match: { prefix: '/' }, route: { cluster: 'users' } }] },
];

/** One listener, two clusters. */
export const CONFIG = {
  static_resources: {
    listeners: [
      listenerAt(
        8080,
        hcm(HOSTS, { use_remote_address: true, normalize_path: true }, [{ name: 'test.filters.http.counting' }]),
      ),
    ],
    clusters: [clusterOf('users', 'STATIC', ['10.0.0.1', '10.0.0.2']), clusterOf('users-v2', 'STATIC', ['10.0.1.1'])],
  },
};

/** Asks {@link CONFIG}. */
export const ask = (request: string, options: Parameters<typeof explain>[2] = {}): Promise<Explanation> =>
  explain(CONFIG, request, { extensions: [counting], ...options });

/** The same with other virtual hosts. */
export function withHosts(
  virtualHosts: readonly object[],
  filters: readonly object[] = [{ name: 'test.filters.http.counting' }],
  manager: object = {},
) {
  const own = JSON.stringify(virtualHosts).includes('counting') ? filters : [];
  const { clusters } = CONFIG.static_resources;
  return { static_resources: { listeners: [listenerAt(8080, hcm(virtualHosts, manager, own))], clusters } };
}
