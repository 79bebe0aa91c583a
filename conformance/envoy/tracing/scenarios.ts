/** The scenarios. Paths that upstreams act on are in `upstream.ts`, routes that all have in `bootstrap.ts`. */
import type { Yaml } from '../scenario.ts';
import type { TracedRequest, TracingScenario } from './scenario.ts';

const EGRESS: Yaml = { traffic_direction: 'OUTBOUND' };
const SPAWN: Yaml = { spawn_upstream_span: true };
const DECORATOR = 'x-envoy-decorator-operation';

function id(reason: string, number = '00000001'): string {
  return `${number}-0000-${reason}000-8000-000000000000`;
}

function withHeader(name: string, value: string, path = '/a'): TracedRequest {
  return { path, headers: { [name]: value } };
}

function grpc(status: number): TracedRequest {
  const headers = { 'content-type': 'application/grpc', 'grpc-timeout': '5S', 'x-status': String(status) };
  return { method: 'POST', path: '/grpc/Method', headers };
}

/** What every kind of outcome says. */
const OUTCOMES: readonly (string | TracedRequest)[] = [
  {
    path: '/a?q=1',
    headers: { 'user-agent': 'ua', 'x-client-trace-id': 'c', 'x-envoy-downstream-service-cluster': 'd' },
  },
  { method: 'POST', path: '/a', body: '12345' },
  'HEAD /a',
  '/status/404',
  '/status/500',
  '/direct',
  '/nowhere',
  '/no-cluster',
  '/empty',
  '/refused',
  '/redirect',
  '/retry',
  '/slow',
  '/slow-try',
  // Not idempotent: a connection that has gone stale is no reason to send it again.
  'POST /hang',
  '/full',
  '/inner',
  '/mirror',
  { path: '/never', leaves: 'asked' },
  { path: '/never/ending', leaves: 'answered' },
  grpc(0),
  grpc(5),
  grpc(13),
  { path: '/a', headers: { expect: '100-continue' }, method: 'POST', body: '12345' },
  { path: '', raw: 'GET /a HTTP/1.1\r\n\r\n' },
  { path: '', raw: 'GET a HTTP/1.1\r\nhost: <host>\r\n\r\n' },
  { path: '', raw: 'GET /a HTTP/1.1\r\nhost: <host>\r\nupgrade: foo\r\nconnection: upgrade\r\n\r\n' },
];

const NAMES: readonly (string | TracedRequest)[] = [
  '/a',
  '/decorated',
  '/decorated-quietly',
  withHeader(DECORATOR, 'asked'),
  withHeader(DECORATOR, 'asked', '/decorated'),
  '/named/by-upstream',
  '/mirror',
];

const metadata = (kind: string, key: string, more: Yaml = {}): Yaml => ({
  metadata: { kind: { [kind]: {} }, metadata_key: { key, path: [{ key: 'k' }] }, ...more },
});

const TAGS: Yaml = {
  custom_tags: [
    { tag: 'literal', literal: { value: 'manager' } },
    { tag: 'header', request_header: { name: 'X-Hdr' } },
    { tag: 'header-default', request_header: { name: 'x-none', default_value: 'd' } },
    { tag: 'header-none', request_header: { name: 'x-none' } },
    { tag: 'path', request_header: { name: ':path' } },
    { tag: 'env-default', environment: { name: 'MESH_NO_SUCH_VARIABLE', default_value: 'e' } },
    { tag: 'env-none', environment: { name: 'MESH_NO_SUCH_VARIABLE' } },
    { tag: 'cluster', ...metadata('cluster', 'cm') },
    { tag: 'host', ...metadata('host', 'hm') },
    { tag: 'route', ...metadata('route', 'rm', { default_value: 'none' }) },
    { tag: 'dynamic', ...metadata('request', 'qm') },
    { tag: 'format', value: '%REQ(:METHOD)%-%RESP(x-resp)%-%REQ(nope)%' },
    { tag: 'format-empty', value: '%REQ(nope)%' },
    { tag: 'twice', literal: { value: 'first' } },
    { tag: 'twice', literal: { value: 'second' } },
    { tag: 'response_size', literal: { value: 'mine' } },
    { tag: 'node_id', literal: { value: 'mine' } },
  ],
};

const TAGGED: Yaml = {
  match: { prefix: '/tagged' },
  route: { cluster: 'a' },
  metadata: { filter_metadata: { rm: { k: { b: [1, 'x', true, null] } } } },
  tracing: {
    custom_tags: [
      { tag: 'literal', literal: { value: 'route' } },
      { tag: 'route-only', literal: { value: 'r' } },
    ],
  },
};

const NUMBERS: Yaml = {
  match: { prefix: '/number' },
  route: { cluster: 'a' },
  metadata: { filter_metadata: { rm: { k: 1234567.5 } } },
};

const healthCheck = (passThrough: boolean): Yaml => ({
  name: 'envoy.filters.http.health_check',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck',
    pass_through_mode: passThrough,
    headers: [{ name: ':path', string_match: { exact: '/a' } }],
  },
});

const requestIds = (more: Yaml): Yaml => ({
  request_id_extension: {
    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig', ...more },
  },
});

const FORCED: readonly TracedRequest[] = [
  withHeader('x-envoy-force-trace', '1'),
  withHeader('x-client-trace-id', '1'),
  { path: '/a', headers: { 'x-client-trace-id': '1', 'x-envoy-force-trace': '1' } },
  ...['4', '9', 'a', 'b', '0'].map((reason) => withHeader('x-request-id', id(reason))),
  withHeader('x-request-id', 'nonsense'),
  withHeader('x-request-id', 'zzzzzzzz-0000-4000-8000-000000000000'),
  withHeader('x-request-id', `${id('9')}x`),
  { path: '/a', headers: { 'x-request-id': '00000001', 'x-client-trace-id': '1' } },
  withHeader('x-b3-sampled', '1'),
];

