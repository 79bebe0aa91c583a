/** Fields added, replaced and removed at four levels, and the formats of their values. */
import { answer } from '@mesh/testing';
import { add, prefix, type Scenario, type Yaml } from '../scenario.ts';

const up = (headers: Readonly<Record<string, string>>) => ({ a: answer({ reason: 'OK', headers, body: 'a' }) });
const changing = (rest: Yaml): readonly Yaml[] => [prefix('/', '<a>', {}, rest)];
const at = (headers: Readonly<Record<string, string | readonly string[]>>) => ({ headers });

const ACTIONS = ['APPEND_IF_EXISTS_OR_ADD', 'ADD_IF_ABSENT', 'OVERWRITE_IF_EXISTS_OR_ADD', 'OVERWRITE_IF_EXISTS'];

const actions = ACTIONS.flatMap((action): Scenario[] => {
  const name = action.toLowerCase().replaceAll('_', '-');
  return [
    {
      name: `add-request-${name}`,
      why: 'each append action against none, one and two lines of the field',
      routes: changing({ request_headers_to_add: [add('X-New', 'value', action)] }),
      requests: ['/', at({ 'x-new': 'old' }), at({ 'x-new': ['old', 'older'] }), at({ 'x-new': '' })],
    },
    {
      name: `add-response-${name}`,
      why: 'the same for responses',
      routes: changing({ response_headers_to_add: [add('x-new', 'value', action), add('x-none', 'value', action)] }),
      upstreams: up({ 'x-new': 'old' }),
      requests: ['/'],
    },
  ];
});

const levels = (fields: (level: string) => Yaml) => ({
  routes: [
    {
      match: { prefix: '/' },
      route: { weighted_clusters: { clusters: [{ name: '<a>', weight: 1, ...fields('cluster') }] } },
      ...fields('route'),
    },
  ],
  virtualHost: fields('host'),
  table: fields('table'),
});

