/** Conditions of routes beside the path: fields, query parameters, and the rest. */
import { prefix, type Scenario, TO_A, type Yaml } from '../scenario.ts';

const only = (match: Yaml): readonly Yaml[] => [{ match, route: { cluster: '<a>' } }, prefix('/', '<b>')];

const at = (path: string, headers: Readonly<Record<string, string | readonly string[]>>) => ({ path, headers });

const header = (matcher: Yaml): readonly Yaml[] => only({ prefix: '/', headers: [matcher] });

const VALUES = ['', 'abc', 'ABC', 'abcd', 'xabc', 'x', '7', '-7', '1e1'];

const withValues = (name: string) => [
  '/missing',
  ...VALUES.map((value) => at(`/${value || 'empty'}`, { [name]: value })),
  at('/twice', { [name]: ['abc', 'x'] }),
];

const matchers: Readonly<Record<string, Yaml>> = {
  exact: { string_match: { exact: 'abc' } },
  'exact-any-case': { string_match: { exact: 'aBc', ignore_case: true } },
  prefix: { string_match: { prefix: 'abc' } },
  suffix: { string_match: { suffix: 'abc' } },
  contains: { string_match: { contains: 'bc' } },
  'contains-any-case': { string_match: { contains: 'BC', ignore_case: true } },
  regex: { string_match: { safe_regex: { regex: 'a.c' } } },
  range: { range_match: { start: '-7', end: '7' } },
  present: { present_match: true },
  absent: { present_match: false },
  plain: {},
  'exact-old': { exact_match: 'abc' },
  'regex-old': { safe_regex_match: { regex: 'abc.*' } },
  'exact-inverted': { string_match: { exact: 'abc' }, invert_match: true },
  'present-inverted': { present_match: true, invert_match: true },
  'absent-inverted': { present_match: false, invert_match: true },
  'exact-as-empty': { string_match: { exact: 'abc' }, treat_missing_header_as_empty: true },
  'inverted-as-empty': { string_match: { exact: 'abc' }, treat_missing_header_as_empty: true, invert_match: true },
  'regex-star-as-empty': { string_match: { safe_regex: { regex: '(abc)*' } }, treat_missing_header_as_empty: true },
  'range-inverted': { range_match: { start: '0', end: '100' }, invert_match: true },
};

const headers: readonly Scenario[] = [
  ...Object.entries(matchers).map(
    ([kind, matcher]): Scenario => ({
      name: `header-${kind}`,
      why: 'every kind of header matcher against missing, empty, fitting, other and repeated values',
      routes: header({ name: 'x-v', ...matcher }),
      requests: withValues('x-v'),
    }),
  ),
  ...Object.entries(matchers).map(
    ([kind, matcher]): Scenario => ({
      name: `header-lines-${kind}`,
      why: 'of a repeated field, which line is compared',
      routes: header({ name: 'x-v', ...matcher }),
      requests: [
        ['abc', 'x'],
        ['x', 'abc'],
        ['x', 'y'],
        ['7', '-7'],
        ['', 'abc'],
        ['abc,x', 'y'],
      ].map((lines) => at('/', { 'x-v': lines })),
    }),
  ),
  {
    name: 'header-lines-known',
    why: 'of a repeated well-known field the lines are joined',
    routes: header({ name: 'accept', string_match: { exact: 'a,b' } }),
    requests: [at('/', { accept: ['a', 'b'] }), at('/', { accept: 'a' }), at('/', { accept: 'a,b' })],
  },
  {
    name: 'header-all-must-hold',
    why: 'several matchers are an and',
    routes: only({
      prefix: '/',
      headers: [
        { name: 'x-a', string_match: { exact: '1' } },
        { name: 'x-b', present_match: true },
      ],
    }),
    requests: [at('/', { 'x-a': '1', 'x-b': '' }), at('/', { 'x-a': '1' }), at('/', { 'x-b': '2' })],
  },
  {
    name: 'header-pseudo',
    why: ':method, :path, :authority and :scheme can be matched',
    routes: [
      {
        match: { prefix: '/', headers: [{ name: ':method', string_match: { exact: 'POST' } }] },
        route: { cluster: '<b>' },
      },
      {
        match: { prefix: '/', headers: [{ name: ':path', string_match: { contains: 'q=1' } }] },
        route: { cluster: '<c>' },
      },
      {
        match: { prefix: '/', headers: [{ name: ':authority', string_match: { prefix: 'x.' } }] },
        route: { cluster: '<d>' },
      },
      {
        match: { prefix: '/', headers: [{ name: ':scheme', string_match: { exact: 'https' } }] },
        route: { cluster: '<e>' },
      },
      TO_A,
    ],
    requests: ['POST /', '/?q=1', 'GET http://x.test/', at('/', { 'x-forwarded-proto': 'https' }), '/'],
    expect: [{ clusters: ['b'] }, { clusters: ['c'] }, { clusters: ['d'] }, { clusters: ['e'] }, { clusters: ['a'] }],
  },
  {
    name: 'header-host-name',
    why: 'a matcher for host looks at :authority',
    routes: header({ name: 'host', string_match: { exact: 'x.test' } }),
    requests: ['GET http://x.test/', 'GET http://y.test/'],
  },
  {
    name: 'header-name-any-case',
    why: 'names have no case',
    routes: header({ name: 'X-Mixed', string_match: { exact: 'v' } }),
    requests: [at('/', { 'x-mixed': 'v' }), at('/', { 'X-MIXED': 'v' })],
  },
];

