/** Conditions beside the path: fields, query parameters, and the rest. */
import { either, prefix, type RouteCases, type Row, to, type Yaml } from './case.ts';

const at = (name: string, ...values: readonly string[]) => ({ headers: { [name]: values } });

/** Values of `x-v` that every kind of matcher is tried with; a request that does not have it comes first. */
const VALUES: Readonly<Record<string, readonly string[] | undefined>> = {
  missing: undefined,
  empty: [''],
  abc: ['abc'],
  ABC: ['ABC'],
  abcd: ['abcd'],
  xabc: ['xabc'],
  '7': ['7'],
  '-7': ['-7'],
  '07': ['07'],
  'abc,x (two lines)': ['abc', 'x'],
};

/** What the matcher is, and the names of the values that it takes. Lines of one field are looked at one by one. */
const MATCHERS: readonly (readonly [name: string, matcher: Yaml, takes: string])[] = [
  ['exact', { string_match: { exact: 'abc' } }, 'abc abc,x'],
  ['exact-any-case', { string_match: { exact: 'aBC', ignore_case: true } }, 'abc ABC abc,x'],
  ['prefix', { string_match: { prefix: 'abc' } }, 'abc abcd abc,x'],
  ['prefix-any-case', { string_match: { prefix: 'AB', ignore_case: true } }, 'abc ABC abcd abc,x'],
  ['suffix', { string_match: { suffix: 'abc' } }, 'abc xabc abc,x'],
  ['contains', { string_match: { contains: 'bc' } }, 'abc abcd xabc abc,x'],
  ['regex', { string_match: { safe_regex: { regex: 'a.c' } } }, 'abc abc,x'],
  ['regex-lines', { string_match: { safe_regex: { regex: 'abc,x' } } }, ''],
  ['range', { range_match: { start: '-7', end: '7' } }, '-7'],
  ['range-end', { range_match: { start: '0', end: '8' } }, '7 07'],
  ['present', { present_match: true }, 'empty abc ABC abcd xabc 7 -7 07 abc,x'],
  ['absent', { present_match: false }, 'missing'],
  ['nothing', {}, 'empty abc ABC abcd xabc 7 -7 07 abc,x'],
  ['exact-inverted', { string_match: { exact: 'abc' }, invert_match: true }, 'empty ABC abcd xabc 7 -7 07'],
  ['range-inverted', { range_match: { start: '0', end: '8' }, invert_match: true }, 'empty abc ABC abcd xabc -7 abc,x'],
  ['present-inverted', { present_match: true, invert_match: true }, 'missing'],
  ['absent-inverted', { present_match: false, invert_match: true }, 'empty abc ABC abcd xabc 7 -7 07 abc,x'],
  ['exact-as-empty', { string_match: { exact: 'abc' }, treat_missing_header_as_empty: true }, 'abc abc,x'],
  [
    'inverted-as-empty',
    { string_match: { exact: 'abc' }, invert_match: true, treat_missing_header_as_empty: true },
    'missing empty ABC abcd xabc 7 -7 07',
  ],
  [
    'star-as-empty',
    { string_match: { safe_regex: { regex: '(abc)*' } }, treat_missing_header_as_empty: true },
    'missing empty abc abc,x',
  ],
  [
    'present-as-empty',
    { present_match: true, treat_missing_header_as_empty: true },
    'missing empty abc ABC abcd xabc 7 -7 07 abc,x',
  ],
];

const headerMatrix = MATCHERS.map(([name, matcher, takes]): RouteCases => {
  const taken = new Set(takes.split(' '));
  return {
    name: `header-${name}`,
    routes: either({ headers: [{ name: 'x-v', ...matcher }] }),
    rows: Object.entries(VALUES).map(([value, lines]): Row => {
      const fits = taken.has(value.split(' ')[0] as string);
      const why = `the value ${value} ${fits ? 'fits' : 'does not fit'} ${JSON.stringify(matcher)}`;
      return ['/', fits ? 'a' : 'b', why, lines === undefined ? {} : at('x-v', ...lines)];
    }),
  };
});

const headers: readonly RouteCases[] = [
  ...headerMatrix,
  {
    name: 'header-and',
    routes: either({ headers: [{ name: 'x-a', string_match: { exact: '1' } }, { name: 'X-B' }] }),
    rows: [
      ['/', 'a', 'both hold', { headers: { 'x-a': '1', 'x-b': '' } }],
      ['/', 'b', 'the first alone', { headers: { 'x-a': '1' } }],
      ['/', 'b', 'the second alone', { headers: { 'x-b': '1' } }],
      ['/', 'a', 'names have no case', { headers: { 'X-A': '1', 'X-b': 'v' } }],
    ],
  },
  {
    name: 'header-pseudo',
    routes: [
      to({ prefix: '/', headers: [{ name: ':method', string_match: { exact: 'DELETE' } }] }, '<b>'),
      to({ prefix: '/', headers: [{ name: ':path', string_match: { suffix: 'q=1' } }] }, '<c>'),
      to({ prefix: '/', headers: [{ name: ':authority', string_match: { prefix: 'api.' } }] }, '<d>'),
      to({ prefix: '/', headers: [{ name: 'host', string_match: { prefix: 'web.' } }] }, '<e>'),
      prefix('/', '<a>'),
    ],
    rows: [
      ['DELETE /', 'b', 'the method is a field'],
      ['/x?q=1', 'c', 'the path with its query is a field'],
      ['http://api.test/', 'd', 'the host is a field'],
      ['http://web.test/', 'e', 'under its old name too'],
      ['/', 'a', 'none of them'],
    ],
  },
];

