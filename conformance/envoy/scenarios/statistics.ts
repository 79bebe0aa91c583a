/** Counters that routing, router and connection manager keep, under Envoy's names; scoped routes. */
import { answer, closeUnanswered, sequence } from '@mesh/testing';
import { prefix, type Scenario, TO_A, type Yaml } from '../scenario.ts';

const status = (code: number) => answer({ status: code, reason: 'Test' });
const at = (headers: Readonly<Record<string, string>>) => ({ headers });
const INTERNAL: Yaml = { internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] } };
const exact = (name: string, value: string): Yaml => ({ name, string_match: { exact: value } });

const counters: readonly Scenario[] = [
  {
    name: 'stats-codes',
    why: 'responses by class and code, for listener and cluster',
    routes: [prefix('/')],
    upstreams: { a: sequence(status(200), status(204), status(301), status(404), status(500), status(503)) },
    requests: ['/', '/', '/', '/', '/', '/'],
    counters: [
      ...['1xx', '2xx', '3xx', '4xx', '5xx', 'completed', 'total'].map((name) => `http.downstream_rq_${name}`),
      ...['2xx', '3xx', '4xx', '5xx', '200', '204', '301', '404', '500', '503', 'completed', 'total'].map(
        (name) => `cluster.a.upstream_rq_${name}`,
      ),
      'cluster.a.external.upstream_rq_200',
      'cluster.a.external.upstream_rq_5xx',
      'cluster.a.internal.upstream_rq_200',
    ],
  },
  {
    name: 'stats-internal',
    why: 'requests of internal clients are counted apart',
    routes: [TO_A],
    manager: INTERNAL,
    requests: [at({ 'x-forwarded-for': '10.0.0.1' }), '/'],
    counters: ['cluster.a.internal.upstream_rq_200', 'cluster.a.external.upstream_rq_200', 'cluster.a.upstream_rq_200'],
  },
  {
    name: 'stats-canary',
    why: 'responses of canaries are counted once more',
    routes: [TO_A],
    upstreams: { a: answer({ reason: 'OK', headers: { 'x-envoy-upstream-canary': 'true' } }) },
    requests: ['/'],
    counters: ['cluster.a.canary.upstream_rq_200', 'cluster.a.upstream_rq_200'],
  },
  {
    name: 'stats-alt-name',
    why: 'x-envoy-upstream-alt-stat-name of an internal client counts under that name too',
    routes: [TO_A],
    manager: INTERNAL,
    requests: [at({ 'x-forwarded-for': '10.0.0.1', 'x-envoy-upstream-alt-stat-name': 'mine' })],
    counters: ['cluster.a.mine.upstream_rq_200', 'cluster.a.upstream_rq_200'],
  },
  {
    name: 'stats-retry',
    why: 'retried responses are counted as retries, the last one as usual',
    routes: [
      prefix('/', '<a>', {
        retry_policy: { retry_on: '5xx', num_retries: 2, retry_back_off: { base_interval: '0.001s' } },
      }),
    ],
    upstreams: { a: sequence(status(503), closeUnanswered(), status(200)) },
    requests: ['/'],
    masks: [[/^(14\d{3}|15000)$/, '<left>']],
    counters: [
      'cluster.a.retry.upstream_rq_503',
      'cluster.a.retry.upstream_rq_5xx',
      'cluster.a.retry.upstream_rq_completed',
      'cluster.a.upstream_rq_200',
      'cluster.a.upstream_rq_503',
      'cluster.a.upstream_rq_retry',
      'cluster.a.upstream_rq_retry_success',
      'cluster.a.upstream_rq_retry_backoff_exponential',
    ],
  },
  {
    name: 'stats-virtual-clusters',
    why: 'the first virtual cluster that fits is charged, else `other`',
    routes: [TO_A],
    virtualHost: {
      virtual_clusters: [
        { name: 'users', headers: [{ name: ':path', string_match: { prefix: '/users' } }, exact(':method', 'GET')] },
        { name: 'writes', headers: [exact(':method', 'POST')] },
      ],
    },
    upstreams: { a: sequence(status(200), status(404), status(500), status(200)) },
    requests: ['/users/1', 'POST /users', 'POST /x', '/y'],
    counters: [
      'vhost.all.vcluster.users.upstream_rq_200',
      'vhost.all.vcluster.users.upstream_rq_total',
      'vhost.all.vcluster.writes.upstream_rq_404',
      'vhost.all.vcluster.writes.upstream_rq_5xx',
      'vhost.all.vcluster.writes.upstream_rq_total',
      'vhost.all.vcluster.other.upstream_rq_200',
    ],
  },
  {
    name: 'stats-route-prefix',
    why: 'stat_prefix of a route',
    routes: [{ ...prefix('/r'), stat_prefix: 'named' }, TO_A],
    virtualHosts: [{ name: 'routed', domains: ['*'], routes: [{ ...prefix('/r'), stat_prefix: 'named' }, TO_A] }],
    upstreams: { a: sequence(status(200), status(503), status(200)) },
    requests: ['/r', '/r', '/x'],
    counters: [
      'vhost.routed.route.named.upstream_rq_200',
      'vhost.routed.route.named.upstream_rq_503',
      'vhost.routed.route.named.upstream_rq_total',
      'vhost.routed.route.named.upstream_rq_completed',
    ],
  },
  {
    name: 'stats-router',
    why: 'what the router itself counts',
    routes: [
      { match: { prefix: '/direct' }, direct_response: { status: 200 } },
      { match: { prefix: '/redirect' }, redirect: { path_redirect: '/x' } },
      prefix('/nowhere', '<unknown>'),
      prefix('/up'),
    ],
    table: { validate_clusters: false },
    requests: ['/direct', '/redirect', '/nowhere', '/up', '/none'],
    counters: ['rq_total', 'no_route', 'no_cluster', 'rq_direct_response', 'rq_redirect'].map((name) => `http.${name}`),
  },
  {
    name: 'stats-no-dynamic',
    why: 'dynamic_stats false counts no codes',
    routes: [TO_A],
    router: { dynamic_stats: false },
    requests: ['/'],
    counters: ['cluster.a.upstream_rq_200', 'cluster.a.upstream_rq_total', 'cluster.a.upstream_rq_completed'],
  },
  {
    name: 'stats-reset',
    why: 'resets by their kind',
    routes: [TO_A],
    upstreams: { a: closeUnanswered() },
    requests: ['/'],
    counters: [
      'cluster.a.upstream_rq_503',
      'cluster.a.upstream_rq_rx_reset',
      'cluster.a.upstream_rq_tx_reset',
      'cluster.a.upstream_cx_destroy_with_active_rq',
      'cluster.a.upstream_cx_destroy_remote_with_active_rq',
    ],
  },
];