const mutations: readonly Scenario[] = [
  ...actions,
  {
    name: 'add-append-flag',
    why: 'the old boolean: true appends, false overwrites, and true is the default',
    routes: changing({
      request_headers_to_add: [
        { header: { key: 'x-a', value: 'new' }, append: true },
        { header: { key: 'x-b', value: 'new' }, append: false },
        { header: { key: 'x-c', value: 'new' } },
      ],
    }),
    requests: [at({ 'x-a': 'old', 'x-b': 'old', 'x-c': 'old' })],
  },
  {
    name: 'add-levels-append',
    why: 'appended in the order weighted cluster, route, virtual host, table',
    ...levels((level) => ({
      request_headers_to_add: [add('x-l', level)],
      response_headers_to_add: [add('x-l', level)],
    })),
    upstreams: up({ 'x-l': 'upstream' }),
    requests: [at({ 'x-l': 'client' })],
    expect: [{ sees: { 'x-l': 'client | cluster | route | host | table' } }],
  },
  {
    name: 'add-levels-overwrite',
    why: 'the least specific level is evaluated last and wins',
    ...levels((level) => ({
      request_headers_to_add: [add('x-l', level, 'OVERWRITE_IF_EXISTS_OR_ADD')],
      response_headers_to_add: [add('x-l', level, 'OVERWRITE_IF_EXISTS_OR_ADD')],
    })),
    requests: ['/'],
    expect: [{ sees: { 'x-l': 'table' }, headers: { 'x-l': 'table' } }],
  },
  {
    name: 'add-levels-specific-wins',
    why: 'most_specific_header_mutations_wins turns the order of the three outer levels round; the weighted cluster stays first',
    ...((given) => ({ ...given, table: { ...given.table, most_specific_header_mutations_wins: true } }))(
      levels((level) => ({
        request_headers_to_add: [add('x-l', level, 'OVERWRITE_IF_EXISTS_OR_ADD'), add('x-m', level)],
        response_headers_to_add: [add('x-l', level, 'OVERWRITE_IF_EXISTS_OR_ADD'), add('x-m', level)],
      })),
    ),
    requests: ['/'],
    expect: [{ sees: { 'x-l': 'route', 'x-m': 'cluster | table | host | route' } }],
  },
  {
    name: 'add-levels-if-absent',
    why: 'the first level to come adds it',
    ...levels((level) => ({ request_headers_to_add: [add('x-l', level, 'ADD_IF_ABSENT')] })),
    requests: ['/'],
  },
  {
    name: 'remove-levels',
    why: 'a level removes what the levels before it added',
    routes: changing({ request_headers_to_add: [add('x-a', 'route')], response_headers_to_add: [add('x-a', 'route')] }),
    virtualHost: { request_headers_to_remove: ['x-a', 'X-Client'], response_headers_to_remove: ['x-a'] },
    table: { response_headers_to_remove: ['x-upstream'] },
    upstreams: up({ 'x-upstream': '1', 'x-kept': '1' }),
    requests: [at({ 'x-client': ['1', '2'], 'x-a': 'client' })],
    expect: [{ sees: { 'x-a': null, 'x-client': null }, headers: { 'x-a': null, 'x-upstream': null, 'x-kept': '1' } }],
  },
  {
    name: 'remove-before-add',
    why: 'within one level removing comes first',
    routes: changing({ request_headers_to_add: [add('x-a', 'new')], request_headers_to_remove: ['x-a'] }),
    requests: [at({ 'x-a': 'old' })],
    expect: [{ sees: { 'x-a': 'new' } }],
  },
  {
    name: 'remove-own-fields',
    why: 'fields that the proxy itself adds can be removed, where they are there in time',
    routes: changing({
      request_headers_to_remove: ['x-request-id', 'x-forwarded-proto', 'x-envoy-expected-rq-timeout-ms'],
      response_headers_to_remove: ['server', 'date', 'x-envoy-upstream-service-time'],
    }),
    upstreams: up({ server: 'own', date: 'Sat, 01 Jan 2000 00:00:00 GMT' }),
    requests: ['/'],
  },
  {
    name: 'add-order-within-level',
    why: 'values are taken from the fields as they were before this level',
    routes: changing({
      request_headers_to_add: [
        add('x-a', 'new', 'OVERWRITE_IF_EXISTS_OR_ADD'),
        add('x-copy', '%REQ(x-a)%'),
        add('x-b', 'added'),
        add('x-copy-b', '%REQ(x-b)%', undefined, { keep_empty_value: true }),
      ],
    }),
    requests: [at({ 'x-a': 'old' })],
  },
  {
    name: 'add-sees-earlier-levels',
    why: 'a level sees what the levels before it did',
    routes: changing({ request_headers_to_add: [add('x-a', 'route')] }),
    virtualHost: { request_headers_to_add: [add('x-b', '%REQ(x-a)%')] },
    requests: ['/'],
  },
  {
    name: 'add-empty',
    why: 'an empty value is not added, unless it is kept',
    routes: changing({
      request_headers_to_add: [
        add('x-empty', ''),
        add('x-kept', '', undefined, { keep_empty_value: true }),
        add('x-missing', '%REQ(x-none)%'),
        add('x-missing-kept', '%REQ(x-none)%', undefined, { keep_empty_value: true }),
        add('x-over', '', 'OVERWRITE_IF_EXISTS_OR_ADD'),
        add('x-over-kept', '', 'OVERWRITE_IF_EXISTS_OR_ADD', { keep_empty_value: true }),
      ],
    }),
    requests: [at({ 'x-over': 'old', 'x-over-kept': 'old' })],
  },
  {
    name: 'add-to-local-replies',
    why: 'a response that the router makes itself gets the fields too',
    routes: [
      prefix('/none', '<unknown>', {}, { response_headers_to_add: [add('x-a', 'route')] }),
      prefix('/', '<refused>', {}, { response_headers_to_add: [add('x-a', 'route')] }),
    ],
    table: { validate_clusters: false, response_headers_to_add: [add('x-t', 'table')] },
    masks: [[/delayed connect error.*|Connection refused/, '<why>']],
    requests: ['/none', '/'],
  },
  {
    name: 'add-repeated-key',
    why: 'two entries for one field',
    routes: changing({
      request_headers_to_add: [
        add('x-a', '1'),
        add('x-a', '2'),
        add('x-b', '1', 'OVERWRITE_IF_EXISTS_OR_ADD'),
        add('x-b', '2'),
      ],
    }),
    requests: ['/'],
  },
  {
    name: 'add-cookie',
    why: 'set-cookie of the upstream stays apart from one that is added',
    routes: changing({ response_headers_to_add: [add('set-cookie', 'b=2')] }),
    upstreams: up({ 'set-cookie': 'a=1' }),
    requests: ['/'],
  },
  {
    name: 'add-known-fields',
    why: 'well-known fields take appended values as any other',
    routes: changing({
      request_headers_to_add: [
        add('user-agent', 'added'),
        add('x-forwarded-for', '9.9.9.9'),
        add('content-type', 'a/b'),
      ],
      response_headers_to_add: [
        add('cache-control', 'no-store'),
        add('vary', 'b'),
        add('content-type', 'c/d'),
        add('etag', '"2"'),
      ],
    }),
    upstreams: up({ 'cache-control': 'max-age=1', vary: 'a', 'content-type': 'text/x', etag: '"1"' }),
    requests: [at({ 'user-agent': 'client', 'x-forwarded-for': '8.8.8.8' })],
  },
  {
    name: 'internal-only-fields',
    why: 'internal_only_headers are removed from external requests',
    routes: [prefix('/')],
    table: { internal_only_headers: ['x-secret'] },
    manager: { internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] } },
    requests: [at({ 'x-secret': '1' }), at({ 'x-secret': '1', 'x-forwarded-for': '10.1.1.1' })],
    expect: [{ sees: { 'x-secret': null } }, { sees: { 'x-secret': '1' } }],
  },
];

