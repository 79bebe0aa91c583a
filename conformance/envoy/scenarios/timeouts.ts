/** What is answered when something takes too long, and internal redirects. */
import { answer, neverAnswer, sequence, slow, stall } from '@mesh/testing';
import { prefix, type Scenario, TO_A, type Yaml } from '../scenario.ts';

const silent = { a: neverAnswer() };
const HALF = 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n12345';
const INTERNAL: Yaml = { internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] } };
const inside = (headers: Readonly<Record<string, string>>) => ({
  headers: { 'x-forwarded-for': '10.0.0.1', ...headers },
});
const GRPC = { 'content-type': 'application/grpc' };

const times: readonly Scenario[] = [
  {
    name: 'timeout-route',
    why: 'the timeout of the route answers 504, and tells upstream how long it has',
    routes: [prefix('/', '<a>', { timeout: '0.1s' })],
    upstreams: silent,
    requests: ['/'],
    expect: [{ status: 504, body: 'upstream request timeout', sees: { 'x-envoy-expected-rq-timeout-ms': '100' } }],
    counters: ['cluster.a.upstream_rq_timeout', 'cluster.a.upstream_rq_504', 'http.downstream_rq_5xx'],
  },
  {
    name: 'timeout-route-off',
    why: 'a timeout of 0 is none, and upstream is told nothing',
    routes: [prefix('/', '<a>', { timeout: '0s' })],
    requests: ['/'],
    expect: [{ status: 200, sees: { 'x-envoy-expected-rq-timeout-ms': null } }],
  },
  {
    name: 'timeout-route-within-body',
    why: 'a response that has begun is cut',
    routes: [prefix('/', '<a>', { timeout: '0.1s' })],
    upstreams: { a: stall({ reason: 'OK', body: '0123456789' }, 41) },
    requests: [{ untilClosed: true }],
  },
  {
    name: 'timeout-header-internal',
    why: 'x-envoy-upstream-rq-timeout-ms of an internal client replaces it',
    routes: [TO_A],
    manager: INTERNAL,
    upstreams: silent,
    requests: [inside({ 'x-envoy-upstream-rq-timeout-ms': '100' })],
    expect: [{ status: 504 }],
  },
  {
    name: 'timeout-header-external',
    why: 'and is removed from other requests',
    routes: [prefix('/', '<a>', { timeout: '3s' })],
    requests: [{ headers: { 'x-envoy-upstream-rq-timeout-ms': '100' } }],
    expect: [{ sees: { 'x-envoy-expected-rq-timeout-ms': '3000', 'x-envoy-upstream-rq-timeout-ms': null } }],
  },
  {
    name: 'timeout-header-bad',
    why: 'a value that is no number is ignored',
    routes: [prefix('/', '<a>', { timeout: '3s' })],
    manager: INTERNAL,
    requests: [inside({ 'x-envoy-upstream-rq-timeout-ms': 'soon' }), inside({ 'x-envoy-upstream-rq-timeout-ms': '0' })],
  },
  {
    name: 'timeout-header-strict',
    why: 'strict_check_headers refuses a value that is no number',
    routes: [TO_A],
    manager: INTERNAL,
    router: { strict_check_headers: ['x-envoy-upstream-rq-timeout-ms', 'x-envoy-max-retries'] },
    requests: [
      inside({ 'x-envoy-upstream-rq-timeout-ms': 'soon' }),
      inside({ 'x-envoy-max-retries': 'many' }),
      inside({}),
    ],
    expect: [{ status: 400 }],
  },
  {
    name: 'timeout-alt-response',
    why: 'x-envoy-upstream-rq-timeout-alt-response answers 204 instead',
    routes: [prefix('/', '<a>', { timeout: '0.1s' })],
    manager: INTERNAL,
    upstreams: silent,
    requests: [inside({ 'x-envoy-upstream-rq-timeout-alt-response': '1' })],
    expect: [{ status: 204, body: '' }],
  },
  {
    name: 'timeout-expected-header',
    why: 'respect_expected_rq_timeout takes the timeout of the proxy in front',
    routes: [TO_A],
    manager: INTERNAL,
    router: { respect_expected_rq_timeout: true },
    requests: [
      inside({ 'x-envoy-expected-rq-timeout-ms': '700' }),
      inside({ 'x-envoy-expected-rq-timeout-ms': '700', 'x-envoy-upstream-rq-timeout-ms': '900' }),
    ],
  },
  {
    name: 'timeout-per-try-header',
    why: 'x-envoy-upstream-rq-per-try-timeout-ms is what upstream is told',
    routes: [TO_A],
    manager: INTERNAL,
    requests: [
      inside({ 'x-envoy-upstream-rq-per-try-timeout-ms': '300' }),
      inside({ 'x-envoy-upstream-rq-per-try-timeout-ms': '30000' }),
    ],
  },
  {
    name: 'timeout-grpc',
    why: 'max_grpc_timeout bounds grpc-timeout; without it the header is not looked at',
    routes: [
      prefix('/max', '<a>', { max_grpc_timeout: '2s' }),
      prefix('/any', '<a>', { max_grpc_timeout: '0s' }),
      prefix('/off', '<a>', { max_grpc_timeout: '0s', grpc_timeout_offset: '0.3s' }),
      TO_A,
    ],
    requests: ['/max', '/any', '/off', '/'].map((path) => ({ path, headers: { ...GRPC, 'grpc-timeout': '5S' } })),
  },
  {
    name: 'timeout-grpc-absent',
    why: 'a gRPC request without grpc-timeout',
    routes: [prefix('/max', '<a>', { max_grpc_timeout: '2s' }), prefix('/any', '<a>', { max_grpc_timeout: '0s' })],
    requests: ['/max', '/any'].map((path) => ({ path, headers: GRPC })),
  },
  {
    name: 'timeout-grpc-answer',
    why: 'the 504 of a gRPC request is a gRPC status',
    routes: [prefix('/', '<a>', { timeout: '0.1s' })],
    upstreams: silent,
    requests: [{ headers: GRPC }],
  },
  {
    name: 'timeout-stream-duration',
    why: 'max_stream_duration of the route takes the place of the timeout',
    routes: [prefix('/', '<a>', { max_stream_duration: { max_stream_duration: '0.12s' } })],
    upstreams: silent,
    requests: ['/'],
  },
  {
    name: 'timeout-stream-duration-grpc',
    why: 'grpc_timeout_header_max and its offset',
    routes: [
      prefix('/max', '<a>', { max_stream_duration: { grpc_timeout_header_max: '2s' } }),
      prefix('/offset', '<a>', {
        max_stream_duration: { grpc_timeout_header_max: '0s', grpc_timeout_header_offset: '1s' },
      }),
    ],
    requests: ['/max', '/offset'].map((path) => ({ path, headers: { ...GRPC, 'grpc-timeout': '5S' } })),
  },
  {
    name: 'timeout-manager-stream-duration',
    why: 'max_stream_duration of the connection manager: 504, or 408 while the request is incomplete',
    routes: [TO_A],
    manager: { common_http_protocol_options: { max_stream_duration: '0.15s' } },
    upstreams: silent,
    requests: ['/', { raw: HALF, untilClosed: true }],
    counters: ['http.downstream_rq_max_duration_reached'],
  },
  {
    name: 'timeout-upstream-stream-duration',
    why: 'max_stream_duration of the cluster',
    routes: [TO_A],
    clusters: {
      a: {
        typed_extension_protocol_options: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
            '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
            common_http_protocol_options: { max_stream_duration: '0.15s' },
            explicit_http_config: { http_protocol_options: {} },
          },
        },
      },
    },
    upstreams: silent,
    requests: ['/'],
    counters: ['cluster.a.upstream_rq_max_duration_reached'],
  },
  {
    name: 'timeout-stream-idle',
    why: 'stream_idle_timeout: 504 when the request is complete, else 408',
    routes: [TO_A],
    manager: { stream_idle_timeout: '0.15s' },
    upstreams: silent,
    requests: ['/', { raw: HALF, untilClosed: true }],
    counters: ['http.downstream_rq_idle_timeout'],
  },
  {
    name: 'timeout-route-idle',
    why: 'idle_timeout of the route replaces it',
    routes: [prefix('/short', '<a>', { idle_timeout: '0.1s' }), prefix('/off', '<b>', { idle_timeout: '0s' })],
    manager: { stream_idle_timeout: '0.2s' },
    upstreams: { a: neverAnswer(), b: slow({ reason: 'OK', body: 'late' }, { headMs: 350 }) },
    requests: ['/short', '/off'],
  },
  {
    name: 'timeout-request',
    why: 'request_timeout answers 408 when the body does not come',
    routes: [TO_A],
    manager: { request_timeout: '0.15s' },
    upstreams: silent,
    requests: [{ raw: HALF, untilClosed: true }],
    counters: ['http.downstream_rq_timeout'],
  },
  {
    name: 'timeout-request-headers',
    why: 'request_headers_timeout answers 408 when the head does not come',
    routes: [TO_A],
    manager: { request_headers_timeout: '0.15s' },
    requests: [{ raw: 'GET / HTTP/1.1\r\nhost: h\r\nx-a: ', untilClosed: true }],
    counters: ['http.downstream_rq_header_timeout'],
  },
  {
    name: 'timeout-connect',
    why: 'a connection that is refused is no timeout',
    routes: [prefix('/', '<refused>')],
    requests: ['/'],
    counters: ['cluster.refused.upstream_cx_connect_fail', 'cluster.refused.upstream_cx_connect_timeout'],
  },
  {
    name: 'timeout-idle-connection',
    why: 'idle_timeout of the connection manager closes what nobody uses',
    routes: [TO_A],
    manager: { drain_timeout: '0.1s', common_http_protocol_options: { idle_timeout: '0.15s' } },
    requests: [{ untilClosed: true }],
    counters: ['http.downstream_cx_idle_timeout'],
  },
  {
    name: 'timeout-connection-duration',
    why: 'max_connection_duration ends the connection behind its last response',
    routes: [TO_A],
    manager: { drain_timeout: '0.1s', common_http_protocol_options: { max_connection_duration: '0.1s' } },
    upstreams: { a: slow({ reason: 'OK', body: 'late' }, { headMs: 250 }) },
    requests: [{ untilClosed: true }],
    counters: ['http.downstream_cx_max_duration_reached'],
  },
  {
    name: 'timeout-hedge',
    why: 'hedge_on_per_try_timeout leaves the first attempt running, and the first answer wins',
    routes: [
      prefix('/', '<a>', {
        retry_policy: { retry_on: '5xx', per_try_timeout: '0.1s', num_retries: 1 },
        hedge_policy: { hedge_on_per_try_timeout: true },
      }),
    ],
    upstreams: { a: sequence(slow({ reason: 'OK', body: 'first' }, { headMs: 250 }), neverAnswer()) },
    requests: [{ upstreamRequests: 2 }],
    masks: [[/^(14\d{3}|15000|100)$/, '<left>']],
  },
];

