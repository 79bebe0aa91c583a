/** Which route takes a path. */
import { either, prefix, type RouteCases, to, type Yaml } from './case.ts';

const template = (path_template: string): Yaml => ({
  path_match_policy: {
    name: 'envoy.path.match.uri_template.uri_template_matcher',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
      path_template,
    },
  },
});
const templated = (text: string): readonly Yaml[] => [to(template(text)), prefix('/', '<b>')];
const regex = (text: string): readonly Yaml[] => [to({ safe_regex: { regex: text } }), prefix('/', '<b>')];
const path = (match: Yaml): readonly Yaml[] => [to(match), prefix('/', '<b>')];

const texts: readonly RouteCases[] = [
  {
    name: 'path-prefix',
    routes: path({ prefix: '/api/v1' }),
    rows: [
      ['/api/v1', 'a', 'the prefix itself'],
      ['/api/v1/', 'a', 'with a slash'],
      ['/api/v1/x/y', 'a', 'what is below it'],
      ['/api/v10', 'a', 'a prefix is text, not segments'],
      ['/api/v1?x=1', 'a', 'with a query'],
      ['/api/v', 'b', 'too short'],
      ['/api/V1', 'b', 'case counts'],
      ['/x/api/v1', 'b', 'not at the beginning'],
      ['//api/v1', 'b', 'slashes are not merged'],
      ['/api//v1', 'b', 'within either'],
      ['/api/%761', 'b', 'an escape is not undone'],
      ['/api/./v1', 'b', 'dots are not resolved'],
      ['/ap?i/v1', 'b', 'what looks like it in the query'],
    ],
  },
  {
    name: 'path-prefix-any-case',
    routes: path({ prefix: '/Api/', case_sensitive: false }),
    rows: [
      ['/api/x', 'a', 'lower case'],
      ['/API/x', 'a', 'upper case'],
      ['/aPi/', 'a', 'nothing behind it'],
      ['/api', 'b', 'without the slash'],
      ['/%41pi/', 'b', 'an escape is not undone'],
    ],
  },
  {
    name: 'path-prefix-query',
    routes: path({ prefix: '/a?b' }),
    rows: [
      ['/a?b', 'b', 'the query is cut off before a prefix is compared'],
      ['/a?b=1', 'b', 'so a prefix with a question mark takes nothing'],
    ],
  },
  {
    name: 'path-prefix-empty',
    routes: [to({ prefix: '' })],
    rows: [
      ['/', 'a', 'the root'],
      ['/x?y', 'a', 'everything'],
    ],
  },
  {
    name: 'path-prefix-no-slash',
    routes: path({ prefix: 'api' }),
    rows: [['/api', 'b', 'a path begins with a slash']],
  },
  {
    name: 'path-exact',
    routes: path({ path: '/api/v1' }),
    rows: [
      ['/api/v1', 'a', 'the very path'],
      ['/api/v1?x=1', 'a', 'the query is not part of it'],
      ['/api/v1?', 'a', 'an empty query neither'],
      ['/api/v1/', 'b', 'a slash at the end counts'],
      ['/api/v1/x', 'b', 'longer'],
      ['/api/v', 'b', 'shorter'],
      ['/api/V1', 'b', 'case counts'],
      ['/api/v1;p=1', 'b', 'parameters are part of it'],
      ['/api/v%31', 'b', 'an escape is not undone'],
    ],
  },
  {
    name: 'path-exact-any-case',
    routes: path({ path: '/Api/V1', case_sensitive: false }),
    rows: [
      ['/api/v1', 'a', 'lower case'],
      ['/API/V1?Q', 'a', 'with a query'],
      ['/api/v1/', 'b', 'a slash at the end counts'],
    ],
  },
  {
    name: 'path-exact-trailing-slash',
    routes: path({ path: '/dir/' }),
    rows: [
      ['/dir/', 'a', 'the very path'],
      ['/dir', 'b', 'without the slash'],
      ['/dir//', 'b', 'one slash more'],
    ],
  },
  {
    name: 'path-exact-root',
    routes: path({ path: '/' }),
    rows: [
      ['/', 'a', 'the root'],
      ['/?x', 'a', 'the root with a query'],
      ['/x', 'b', 'something else'],
    ],
  },
  {
    name: 'path-separated',
    routes: path({ path_separated_prefix: '/api/v1' }),
    rows: [
      ['/api/v1', 'a', 'the prefix itself'],
      ['/api/v1/', 'a', 'with a slash'],
      ['/api/v1/x', 'a', 'a segment below it'],
      ['/api/v1?x', 'a', 'with a query'],
      ['/api/v1/x?y=/z', 'a', 'below it with a query'],
      ['/api/v10', 'b', 'the segment goes on'],
      ['/api/v1;x', 'b', 'also with a parameter'],
      ['/api/V1/x', 'b', 'case counts'],
      ['/api', 'b', 'too short'],
    ],
  },
  {
    name: 'path-separated-any-case',
    routes: path({ path_separated_prefix: '/Api', case_sensitive: false }),
    rows: [
      ['/API/x', 'a', 'upper case'],
      ['/api', 'a', 'lower case'],
      ['/apix', 'b', 'the segment goes on'],
    ],
  },
  {
    name: 'path-parameters-ignored',
    routes: path({ path: '/api/x' }),
    table: { ignore_path_parameters_in_path_matching: true },
    rows: [
      ['/api/x', 'a', 'none'],
      ['/api/x;v=1', 'a', 'a parameter is left out'],
      ['/api/x;v=1;w=2', 'a', 'several'],
      ['/api/x;v=1?q=;', 'a', 'with a query'],
    ],
  },
  {
    name: 'path-parameters-kept',
    routes: path({ path: '/api/x' }),
    rows: [['/api/x;v=1', 'b', 'by default a parameter is part of the path']],
  },
];

