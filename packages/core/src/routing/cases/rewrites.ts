/** Which cluster a route leads to, and what becomes of path and host. */
import { add, prefix, type RouteCases, to, type Yaml } from './case.ts';

const at = (name: string, value: string) => ({ headers: { [name]: value } });

const weighted = (fields: Yaml): readonly Yaml[] => [{ match: { prefix: '/' }, route: { weighted_clusters: fields } }];

const draw = (random: number) => ({ random, notOnEnvoy: 'chance cannot be set' });

const clusters: readonly RouteCases[] = [
  {
    name: 'weights',
    routes: weighted({
      clusters: [
        { name: '<a>', weight: 10 },
        { name: '<b>', weight: 0 },
        { name: '<c>', weight: 30 },
      ],
    }),
    rows: [
      ['/', 'a', 'the lowest number', draw(0)],
      ['/', 'a', 'the last of the first', draw(9)],
      ['/', 'c', 'an entry of weight 0 is passed over', draw(10)],
      ['/', 'c', 'the last of all', draw(39)],
      ['/', 'a', 'modulo the sum', draw(40)],
      ['/', 'c', 'modulo the sum', draw(4_010)],
    ],
  },
  {
    name: 'weights-by-header',
    routes: weighted({
      header_name: 'X-Draw',
      clusters: [
        { name: '<a>', weight: 1 },
        { name: '<b>', weight: 2 },
      ],
    }),
    rows: [
      ['/', 'a', 'zero', at('x-draw', '0')],
      ['/', 'b', 'one', at('x-draw', '1')],
      ['/', 'b', 'two', at('x-draw', '2')],
      ['/', 'a', 'modulo the sum', at('x-draw', '3')],
      ['/', 'b', 'large', at('x-draw', '1000000000000')],
      ['/', 'a', 'the largest', at('x-draw', '18446744073709551615')],
      ['/', 'b', 'no number: chance', { ...at('x-draw', 'x'), ...draw(1) }],
      ['/', 'a', 'no header: chance', draw(3)],
    ],
  },
  {
    name: 'weights-runtime',
    routes: weighted({
      runtime_key_prefix: 'canary',
      clusters: [
        { name: '<a>', weight: 100 },
        { name: '<b>', weight: 0 },
      ],
    }),
    rows: [
      ['/', 'a', 'as configured', draw(0)],
      ['/', 'b', 'the runtime moves everything', { ...draw(5), runtime: { 'canary.a': '0', 'canary.b': '100' } }],
      ['/', 'a', 'the runtime moves some', { ...draw(89), runtime: { 'canary.a': '90', 'canary.b': '10' } }],
      ['/', 'b', 'the runtime moves some', { ...draw(90), runtime: { 'canary.a': '90', 'canary.b': '10' } }],
    ],
  },
  {
    name: 'weights-own-fields',
    routes: weighted({
      header_name: 'x-draw',
      clusters: [
        { name: '<a>', weight: 1, host_rewrite_literal: 'a.test', request_headers_to_add: [add('x-v', '1')] },
        { name: '<b>', weight: 1, request_headers_to_remove: ['x-gone'], response_headers_to_add: [add('x-v', '2')] },
      ],
    }),
    rows: [
      [
        '/',
        { cluster: 'a', host: 'a.test', sees: { 'x-v': '1', 'x-gone': '1' } },
        'the first entry',
        { headers: { 'x-draw': '0', 'x-gone': '1' } },
      ],
      [
        '/',
        { cluster: 'b', host: 'h.test', sees: { 'x-v': null, 'x-gone': null }, responds: { 'x-v': '2' } },
        'the second entry',
        { headers: { 'x-draw': '1', 'x-gone': '1' } },
      ],
    ],
  },
  {
    name: 'cluster-header',
    routes: [{ match: { prefix: '/' }, route: { cluster_header: 'X-Cluster' } }],
    rows: [
      ['/', 'a', 'the field names it', at('x-cluster', '<a>')],
      ['/', 'b', 'or another', at('x-cluster', '<b>')],
    ],
  },
];

const regex = (pattern: string, substitution: string): Yaml => ({ pattern: { regex: pattern }, substitution });

const rewriter = (path_template_rewrite: string): Yaml => ({
  name: 'envoy.path.rewrite.uri_template.uri_template_rewriter',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig',
    path_template_rewrite,
  },
});

const matcher = (path_template: string): Yaml => ({
  path_match_policy: {
    name: 'envoy.path.match.uri_template.uri_template_matcher',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
      path_template,
    },
  },
});