const moved = (location: string, status = 302) =>
  answer({ status, reason: 'Found', headers: { location }, body: 'moved' });
const following = (policy: Yaml = {}, action: Yaml = {}): Yaml =>
  prefix('/from', '<a>', { internal_redirect_policy: policy, ...action });
const follow = (name: string, why: string, rest: Partial<Scenario>): Scenario => ({
  name: `follow-${name}`,
  why,
  routes: [following(), prefix('/to', '<b>')],
  upstreams: { a: moved('http://h.test/to?x=1') },
  requests: ['/from'],
  counters: [
    'cluster.a.upstream_internal_redirect_succeeded_total',
    'cluster.a.upstream_internal_redirect_failed_total',
  ],
  ...rest,
});

const redirects: readonly Scenario[] = [
  follow('302', 'an internal redirect is followed inside, and says where it came from', {}),
  follow('host', 'the new host is routed as any request', {
    virtualHosts: [
      { name: 'first', domains: ['h.test'], routes: [following()] },
      { name: 'second', domains: ['other.test'], routes: [prefix('/', '<c>')] },
    ],
    upstreams: { a: moved('http://other.test:8080/to'), c: answer({ reason: 'OK', body: 'c' }) },
  }),
  follow('host-with-port', 'a host with a port, found', {
    virtualHosts: [
      { name: 'first', domains: ['h.test'], routes: [following()] },
      { name: 'second', domains: ['other.test:8080'], routes: [prefix('/', '<c>')] },
    ],
    upstreams: { a: moved('http://other.test:8080/to') },
  }),
  follow('not-302', '301 is not followed unless listed', { upstreams: { a: moved('http://h.test/to', 301) } }),
  follow('listed', 'redirect_response_codes', {
    routes: [following({ redirect_response_codes: [301, 303, 307, 308] }), prefix('/to', '<b>')],
    upstreams: { a: moved('http://h.test/to', 307) },
    requests: [{ method: 'POST', path: '/from', body: 'kept' }],
  }),
  follow('303', 'a 303 makes a GET of a POST and drops its body', {
    routes: [following({ redirect_response_codes: [303] }), prefix('/to', '<b>')],
    upstreams: { a: moved('http://h.test/to', 303) },
    requests: [{ method: 'POST', path: '/from', body: 'dropped', headers: { 'content-type': 'text/x' } }, 'HEAD /from'],
  }),
  follow('302-post', 'a 302 keeps method and body', { requests: [{ method: 'POST', path: '/from', body: 'kept' }] }),
  follow('once', 'one hop unless told otherwise', {
    routes: [following(), prefix('/to', '<b>', { internal_redirect_policy: {} }), prefix('/last', '<c>')],
    upstreams: { a: moved('http://h.test/to'), b: moved('http://h.test/last') },
  }),
  follow('twice', 'max_internal_redirects', {
    routes: [
      following({ max_internal_redirects: 2 }),
      prefix('/to', '<b>', { internal_redirect_policy: { max_internal_redirects: 2 } }),
      prefix('/last', '<c>'),
    ],
    upstreams: { a: moved('http://h.test/to'), b: moved('http://h.test/last') },
  }),
  follow('relative', 'a relative location', { upstreams: { a: moved('/to?y=2') } }),
  follow('bad', 'a location that is none', { upstreams: { a: moved('http://') } }),
  follow('https', 'another scheme is not followed', { upstreams: { a: moved('https://h.test/to') } }),
  follow('https-allowed', 'unless that is allowed', {
    routes: [following({ allow_cross_scheme_redirect: true }), prefix('/to', '<b>')],
    upstreams: { a: moved('https://h.test/to') },
  }),
  follow('no-route', 'a target without a route passes the redirect on', {
    upstreams: { a: moved('http://h.test/nowhere') },
  }),
  follow('to-redirect', 'a target that is a redirect of the proxy', {
    routes: [following(), { match: { prefix: '/to' }, redirect: { host_redirect: 'x.test' } }],
  }),
  follow('to-direct', 'a target that the proxy answers', {
    routes: [
      following(),
      { match: { prefix: '/to' }, direct_response: { status: 200, body: { inline_string: 'direct' } } },
    ],
  }),
  follow('copied-fields', 'response_headers_to_copy', {
    routes: [following({ response_headers_to_copy: ['x-token', 'x-none'] }), prefix('/to', '<b>')],
    upstreams: {
      a: answer({ status: 302, headers: { location: 'http://h.test/to', 'x-token': 't', 'x-other': 'o' } }),
    },
    requests: [{ path: '/from', headers: { 'x-token': 'old', 'x-none': 'n' } }],
  }),
  follow('with-mutations', 'the request goes through the fields of both routes', {
    routes: [
      {
        ...following({}, { prefix_rewrite: '/rewritten' }),
        request_headers_to_add: [{ header: { key: 'x-first', value: '1' } }],
      },
      { ...prefix('/to', '<b>'), request_headers_to_add: [{ header: { key: 'x-second', value: '2' } }] },
    ],
  }),
  follow('fragment', 'a fragment in the location', { upstreams: { a: moved('http://h.test/to#part') } }),
];

export const timeouts: readonly Scenario[] = [...times, ...redirects];