export const tracingScenarios: readonly TracingScenario[] = [
  { name: 'plain', why: 'one span for each exchange', requests: OUTCOMES },
  {
    name: 'spawn',
    why: 'and one for each attempt',
    tracing: { ...SPAWN, verbose: true, max_path_tag_length: 6 },
    requests: OUTCOMES,
  },
  { name: 'names-ingress', why: 'who names the spans of an ingress', requests: NAMES },
  { name: 'names-egress', why: 'who names the spans of an egress', listener: EGRESS, requests: NAMES },
  {
    name: 'names-egress-spawn',
    why: 'an egress with spans for attempts serves',
    listener: EGRESS,
    tracing: SPAWN,
    requests: NAMES,
  },
  {
    name: 'child-ingress',
    why: 'the router asks for spans of attempts',
    router: { start_child_span: true },
    requests: ['/a', '/retry'],
  },
  {
    name: 'child-egress',
    why: 'the same',
    listener: EGRESS,
    router: { start_child_span: true },
    requests: ['/a', '/retry'],
  },
  {
    name: 'operation',
    why: 'names by format',
    tracing: {
      ...SPAWN,
      operation: 'op %REQ(:METHOD)% %REQ(nope)% %RESPONSE_CODE%',
      upstream_operation: 'up %REQ(:PATH)%',
    },
    routes: [
      {
        match: { prefix: '/own' },
        route: { cluster: 'a' },
        decorator: { operation: 'deco' },
        tracing: { operation: 'own %REQ(:PATH)%', upstream_operation: 'own up' },
      },
    ],
    requests: [...NAMES, '/own', '/direct'],
  },
  {
    name: 'operation-of-route',
    why: 'only a route names by format',
    tracing: SPAWN,
    routes: [
      {
        match: { prefix: '/own' },
        route: { cluster: 'a' },
        decorator: { operation: 'deco' },
        tracing: { operation: 'own %REQ(:PATH)%', upstream_operation: 'own up' },
      },
    ],
    requests: ['/own', withHeader(DECORATOR, 'asked', '/own'), '/a'],
  },
  {
    name: 'tags',
    why: 'custom tags of manager and route',
    tracing: { ...SPAWN, ...TAGS },
    routes: [TAGGED, NUMBERS],
    requests: [{ path: '/a', headers: { 'x-hdr': 'h' } }, '/tagged', '/number', '/direct', '/refused'],
  },
  {
    name: 'sampling-0',
    why: 'only what is asked for',
    tracing: { random_sampling: { value: 0 } },
    requests: ['/a', ...FORCED],
  },
  {
    name: 'overall-50',
    why: 'the limit goes by the id',
    tracing: { overall_sampling: { value: 50 } },
    requests: ['00000001', '00001387', '00001388', '0000270f', '00002710'].map((number) =>
      withHeader('x-request-id', id('4', number)),
    ),
  },
  {
    name: 'overall-0',
    why: 'nothing, whatever is asked for',
    tracing: { overall_sampling: { value: 0 } },
    requests: FORCED,
  },
  {
    name: 'route-sampling',
    why: "a route's shares take the place of the manager's",
    tracing: { random_sampling: { value: 0 } },
    routes: [
      { match: { prefix: '/all' }, route: { cluster: 'a' }, tracing: {} },
      {
        match: { prefix: '/none' },
        route: { cluster: 'a' },
        tracing: { random_sampling: { numerator: 0 }, client_sampling: {} },
      },
      {
        match: { prefix: '/half' },
        route: { cluster: 'a' },
        tracing: { random_sampling: { numerator: 5000, denominator: 'TEN_THOUSAND' } },
      },
    ],
    requests: [
      '/all',
      '/none',
      withHeader('x-client-trace-id', '1', '/none'),
      withHeader('x-request-id', id('4', '00001387'), '/half'),
      withHeader('x-request-id', id('4', '00001388'), '/half'),
    ],
  },
  {
    name: 'unpacked',
    why: 'the id stays as it is',
    manager: requestIds({ pack_trace_reason: false }),
    requests: ['/a', ...FORCED],
  },
  {
    name: 'not-by-id',
    why: 'everything is traced',
    manager: requestIds({ use_request_id_for_trace_sampling: false }),
    tracing: { random_sampling: { value: 0 } },
    requests: ['/a', withHeader('x-client-trace-id', '1')],
  },
  {
    name: 'no-id',
    why: 'nothing to go by',
    manager: { generate_request_id: false },
    requests: ['/a', withHeader('x-client-trace-id', '1')],
  },
  { name: 'health', why: 'checks are not traced', filters: [healthCheck(false)], requests: ['/a', '/b'] },
  {
    name: 'health-passing',
    why: 'not even where they pass',
    filters: [healthCheck(true)],
    tracing: SPAWN,
    requests: ['/a', withHeader('x-envoy-force-trace', '1'), withHeader('x-b3-sampled', '1')],
  },
  {
    name: 'kept',
    why: 'upstreams are not told',
    tracing: { ...SPAWN, no_context_propagation: true },
    requests: ['/a', '/mirror', '/retry'],
  },
  {
    name: 'external',
    why: 'what outsiders say does not count',
    manager: { internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] } },
    requests: [
      withHeader('x-envoy-force-trace', '1'),
      withHeader(DECORATOR, 'asked'),
      withHeader('x-request-id', id('a')),
    ],
  },
  {
    name: 'inherited',
    why: 'the provider of the bootstrap',
    tracing: { provider: null },
    requests: ['/a'],
  },
];