const rewrites: readonly RouteCases[] = [
  {
    name: 'rewrite-prefix',
    routes: [
      prefix('/api/', '<a>', { prefix_rewrite: '/' }),
      prefix('/old', '<a>', { prefix_rewrite: '/new' }),
      to({ prefix: '/Mixed', case_sensitive: false }, '<a>', { prefix_rewrite: '/m' }),
      to({ path: '/exact' }, '<a>', { prefix_rewrite: '/other/path' }),
      to({ path_separated_prefix: '/seg' }, '<a>', { prefix_rewrite: '/s' }),
      to({ safe_regex: { regex: '/r[0-9]+/.*' } }, '<a>', { prefix_rewrite: '/re' }),
      prefix('/keep', '<a>', { prefix_rewrite: '/keep' }),
    ],
    rows: [
      ['/api/x', 'a /x', 'a slash for a slash'],
      ['/api/', 'a /', 'nothing behind it'],
      ['/api/x?q=/api/', 'a /x?q=/api/', 'the query stays'],
      ['/old', 'a /new', 'the prefix alone'],
      ['/old/x', 'a /new/x', 'with something behind it'],
      ['/older', 'a /newer', 'text, not segments'],
      ['/old?x', 'a /new?x', 'with a query'],
      ['/MIXED/x', 'a /m/x', 'the length of the prefix counts'],
      ['/exact', 'a /other/path', 'the whole path behind an exact match'],
      ['/exact?q', 'a /other/path?q', 'and its query'],
      ['/seg/x', 'a /s/x', 'a separated prefix'],
      ['/seg', 'a /s', 'a separated prefix alone'],
      ['/r1/x?q', 'a /re?q', 'the whole path behind a regular expression'],
      ['/old/x', { sees: { 'x-envoy-original-path': '/old/x' } }, 'the old path is told'],
      ['/old?a=1', { sees: { 'x-envoy-original-path': '/old?a=1' } }, 'with its query'],
      [
        '/old',
        { sees: { 'x-envoy-original-path': '/old' } },
        'and not as a client says',
        at('x-envoy-original-path', '/forged'),
      ],
    ],
  },
  {
    name: 'rewrite-regex',
    routes: [
      prefix('/service/', '<a>', { regex_rewrite: regex('^/service/([^/]+)(/.*)$', '\\2/of/\\1') }),
      prefix('/all/', '<a>', { regex_rewrite: regex('one', 'two') }),
      prefix('/zero/', '<a>', { regex_rewrite: regex('[0-9]+', 'n\\0') }),
      prefix('/slash/', '<a>', { regex_rewrite: regex('b', '\\\\') }),
      prefix('/case/', '<a>', { regex_rewrite: regex('(?i)ABC', 'x') }),
    ],
    rows: [
      ['/service/foo/v1/x', 'a /v1/x/of/foo', 'groups change places'],
      ['/service/foo', 'a /service/foo', 'no match, no change'],
      ['/service/foo/v1?q=/service/bar/v2', 'a /v1/of/foo?q=/service/bar/v2', 'the query is not looked at'],
      ['/all/one/one?one', 'a /all/two/two?one', 'every occurrence'],
      ['/all/none', 'a /all/ntwo', 'within a word'],
      ['/zero/12/3', 'a /zero/n12/n3', 'the whole match'],
      ['/slash/abc', 'a /slash/a\\c', 'an escaped backslash'],
      ['/case/aBcabc', 'a /case/xx', 'flags'],
      ['/all/one', { sees: { 'x-envoy-original-path': '/all/one' } }, 'the old path is told'],
    ],
  },
  {
    name: 'rewrite-template',
    routes: [to(matcher('/{country}/{city}/**'), '<a>', { path_rewrite_policy: rewriter('/{city}/in/{country}') })],
    rows: [
      ['/ch/bern/x', 'a /bern/in/ch', 'variables by name'],
      ['/ch/bern/x/y?q=1', 'a /bern/in/ch?q=1', 'the query stays'],
      ['/ch/bern/x', { sees: { 'x-envoy-original-path': '/ch/bern/x' } }, 'the old path is told'],
    ],
  },
  {
    name: 'rewrite-template-rest',
    routes: [to(matcher('/old/{rest=**}'), '<a>', { path_rewrite_policy: rewriter('/new/{rest}') })],
    rows: [
      ['/old/a/b/c', 'a /new/a/b/c', 'a variable of several segments'],
      ['/old/', 'a /new/', 'an empty one'],
    ],
  },
  {
    name: 'rewrite-host',
    routes: [
      prefix('/literal', '<a>', { host_rewrite_literal: 'up.test' }),
      prefix('/append', '<a>', { host_rewrite_literal: 'up.test', append_x_forwarded_host: true }),
      prefix('/header', '<a>', { host_rewrite_header: 'x-host' }),
      prefix('/path/', '<a>', { host_rewrite_path_regex: regex('^/path/([^/]+).*$', '\\1.up.test') }),
      prefix('/', '<a>'),
    ],
    rows: [
      ['http://h.test:8080/literal', 'a /literal up.test', 'a literal, without the old port'],
      ['/literal', { sees: { 'x-envoy-original-host': 'h.test' } }, 'the old host is told'],
      ['/literal', { sees: { 'x-forwarded-host': null } }, 'but not as x-forwarded-host'],
      ['/append', { host: 'up.test', sees: { 'x-forwarded-host': 'h.test' } }, 'unless that is asked for'],
      [
        '/append',
        { sees: { 'x-forwarded-host': 'first.test,h.test' } },
        'behind what is there',
        at('x-forwarded-host', 'first.test'),
      ],
      ['/header', 'a /header up.test:81', 'from a header', at('x-host', 'up.test:81')],
      ['/header', 'a /header h.test', 'without the header it stays'],
      ['/header', 'a /header h.test', 'an empty one is none', at('x-host', '')],
      ['/path/shop/x?y=/z', 'a /path/shop/x?y=/z shop.up.test', 'from the path without its query'],
      ['/other', 'a /other h.test', 'without a rewrite it stays'],
    ],
  },
  {
    name: 'rewrite-both',
    routes: [prefix('/a', '<a>', { prefix_rewrite: '/b', host_rewrite_path_regex: regex('^/a/(.+)$', '\\1.test') })],
    rows: [['/a/x', 'a /b/x x.test', 'the host is taken from the path before it is rewritten']],
  },
];

/** Clusters, then rewrites. */
export const forwards: readonly RouteCases[] = [...clusters, ...rewrites];