const query = (matcher: Yaml): readonly Yaml[] => either({ query_parameters: [{ name: 'q', ...matcher }] });

const queries: readonly RouteCases[] = [
  {
    name: 'query-present',
    routes: query({}),
    rows: [
      ['/?q', 'a', 'without a value'],
      ['/?q=', 'a', 'with an empty one'],
      ['/?q=1', 'a', 'with one'],
      ['/?a=1&q=2', 'a', 'not the first'],
      ['/', 'b', 'no query'],
      ['/?', 'b', 'an empty query'],
      ['/?Q=1', 'b', 'names have their case'],
      ['/?qq=1', 'b', 'a longer name'],
      ['/?x=q', 'b', 'as a value'],
      ['/q', 'b', 'as a path'],
      ['/?=q', 'b', 'an empty name'],
    ],
  },
  {
    name: 'query-absent',
    routes: query({ present_match: false }),
    rows: [
      ['/', 'a', 'no query'],
      ['/?x=1', 'a', 'another one'],
      ['/?q', 'b', 'it is there'],
    ],
  },
  {
    name: 'query-exact',
    routes: query({ string_match: { exact: '1' } }),
    rows: [
      ['/?q=1', 'a', 'the value'],
      ['/?q=1&q=2', 'a', 'the first of two counts'],
      ['/?q=2&q=1', 'b', 'and only the first'],
      ['/?q=11', 'b', 'longer'],
      ['/?q', 'b', 'no value'],
      ['/', 'b', 'no parameter'],
      ['/?q=1&', 'a', 'an empty parameter behind it'],
      ['/?&q=1', 'a', 'and before it'],
    ],
  },
  {
    name: 'query-escaped',
    routes: query({ string_match: { exact: 'a b' } }),
    rows: [
      ['/?q=a%20b', 'b', 'escapes in values are not undone'],
      ['/?q=a+b', 'b', 'and a plus sign is one'],
    ],
  },
  {
    name: 'query-kinds',
    routes: [
      to({ prefix: '/p', query_parameters: [{ name: 'q', string_match: { prefix: 'ab' } }] }),
      to({ prefix: '/s', query_parameters: [{ name: 'q', string_match: { suffix: 'yz' } }] }),
      to({ prefix: '/c', query_parameters: [{ name: 'q', string_match: { contains: 'mm' } }] }),
      to({ prefix: '/r', query_parameters: [{ name: 'q', string_match: { safe_regex: { regex: '[0-9]+' } } }] }),
      to({ prefix: '/i', query_parameters: [{ name: 'q', string_match: { exact: 'YES', ignore_case: true } }] }),
      prefix('/', '<b>'),
    ],
    rows: [
      ['/p?q=abc', 'a', 'a prefix'],
      ['/p?q=xab', 'b', 'not at the beginning'],
      ['/s?q=xyz', 'a', 'a suffix'],
      ['/s?q=yzx', 'b', 'not at the end'],
      ['/c?q=ammb', 'a', 'within'],
      ['/c?q=mbm', 'b', 'not within'],
      ['/r?q=42', 'a', 'a regular expression'],
      ['/r?q=42x', 'b', 'that must match all of it'],
      ['/r?q=', 'b', 'nothing'],
      ['/i?q=yes', 'a', 'in any case'],
      ['/i?q=no', 'b', 'another word'],
    ],
  },
  {
    name: 'query-and',
    routes: either({ query_parameters: [{ name: 'a' }, { name: 'b', string_match: { exact: '2' } }] }),
    rows: [
      ['/?a&b=2', 'a', 'both'],
      ['/?b=2&a=1', 'a', 'in any order'],
      ['/?b=2', 'b', 'one of them'],
      ['/?a&b=3', 'b', 'the other with another value'],
    ],
  },
];

const fraction = (numerator: number, denominator = 'HUNDRED', runtime_key = ''): Yaml => ({
  runtime_fraction: { default_value: { numerator, denominator }, ...(runtime_key === '' ? {} : { runtime_key }) },
});
const CHANCE = 'chance cannot be set';
const drawn = (random: number): { random: number; notOnEnvoy: string } => ({ random, notOnEnvoy: CHANCE });
const metadata = (value: Yaml, rest: Yaml = {}): readonly Yaml[] =>
  either({ dynamic_metadata: [{ filter: 'auth', path: [{ key: 'user' }, { key: 'role' }], value, ...rest }] });
const known = (role: unknown) => ({ metadata: { auth: { user: { role } } }, notOnEnvoy: 'a filter has to set it' });