const patterns: readonly RouteCases[] = [
  {
    name: 'regex-full',
    routes: regex('/v[0-9]+/.*'),
    rows: [
      ['/v1/x', 'a', 'a digit'],
      ['/v12/', 'a', 'several digits and nothing behind'],
      ['/v/x', 'b', 'no digit'],
      ['/a/v1/x', 'b', 'not at the beginning'],
      ['/v1', 'b', 'something is missing at the end'],
      ['/V1/x', 'b', 'case counts'],
      ['/v1/x?y=/v2/', 'a', 'the query is cut off'],
      ['/v1?x=/', 'b', 'the query does not complete it'],
    ],
  },
  {
    name: 'regex-anchors',
    routes: regex('^/a$|/b'),
    rows: [
      ['/a', 'a', 'anchors are allowed'],
      ['/b', 'a', 'the other branch'],
      ['/bc', 'b', 'the whole path must match in every branch'],
      ['/a/b', 'b', 'also from the front'],
    ],
  },
  {
    name: 'regex-case-flag',
    routes: regex('(?i)/api/[a-z]+'),
    rows: [
      ['/API/XyZ', 'a', 'the flag is for all of it'],
      ['/api/1', 'b', 'a digit is no letter'],
    ],
  },
  {
    name: 'regex-case-sensitive-field',
    routes: [to({ safe_regex: { regex: '/Api' }, case_sensitive: false }), prefix('/', '<b>')],
    rows: [
      ['/Api', 'a', 'as it is written'],
      ['/api', 'b', 'case_sensitive does nothing for a regular expression'],
    ],
  },
  {
    name: 'regex-classes',
    routes: regex('/[\\w.-]+/\\d{2,3}(?:/x)?'),
    rows: [
      ['/a.b-c_d/12', 'a', 'classes and counts'],
      ['/a/123/x', 'a', 'an optional part'],
      ['/a/1', 'b', 'too few'],
      ['/a/1234', 'b', 'too many'],
      ['/a%20b/12', 'b', 'a percent sign is not in the class'],
    ],
  },
  {
    name: 'regex-dot',
    routes: regex('/a.b'),
    rows: [
      ['/axb', 'a', 'any character'],
      ['/a/b', 'a', 'a slash too'],
      ['/ab', 'b', 'but one'],
    ],
  },
  {
    name: 'regex-lazy',
    routes: regex('/(.+?)/(a|b)'),
    rows: [
      ['/x/a', 'a', 'a lazy quantifier still has to reach the end'],
      ['/x/y/b', 'a', 'over a slash'],
      ['/x/c', 'b', 'another ending'],
    ],
  },
];

const templates: readonly RouteCases[] = [
  {
    name: 'template-one-segment',
    routes: templated('/api/*/users'),
    rows: [
      ['/api/v1/users', 'a', 'one segment'],
      ['/api/v1/users?x', 'a', 'with a query'],
      ['/api//users', 'b', 'an empty segment is none'],
      ['/api/a/b/users', 'b', 'two segments'],
      ['/api/v1/users/', 'b', 'a slash at the end'],
    ],
  },
  {
    name: 'template-variables',
    routes: templated('/{country}/{city=*}/shop'),
    rows: [
      ['/ch/bern/shop', 'a', 'a variable without a pattern is one segment'],
      ['/ch/shop', 'b', 'one too few'],
      ['/ch/bern/old/shop', 'b', 'one too many'],
      ['/CH/Bern/shop', 'a', 'any letters'],
      ['/ch/bern/Shop', 'b', 'literal text has its case'],
    ],
  },
  {
    name: 'template-rest',
    routes: templated('/static/**'),
    rows: [
      ['/static/a', 'a', 'one segment'],
      ['/static/a/b/c.js', 'a', 'many'],
      ['/static/', 'a', 'none'],
      ['/static', 'b', 'without the slash'],
      ['/staticx/a', 'b', 'another segment'],
    ],
  },
  {
    name: 'template-rest-suffix',
    routes: templated('/media/**.m3u8'),
    rows: [
      ['/media/a.m3u8', 'a', 'one segment'],
      ['/media/a/b.m3u8', 'a', 'deep'],
      ['/media/a.mp4', 'b', 'another suffix'],
      ['/media/a.m3u8/x', 'b', 'something behind it'],
    ],
  },
  {
    name: 'template-variable-pattern',
    routes: templated('/{top=v1/*}/{rest=**}'),
    rows: [
      ['/v1/a/b/c', 'a', 'a pattern of literal and wildcard'],
      ['/v2/a/b', 'b', 'the literal differs'],
      ['/v1/a/', 'a', 'an empty rest'],
    ],
  },
];

