/** Which cluster a route leads to: weights, header-named clusters, mirrors. */
import { answer, closeUnanswered, neverAnswer } from '@mesh/testing';
import { add, prefix, type Scenario, TO_A, type Yaml } from '../scenario.ts';

const weighted = (fields: Yaml, rest: Yaml = {}): readonly Yaml[] => [
  { match: { prefix: '/' }, route: { weighted_clusters: fields }, ...rest },
];

const at = (headers: Readonly<Record<string, string>>) => ({ headers });

const weights: readonly Scenario[] = [
  {
    name: 'weighted-by-header',
    why: 'header_name draws by a field: the value modulo the sum of weights, in list order',
    routes: weighted({
      header_name: 'x-draw',
      clusters: [
        { name: '<a>', weight: 30 },
        { name: '<b>', weight: 50 },
        { name: '<c>', weight: 20 },
      ],
    }),
    requests: ['0', '29', '30', '79', '80', '99', '100', '130', '18446744073709551615'].map((draw) =>
      at({ 'x-draw': draw }),
    ),
    expect: ['a', 'a', 'b', 'b', 'c', 'c', 'a', 'b'].map((cluster) => ({ clusters: [cluster] })),
  },
  {
    name: 'weighted-zero',
    why: 'an entry of weight 0 is never drawn',
    routes: weighted({
      clusters: [
        { name: '<a>', weight: 0 },
        { name: '<b>', weight: 1 },
      ],
    }),
    requests: ['/', '/', '/'],
    expect: [{ clusters: ['b'] }, { clusters: ['b'] }, { clusters: ['b'] }],
  },
  {
    name: 'weighted-runtime',
    why: 'runtime_key_prefix replaces weights, key by cluster name',
    routes: weighted({
      runtime_key_prefix: 'conformance.canary',
      clusters: [
        { name: '<a>', weight: 100 },
        { name: '<b>', weight: 0 },
      ],
    }),
    runtime: { 'conformance.canary.weighted-runtime_a': 0, 'conformance.canary.weighted-runtime_b': 100 },
    requests: ['/', '/', '/'],
    expect: [{ clusters: ['b'] }, { clusters: ['b'] }, { clusters: ['b'] }],
  },
  {
    name: 'weighted-fields',
    why: 'an entry changes fields and host',
    routes: weighted(
      {
        header_name: 'x-draw',
        clusters: [
          {
            name: '<a>',
            weight: 1,
            request_headers_to_add: [add('x-v', 'stable')],
            request_headers_to_remove: ['x-gone'],
            response_headers_to_add: [add('x-v', 'stable')],
            response_headers_to_remove: ['x-up'],
            host_rewrite_literal: 'stable.test',
          },
          { name: '<b>', weight: 1, request_headers_to_add: [add('x-v', 'canary')] },
        ],
      },
      { request_headers_to_add: [add('x-route', '1')] },
    ),
    upstreams: { a: answer({ reason: 'OK', headers: { 'x-up': '1' } }) },
    requests: [at({ 'x-draw': '0', 'x-gone': '1' }), at({ 'x-draw': '1', 'x-gone': '1' })],
  },
  {
    name: 'weighted-cluster-header',
    why: 'an entry may take its cluster from a field',
    routes: weighted({ clusters: [{ cluster_header: 'x-cluster', weight: 1 }] }),
    requests: [at({ 'x-cluster': '<b>' })],
    expect: [{ clusters: ['b'] }],
  },
  {
    name: 'weighted-with-rewrite',
    why: 'what the route says besides holds for every entry',
    routes: [
      {
        match: { prefix: '/v1' },
        route: { weighted_clusters: { clusters: [{ name: '<a>', weight: 1 }] }, prefix_rewrite: '/', timeout: '3s' },
      },
    ],
    requests: ['/v1/x'],
  },
];