const table = (name: string, cluster: string): Yaml => ({
  name,
  virtual_hosts: [{ name: 'all', domains: ['*'], routes: [prefix('/', cluster)] }],
});

const scopes: readonly Scenario[] = [
  {
    name: 'scopes-by-header',
    why: 'a scope is chosen by a field of the request; none is 404',
    manager: {
      route_config: undefined,
      scoped_routes: {
        name: 'scopes',
        scope_key_builder: {
          fragments: [
            {
              header_value_extractor: {
                name: 'x-scope',
                element_separator: ';',
                element: { key: 'id', separator: '=' },
              },
            },
          ],
        },
        scoped_route_configurations_list: {
          scoped_route_configurations: [
            { name: 'one', key: { fragments: [{ string_key: 'one' }] }, route_configuration: table('t1', '<a>') },
            { name: 'two', key: { fragments: [{ string_key: 'two' }] }, route_configuration: table('t2', '<b>') },
          ],
        },
      },
    },
    requests: [
      at({ 'x-scope': 'id=one' }),
      at({ 'x-scope': 'x=y;id=two;z' }),
      at({ 'x-scope': 'id=three' }),
      '/',
      at({ 'x-scope': 'one' }),
    ],
    expect: [{ clusters: ['a'] }, { clusters: ['b'] }, { status: 404 }, { status: 404 }, { status: 404 }],
  },
  {
    name: 'scopes-by-index',
    why: 'an element by its position',
    manager: {
      route_config: undefined,
      scoped_routes: {
        name: 'scopes',
        scope_key_builder: {
          fragments: [{ header_value_extractor: { name: 'x-scope', element_separator: ',', index: 1 } }],
        },
        scoped_route_configurations_list: {
          scoped_route_configurations: [
            { name: 'one', key: { fragments: [{ string_key: 'one' }] }, route_configuration: table('t1', '<a>') },
          ],
        },
      },
    },
    requests: [
      at({ 'x-scope': 'zero,one' }),
      at({ 'x-scope': 'one,zero' }),
      at({ 'x-scope': 'one' }),
      at({ 'x-scope': 'zero, one' }),
    ],
  },
];

/** Counters, then scopes. */
export const statistics: readonly Scenario[] = [...counters, ...scopes];