const order: readonly RouteCases[] = [
  {
    name: 'order-first',
    routes: [prefix('/a', '<a>'), prefix('/a/b', '<b>'), to({ path: '/a/c' }, '<c>'), prefix('/', '<d>')],
    rows: [
      ['/a/b/x', 'a', 'the shorter prefix stands first'],
      ['/a/c', 'a', 'even before an exact path'],
      ['/b', 'd', 'the catch-all is last'],
    ],
  },
  {
    name: 'order-specific-first',
    routes: [
      to({ path: '/a/c' }, '<c>'),
      prefix('/a/b', '<b>'),
      to({ safe_regex: { regex: '/a/r.*' } }, '<e>'),
      prefix('/a', '<a>'),
      prefix('/', '<d>'),
    ],
    rows: [
      ['/a/c', 'c', 'the exact path'],
      ['/a/b/x', 'b', 'the longer prefix'],
      ['/a/rest', 'e', 'the regular expression between prefixes'],
      ['/a/cx', 'a', 'the shorter prefix'],
      ['/x', 'd', 'what is left'],
    ],
  },
  {
    name: 'order-conditions',
    routes: [
      to({ prefix: '/', headers: [{ name: 'x-v', string_match: { exact: '2' } }] }, '<b>'),
      to({ prefix: '/', query_parameters: [{ name: 'v', string_match: { exact: '3' } }] }, '<c>'),
      prefix('/', '<a>'),
    ],
    rows: [
      ['/', 'a', 'no condition holds'],
      ['/', 'b', 'the first holds', { headers: { 'x-v': '2' } }],
      ['/?v=3', 'c', 'the second holds'],
      ['/?v=3', 'b', 'both hold: order', { headers: { 'x-v': '2' } }],
    ],
  },
  {
    name: 'order-same-prefix',
    routes: [
      to({ prefix: '/x', headers: [{ name: ':method', string_match: { exact: 'POST' } }] }, '<a>'),
      to({ prefix: '/x', headers: [{ name: ':method', string_match: { exact: 'GET' } }] }, '<b>'),
    ],
    rows: [
      ['POST /x', 'a', 'by method'],
      ['/x', 'b', 'by method'],
      ['PUT /x', '404', 'neither'],
      ['/y', '404', 'neither path'],
    ],
  },
  {
    name: 'order-many-prefixes',
    routes: [
      ...Array.from({ length: 200 }, (_, i) => prefix(`/p${i}/`, i % 2 === 0 ? '<a>' : '<b>')),
      prefix('/p1', '<c>'),
      ...either({ headers: [{ name: 'x-last', present_match: true }] }),
    ],
    rows: [
      ['/p0/', 'a', 'the first of many'],
      ['/p199/x', 'b', 'the last of many'],
      ['/p17/x', 'b', 'one in between'],
      ['/p1x', 'c', 'behind the many'],
      ['/p1000/', 'c', 'a prefix of a prefix'],
      ['/q', 'b', 'none of them'],
      ['/q', 'a', 'none of them, and a condition', { headers: { 'x-last': '' } }],
    ],
  },
];

const connect: readonly RouteCases[] = [
  {
    name: 'connect-matcher',
    routes: [to({ connect_matcher: {} }, '<a>'), prefix('/', '<b>')],
    rows: [
      ['CONNECT up.test:443', 'a', 'a CONNECT', { notOnEnvoy: 'CONNECT needs an upgrade_config' }],
      ['GET /', 'b', 'anything else is not for it'],
      ['OPTIONS /', 'b', 'nor this'],
    ],
  },
  {
    name: 'connect-without-matcher',
    routes: [prefix('', '<a>'), to({ safe_regex: { regex: '.*' } }, '<b>')],
    rows: [
      ['CONNECT up.test:443', '404', 'no other condition takes a CONNECT', { notOnEnvoy: 'needs an upgrade_config' }],
    ],
  },
];

export const paths: readonly RouteCases[] = [...texts, ...patterns, ...templates, ...order, ...connect];