const named: readonly Scenario[] = [
  {
    name: 'cluster-header',
    why: 'cluster_header names the cluster; it stays in the request',
    routes: [{ match: { prefix: '/' }, route: { cluster_header: 'x-cluster' } }],
    requests: [
      at({ 'x-cluster': '<a>' }),
      at({ 'x-cluster': '<b>' }),
      at({ 'x-cluster': 'nowhere' }),
      '/',
      at({ 'x-cluster': '' }),
    ],
    expect: [{ clusters: ['a'] }, { clusters: ['b'] }, { status: 503 }, { status: 503 }, { status: 503 }],
    counters: ['http.no_cluster'],
  },
  ...(['NOT_FOUND', 'SERVICE_UNAVAILABLE', 'INTERNAL_SERVER_ERROR'] as const).map(
    (cluster_not_found_response_code): Scenario => ({
      name: `cluster-unknown-${cluster_not_found_response_code.toLowerCase().replaceAll('_', '-')}`,
      why: 'the answer when the cluster does not exist: configured code, empty body',
      routes: [{ match: { prefix: '/' }, route: { cluster: '<unknown>', cluster_not_found_response_code } }],
      table: { validate_clusters: false },
      requests: ['/'],
      counters: ['http.no_cluster'],
    }),
  ),
  {
    name: 'cluster-priority-high',
    why: 'priority HIGH is counted by the breakers of its own',
    routes: [prefix('/', '<a>', { priority: 'HIGH' })],
    clusters: {
      a: {
        circuit_breakers: {
          thresholds: [
            { priority: 'DEFAULT', max_requests: 0 },
            { priority: 'HIGH', max_requests: 10 },
          ],
        },
      },
    },
    requests: ['/'],
    expect: [{ status: 200 }],
  },
  {
    name: 'cluster-overflow',
    why: 'a full circuit breaker answers 503 with x-envoy-overloaded',
    routes: [TO_A],
    clusters: { a: { circuit_breakers: { thresholds: [{ max_pending_requests: 0 }] } } },
    requests: ['/'],
    expect: [{ status: 503, headers: { 'x-envoy-overloaded': 'true' } }],
    counters: ['cluster.a.upstream_rq_pending_overflow', 'cluster.a.upstream_rq_503'],
  },
  {
    name: 'cluster-overflow-requests',
    why: 'max_requests 0 answers the same way',
    routes: [TO_A],
    clusters: { a: { circuit_breakers: { thresholds: [{ max_requests: 0 }] } } },
    requests: ['/'],
    counters: ['cluster.a.upstream_rq_pending_overflow', 'cluster.a.upstream_rq_503'],
  },
  {
    name: 'cluster-maintenance-mode',
    why: 'upstream.maintenance_mode of the runtime answers 503',
    routes: [TO_A],
    runtime: { 'upstream.maintenance_mode.cluster-maintenance-mode_a': 100 },
    requests: ['/'],
    expect: [{ status: 503, body: 'maintenance mode' }],
    counters: ['cluster.a.upstream_rq_maintenance_mode'],
  },
];

const mirror = (policy: Yaml, action: Yaml = {}): readonly Yaml[] => [
  prefix('/', '<a>', { request_mirror_policies: [policy], ...action }),
];