const parameter = (matcher: Yaml): readonly Yaml[] => only({ prefix: '/', query_parameters: [matcher] });

const queries: readonly Scenario[] = [
  {
    name: 'query-present',
    why: 'a parameter without condition must be there; its value may be empty',
    routes: parameter({ name: 'q' }),
    requests: ['/', '/?q', '/?q=', '/?q=1', '/?Q=1', '/?xq=1', '/?x=q', '/?a=1&q=2', '/?%71=1', '/?a;q=1'],
  },
  {
    name: 'query-absent',
    why: 'present_match false',
    routes: parameter({ name: 'q', present_match: false }),
    requests: ['/', '/?q', '/?x=1'],
  },
  {
    name: 'query-exact',
    why: 'the value is compared as it is written; of several the first',
    routes: parameter({ name: 'q', string_match: { exact: 'a%20b' } }),
    requests: ['/?q=a%20b', '/?q=a+b', '/?q=a%20B', '/?q=x&q=a%20b', '/?q=a%20b&q=x', '/?q', '/'],
  },
  {
    name: 'query-prefix-any-case',
    why: 'string matchers of parameters know ignore_case',
    routes: parameter({ name: 'q', string_match: { prefix: 'Ab', ignore_case: true } }),
    requests: ['/?q=aB1', '/?q=xab', '/?q='],
  },
  {
    name: 'query-regex',
    why: 'a full match',
    routes: parameter({ name: 'q', string_match: { safe_regex: { regex: '[0-9]+' } } }),
    requests: ['/?q=12', '/?q=12a', '/?q=', '/?q=1%32'],
  },
  {
    name: 'query-several',
    why: 'all must hold',
    routes: only({ prefix: '/', query_parameters: [{ name: 'a' }, { name: 'b', string_match: { exact: '2' } }] }),
    requests: ['/?a&b=2', '/?b=2', '/?a=1&b=3', '/?b=2&a'],
  },
  {
    name: 'query-empty-exact',
    why: 'an empty value is not a missing one',
    routes: parameter({ name: 'q', string_match: { suffix: '1' } }),
    requests: ['/?q=', '/?q=21', '/?q'],
  },
];

const others: readonly Scenario[] = [
  {
    name: 'match-grpc',
    why: 'grpc: {} looks at the content type',
    routes: only({ prefix: '/', grpc: {} }),
    requests: [
      'application/grpc',
      'application/grpc+proto',
      'application/grpc-web',
      'application/grpcx',
      'text/plain',
    ].map((type) => at('/', { 'content-type': type })),
    expect: [{ clusters: ['a'] }, { clusters: ['a'] }, { clusters: ['b'] }, { clusters: ['b'] }, { clusters: ['b'] }],
  },
  {
    name: 'match-runtime-fraction',
    why: '0 of 100 never, 100 of 100 always; a runtime key replaces the default',
    routes: [
      { match: { prefix: '/', runtime_fraction: { default_value: { numerator: 0 } } }, route: { cluster: '<a>' } },
      {
        match: { prefix: '/on', runtime_fraction: { default_value: { numerator: 0 }, runtime_key: 'conformance.on' } },
        route: { cluster: '<b>' },
      },
      {
        match: {
          prefix: '/off',
          runtime_fraction: { default_value: { numerator: 100 }, runtime_key: 'conformance.off' },
        },
        route: { cluster: '<c>' },
      },
      {
        match: { prefix: '/', runtime_fraction: { default_value: { numerator: 1000000, denominator: 'MILLION' } } },
        route: { cluster: '<d>' },
      },
    ],
    runtime: { 'conformance.on': 100, 'conformance.off': 0 },
    requests: ['/', '/on', '/off'],
    expect: [{ clusters: ['d'] }, { clusters: ['b'] }, { clusters: ['d'] }],
  },
  {
    name: 'match-tls-context',
    why: 'without TLS no certificate is presented',
    routes: [
      { match: { prefix: '/', tls_context: { presented: true } }, route: { cluster: '<a>' } },
      { match: { prefix: '/', tls_context: { presented: false } }, route: { cluster: '<b>' } },
      prefix('/', '<c>'),
    ],
    requests: ['/'],
  },
  {
    name: 'match-cookies',
    why: 'a cookie of the request, by name',
    routes: only({ prefix: '/', cookies: [{ name: 'c', string_match: { exact: '1' } }] }),
    requests: [at('/', { cookie: 'c=1' }), at('/', { cookie: 'a=2; c=1' }), at('/', { cookie: 'c=2' }), '/'],
  },
  {
    name: 'match-dynamic-metadata-missing',
    why: 'metadata that nobody set does not match',
    routes: only({
      prefix: '/',
      dynamic_metadata: [{ filter: 'x', path: [{ key: 'k' }], value: { string_match: { exact: 'v' } } }],
    }),
    requests: ['/'],
  },
  {
    name: 'match-nothing',
    why: 'no route is left: 404',
    routes: [prefix('/x')],
    requests: ['/y', 'POST /y'],
    expect: [{ status: 404, body: '' }],
  },
];

/** Fields, query parameters, the rest. */
export const conditions: readonly Scenario[] = [...headers, ...queries, ...others];