const others: readonly RouteCases[] = [
  {
    name: 'grpc',
    routes: either({ grpc: {} }),
    rows: [
      ['POST /', 'a', 'plain', at('content-type', 'application/grpc')],
      ['POST /', 'a', 'with a message format', at('content-type', 'application/grpc+proto')],
      ['POST /', 'b', 'gRPC-Web is not gRPC', at('content-type', 'application/grpc-web')],
      ['POST /', 'b', 'a longer word', at('content-type', 'application/grpcx')],
      ['POST /', 'b', 'another type', at('content-type', 'application/json')],
      ['POST /', 'b', 'no type'],
    ],
  },
  {
    name: 'runtime-fraction',
    routes: either(fraction(30)),
    rows: [
      ['/', 'a', 'below the share', drawn(29)],
      ['/', 'b', 'the share itself is outside', drawn(30)],
      ['/', 'a', 'modulo the denominator', drawn(129)],
      ['/', 'b', 'modulo the denominator', drawn(199)],
    ],
  },
  {
    name: 'runtime-fraction-million',
    routes: either(fraction(1, 'MILLION')),
    rows: [
      ['/', 'a', 'one of a million', drawn(0)],
      ['/', 'b', 'the others', drawn(1)],
      ['/', 'a', 'modulo a million', drawn(3_000_000)],
    ],
  },
  {
    name: 'runtime-fraction-edges',
    routes: [
      to({ prefix: '/never', ...fraction(0) }),
      to({ prefix: '/always', ...fraction(100) }),
      to({ prefix: '/fine', ...fraction(10_000, 'TEN_THOUSAND') }),
      prefix('/', '<b>'),
    ],
    rows: [
      ['/never', 'b', '0 of 100 takes nothing'],
      ['/always', 'a', '100 of 100 takes all'],
      ['/fine', 'a', '10000 of 10000 takes all'],
    ],
  },
  {
    name: 'runtime-fraction-key',
    routes: either(fraction(0, 'HUNDRED', 'routing.share')),
    rows: [
      ['/', 'b', 'the default'],
      ['/', 'a', 'the runtime replaces it', { runtime: { 'routing.share': '100' }, ...drawn(99) }],
      ['/', 'b', 'and is a percentage', { runtime: { 'routing.share': '50' }, ...drawn(50) }],
    ],
  },
  {
    name: 'metadata-string',
    routes: metadata({ string_match: { exact: 'admin' } }),
    rows: [
      ['/', 'a', 'the value', known('admin')],
      ['/', 'b', 'another value', known('guest')],
      ['/', 'b', 'another type', known(1)],
      ['/', 'b', 'nothing was set'],
    ],
  },
  {
    name: 'metadata-inverted',
    routes: metadata({ string_match: { exact: 'admin' } }, { invert: true }),
    rows: [
      ['/', 'b', 'the value', known('admin')],
      ['/', 'a', 'another value', known('guest')],
      ['/', 'a', 'nothing was set'],
    ],
  },
  {
    name: 'metadata-kinds',
    routes: [
      ...metadata({ bool_match: true }).slice(0, 1),
      to(
        {
          prefix: '/',
          dynamic_metadata: [
            { filter: 'auth', path: [{ key: 'user' }, { key: 'role' }], value: { double_match: { exact: 5 } } },
          ],
        },
        '<b>',
      ),
      to(
        {
          prefix: '/',
          dynamic_metadata: [
            {
              filter: 'auth',
              path: [{ key: 'user' }, { key: 'role' }],
              value: { list_match: { one_of: { string_match: { exact: 'x' } } } },
            },
          ],
        },
        '<c>',
      ),
      prefix('/', '<d>'),
    ],
    rows: [
      ['/', 'a', 'a boolean', known(true)],
      ['/', 'b', 'a number', known(5)],
      ['/', 'c', 'a list that has it', known(['y', 'x'])],
      ['/', 'd', 'a list that does not', known(['y'])],
      ['/', 'd', 'false', known(false)],
    ],
  },
  {
    name: 'tls-context',
    routes: [
      to({ prefix: '/', tls_context: { presented: true } }, '<a>'),
      to({ prefix: '/', tls_context: { presented: false } }, '<b>'),
      prefix('/', '<c>'),
    ],
    rows: [['/', 'b', 'without TLS no certificate is presented']],
  },
  {
    name: 'cookies',
    routes: either({ cookies: [{ name: 'kind', string_match: { exact: 'beta' } }] }),
    rows: [
      ['/', 'a', 'the cookie', at('cookie', 'kind=beta')],
      ['/', 'a', 'among others', at('cookie', 'a=1; kind=beta; b=2')],
      ['/', 'b', 'another value', at('cookie', 'kind=stable')],
      ['/', 'b', 'a longer name', at('cookie', 'xkind=beta')],
      ['/', 'b', 'no cookie'],
      ['/', 'b', 'names have their case', at('cookie', 'Kind=beta')],
    ],
  },
];

export const conditions: readonly RouteCases[] = [...headers, ...queries, ...others];