const mirrors: readonly Scenario[] = [
  {
    name: 'mirror-get',
    why: 'a copy goes to the second cluster with -shadow behind its host, the answer is that of the first',
    routes: mirror({ cluster: '<b>' }),
    upstreams: { b: answer({ status: 500, reason: 'OK', body: 'not for the client' }) },
    requests: [{ path: '/x?q=1', upstreamRequests: 2 }],
    expect: [{ status: 200, body: 'a' }],
    counters: ['cluster.b.upstream_rq_500', 'cluster.a.upstream_rq_200', 'http.downstream_rq_2xx'],
  },
  {
    name: 'mirror-host-port',
    why: 'the suffix goes in front of the port',
    routes: mirror({ cluster: '<b>' }),
    requests: [{ host: 'h.test:8080', upstreamRequests: 2 }],
  },
  {
    name: 'mirror-body',
    why: 'the body is copied too',
    routes: mirror({ cluster: '<b>' }),
    requests: [{ method: 'POST', body: 'payload', upstreamRequests: 2 }],
  },
  {
    name: 'mirror-chunked-trailers',
    why: 'a chunked body is copied as it comes',
    routes: mirror({ cluster: '<b>' }),
    requests: [
      {
        raw: 'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
        upstreamRequests: 2,
      },
    ],
  },
  {
    name: 'mirror-keeps-host',
    why: 'disable_shadow_host_suffix_append',
    routes: mirror({ cluster: '<b>', disable_shadow_host_suffix_append: true }),
    requests: [{ upstreamRequests: 2 }],
  },
  {
    name: 'mirror-host-rewrite',
    why: 'host_rewrite_literal of the policy',
    routes: mirror({ cluster: '<b>', host_rewrite_literal: 'shadow.test' }),
    requests: [{ upstreamRequests: 2 }],
  },
  {
    name: 'mirror-after-rewrite',
    why: 'the copy is made of the request as it goes upstream',
    routes: mirror({ cluster: '<b>' }, { prefix_rewrite: '/new', host_rewrite_literal: 'up.test' }),
    requests: [{ path: '/x', upstreamRequests: 2 }],
  },
  {
    name: 'mirror-fields',
    why: 'request_headers_mutations change the copy only',
    routes: mirror({
      cluster: '<b>',
      request_headers_mutations: [{ append: { header: { key: 'x-copy', value: '1' } } }, { remove: 'x-secret' }],
    }),
    requests: [{ headers: { 'x-secret': '1' }, upstreamRequests: 2 }],
  },
  {
    name: 'mirror-none',
    why: 'a share of 0 mirrors nothing; an unknown cluster is left out',
    routes: [
      prefix('/zero', '<a>', {
        request_mirror_policies: [{ cluster: '<b>', runtime_fraction: { default_value: { numerator: 0 } } }],
      }),
      prefix('/', '<a>', { request_mirror_policies: [{ cluster_header: 'x-mirror' }] }),
    ],
    requests: ['/zero', at({ 'x-mirror': 'nowhere' }), '/'],
    expect: [{ clusters: ['a'] }, { clusters: ['a'] }, { clusters: ['a'] }],
  },
  {
    name: 'mirror-two',
    why: 'several policies, and one by header',
    routes: [prefix('/', '<a>', { request_mirror_policies: [{ cluster: '<b>' }, { cluster_header: 'x-mirror' }] })],
    requests: [{ headers: { 'x-mirror': '<c>' }, upstreamRequests: 3 }],
  },
  {
    name: 'mirror-of-virtual-host',
    why: 'policies of the virtual host and the table hold where a route has none',
    routes: [prefix('/own', '<a>', { request_mirror_policies: [{ cluster: '<b>' }] }), TO_A],
    virtualHost: { request_mirror_policies: [{ cluster: '<c>' }] },
    table: { request_mirror_policies: [{ cluster: '<d>' }] },
    requests: [
      { path: '/own', upstreamRequests: 2 },
      { path: '/', upstreamRequests: 2 },
    ],
  },
  {
    name: 'mirror-failing',
    why: 'a mirror that closes, stays silent or refuses does the client no harm',
    routes: [
      prefix('/closing', '<a>', { request_mirror_policies: [{ cluster: '<b>' }] }),
      prefix('/silent', '<a>', { request_mirror_policies: [{ cluster: '<c>' }] }),
      prefix('/refused', '<a>', { request_mirror_policies: [{ cluster: '<refused>' }] }),
      prefix('/empty', '<a>', { request_mirror_policies: [{ cluster: '<empty>' }] }),
    ],
    upstreams: { b: closeUnanswered(), c: neverAnswer() },
    requests: [
      { path: '/closing', upstreamRequests: 2 },
      { path: '/silent', upstreamRequests: 2 },
      '/refused',
      '/empty',
    ],
    expect: [{ status: 200 }, { status: 200 }, { status: 200 }, { status: 200 }],
  },
];

export const clusters: readonly Scenario[] = [...weights, ...named, ...mirrors];