const format = (name: string, value: string, rest: Partial<Scenario> = {}): Scenario => ({
  name: `format-${name}`,
  why: 'a command in a request field and in a response field',
  routes: changing({
    request_headers_to_add: [add('x-f', `[${value}]`)],
    response_headers_to_add: [add('x-f', `[${value}]`)],
  }),
  upstreams: up({ 'x-up': 'from-upstream' }),
  requests: [{ path: '/p/q?a=1&b=2', headers: { 'x-in': 'from-client', 'user-agent': 'agent' } }],
  ...rest,
});

const formats: readonly Scenario[] = [
  format('req', '%REQ(x-in)%'),
  format('req-old-alternative', '%REQ(x-none?x-in)%'),
  format('req-cut', '%REQ(x-in):4%'),
  format('req-missing', '%REQ(x-none)%'),
  format('req-pseudo', '%REQ(:METHOD)% %REQ(:PATH)% %REQ(:AUTHORITY)% %REQ(:SCHEME)% %REQ(host)%'),
  format('original-path', '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%'),
  format('resp', '%RESP(x-up)%'),
  format('literal-percent', '100%% %%REQ%%'),
  format('protocol', '%PROTOCOL%'),
  format('response-code', '%RESPONSE_CODE%'),
  format('response-flags', '%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%'),
  format('downstream-address', '%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS%'),
  format('downstream-address-without-port', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%'),
  format('downstream-direct-without-port', '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%'),
  format('downstream-local', '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%'),
  format(
    'downstream-forwarded',
    '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%',
    {
      requests: [{ headers: { 'x-forwarded-for': '203.0.113.9' } }],
    },
  ),
  format('upstream-host', '%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS%'),
  format('upstream-cluster', '%UPSTREAM_CLUSTER%'),
  format('route-name', '%ROUTE_NAME%'),
  format('query-param', '%QUERY_PARAM(b)% %QUERY_PARAM(none)%'),
  format('path-command', '%PATH(NQ)% %PATH(WQ)% %PATH(WQ:ORIG)%'),
  format('stream-id', '%STREAM_ID%', { masks: [[/[\da-f-]{36}/, '<id>']] }),
  format('start-time', '%START_TIME(%Y)%', { masks: [[/\[20\d\d\]/, '[<year>]']] }),
  format('start-time-default', '%START_TIME%', {
    masks: [[/\[20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\]/, '[<time>]']],
  }),
  format('start-time-parts', '%START_TIME(%s.%3f)%', { masks: [[/\[\d{10}\.\d{3}\]/, '[<time>]']] }),
  format('metadata', '%METADATA(ROUTE:ns:key)%', {
    routes: changing({
      metadata: { filter_metadata: { ns: { key: 'route-value' } } },
      request_headers_to_add: [add('x-f', '[%METADATA(ROUTE:ns:key)%]')],
    }),
  }),
  format('dynamic-metadata-missing', '%DYNAMIC_METADATA(ns:key)%'),
  format('bytes', '%BYTES_RECEIVED%', { requests: [{ method: 'POST', body: '12345' }] }),
  format('environment', '%ENVIRONMENT(CONFORMANCE_NOT_SET)%'),
  format('hostname', '%HOSTNAME%', { masks: [[/\[[\w.-]+\]/, '[<name>]']] }),
  format('several', 'a%REQ(x-in)%b%PROTOCOL%c'),
];

export const headerMutation: readonly Scenario[] = [...mutations, ...formats];
