/** Which virtual host and which path take a request. */
import { prefix, type Scenario, TO_A, type Yaml } from '../scenario.ts';

const host = (name: string, domains: readonly string[], routes: readonly Yaml[]): Yaml => ({ name, domains, routes });

const only = (match: Yaml): readonly Yaml[] => [{ match, route: { cluster: '<a>' } }, prefix('/', '<b>')];

const at = (path: string, headers: Readonly<Record<string, string | readonly string[]>>) => ({ path, headers });

const hosts: readonly Scenario[] = [
  {
    name: 'vhost-exact-over-wildcards',
    why: 'an exact domain beats suffix wildcards, those beat prefix wildcards, those beat *',
    virtualHosts: [
      host('any', ['*'], [prefix('/', '<a>')]),
      host('prefix', ['www.*'], [prefix('/', '<b>')]),
      host('suffix', ['*.test'], [prefix('/', '<c>')]),
      host('exact', ['www.shop.test'], [prefix('/', '<d>')]),
    ],
    requests: ['GET http://www.shop.test/', 'GET http://www.other.test/', 'GET http://www.org/', 'GET http://x.org/'],
    expect: [{ clusters: ['d'] }, { clusters: ['c'] }, { clusters: ['b'] }, { clusters: ['a'] }],
  },
  {
    name: 'vhost-longest-wildcard',
    why: 'among wildcards of one kind the longest wins, whatever their order',
    virtualHosts: [
      host('short', ['*.test', 'api.*'], [prefix('/', '<a>')]),
      host('long', ['*.shop.test', 'api.v1.*'], [prefix('/', '<b>')]),
      host('dash', ['*-x.shop.test'], [prefix('/', '<c>')]),
    ],
    requests: ['a.test', 'a.shop.test', 'a-x.shop.test', 'api.org', 'api.v1.org'].map((h) => `GET http://${h}/`),
    expect: [{ clusters: ['a'] }, { clusters: ['b'] }, { clusters: ['c'] }, { clusters: ['a'] }, { clusters: ['b'] }],
  },
  {
    name: 'vhost-wildcard-needs-a-character',
    why: 'a wildcard stands for at least one character',
    virtualHosts: [host('suffix', ['*.shop.test'], [prefix('/', '<a>')]), host('any', ['*'], [prefix('/', '<b>')])],
    requests: ['GET http://.shop.test/', 'GET http://shop.test/', 'GET http://x.shop.test/'],
  },
  {
    name: 'vhost-case-and-port',
    why: 'hosts are compared in lower case, and with their port',
    virtualHosts: [
      host('plain', ['Shop.Test'], [prefix('/', '<a>')]),
      host('port', ['shop.test:8080'], [prefix('/', '<b>')]),
    ],
    requests: ['GET http://SHOP.tesT/', 'GET http://shop.test:8080/', 'GET http://shop.test:80/'],
    expect: [{ clusters: ['a'] }, { clusters: ['b'] }, { status: 404 }],
  },
  {
    name: 'vhost-wildcard-with-port',
    why: 'the port belongs to the text that a wildcard is compared with',
    virtualHosts: [
      host('suffix', ['*.shop.test'], [prefix('/', '<a>')]),
      host('suffix-port', ['*.shop.test:81'], [prefix('/', '<b>')]),
      host('prefix', ['shop.*'], [prefix('/', '<c>')]),
    ],
    requests: ['x.shop.test', 'x.shop.test:81', 'x.shop.test:82', 'shop.x:82'].map((h) => `GET http://${h}/`),
  },
  {
    name: 'vhost-ignore-port',
    why: 'ignore_port_in_host_matching compares without the port and leaves the host as it is',
    virtualHosts: [host('plain', ['shop.test'], [prefix('/', '<a>')])],
    table: { ignore_port_in_host_matching: true },
    requests: ['GET http://shop.test:8080/', 'GET http://shop.test/'],
    expect: [{ clusters: ['a'], host: 'shop.test:8080' }, { clusters: ['a'] }],
  },
  {
    name: 'vhost-no-fallback',
    why: 'a virtual host whose routes do not match never hands over to another',
    virtualHosts: [host('shop', ['shop.test'], [prefix('/a', '<a>')]), host('any', ['*'], [prefix('/', '<b>')])],
    requests: ['GET http://shop.test/b'],
    expect: [{ status: 404, clusters: [], body: '' }],
  },
  {
    name: 'vhost-none',
    why: 'without a virtual host for the name the answer is 404 and empty',
    virtualHosts: [host('shop', ['shop.test'], [TO_A])],
    requests: ['GET http://other.test/'],
    expect: [{ status: 404, body: '', headers: { 'content-type': null } }],
    counters: ['http.no_route', 'http.downstream_rq_4xx'],
  },
  {
    name: 'vhost-require-tls-all',
    why: 'require_tls answers 301 to https before routes are looked at',
    virtualHost: { require_tls: 'ALL' },
    routes: [TO_A],
    requests: [
      'GET http://shop.test:8080/x?q=1',
      { headers: { 'x-forwarded-proto': 'https' } },
      'POST http://shop.test/x',
    ],
    expect: [
      { status: 301, headers: { location: 'https://shop.test:8080/x?q=1' } },
      { clusters: ['a'] },
      { status: 301 },
    ],
  },
  {
    name: 'vhost-require-tls-external',
    why: 'EXTERNAL_ONLY spares internal requests',
    virtualHost: { require_tls: 'EXTERNAL_ONLY' },
    routes: [TO_A],
    manager: { internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] } },
    requests: ['/x', at('/x', { 'x-forwarded-for': '10.0.0.1' })],
    expect: [{ status: 301 }, { clusters: ['a'] }],
  },
];

const paths: readonly Scenario[] = [
  {
    name: 'match-first-in-order',
    why: 'the first route in list order wins, not the longest',
    routes: [prefix('/', '<a>'), prefix('/api', '<b>')],
    requests: ['/api/x'],
    expect: [{ clusters: ['a'], path: '/api/x' }],
  },
  {
    name: 'match-prefix',
    why: 'a prefix is text, not path segments',
    routes: only({ prefix: '/api' }),
    requests: ['/api', '/api/', '/apiary', '/API', '/ap', '/api?x=/', '//api', '/%61pi'],
  },
  {
    name: 'match-prefix-any-case',
    why: 'case_sensitive false',
    routes: only({ prefix: '/Api', case_sensitive: false }),
    requests: ['/api', '/API/x', '/aPi', '/ap'],
  },
  {
    name: 'match-path',
    why: 'an exact path knows no query, and a slash at the end counts',
    routes: only({ path: '/api/v1' }),
    requests: ['/api/v1', '/api/v1?x=1', '/api/v1/', '/api/V1', '/api/v1?', '/api/v1x', '/api//v1', '/api/%761'],
  },
  {
    name: 'match-path-any-case',
    why: 'case_sensitive false',
    routes: only({ path: '/Api/V1', case_sensitive: false }),
    requests: ['/api/v1', '/API/V1?Q', '/api/v1/'],
  },
  {
    name: 'match-separated-prefix',
    why: 'path_separated_prefix ends at a segment',
    routes: only({ path_separated_prefix: '/api/v1' }),
    requests: ['/api/v1', '/api/v1/', '/api/v1/x', '/api/v1x', '/api/v1?x', '/api'],
  },
  {
    name: 'match-separated-prefix-any-case',
    why: 'case_sensitive false',
    routes: only({ path_separated_prefix: '/Api', case_sensitive: false }),
    requests: ['/api/x', '/APIX'],
  },
  {
    name: 'match-regex',
    why: 'a regular expression takes the whole path, without its query',
    routes: only({ safe_regex: { regex: '/v[0-9]+/.*' } }),
    requests: ['/v1/x', '/v12/', '/v/x', '/a/v1/x', '/v1/x?y=/z', '/v1', '/V1/x'],
  },
  {
    name: 'match-regex-alternatives',
    why: 'alternatives are anchored as a whole',
    routes: only({ safe_regex: { regex: '/a|/b' } }),
    requests: ['/a', '/b', '/ab', '/a/b'],
  },
  {
    name: 'match-regex-case-flag',
    why: 'RE2 flags',
    routes: only({ safe_regex: { regex: '(?i)/api/.*' } }),
    requests: ['/API/x', '/api/', '/ap'],
  },
  {
    name: 'match-template',
    why: 'a URI template takes whole segments',
    routes: only({
      path_match_policy: {
        name: 'envoy.path.match.uri_template.uri_template_matcher',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
          path_template: '/api/{version}/users/{id=*}/**',
        },
      },
    }),
    requests: [
      '/api/v1/users/7/x',
      '/api/v1/users/7/x/y',
      '/api/v1/users/7',
      '/api/v1/users/7/',
      '/api//users/7/x',
      '/api/v1/users/7/x?q',
    ],
  },
  {
    name: 'match-template-suffix',
    why: 'text behind a wildcard has to be there',
    routes: only({
      path_match_policy: {
        name: 'envoy.path.match.uri_template.uri_template_matcher',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
          path_template: '/media/**.m3u8',
        },
      },
    }),
    requests: ['/media/a/b.m3u8', '/media/b.m3u8', '/media/b.m3u', '/media/.m3u8'],
  },
  {
    name: 'match-path-parameters',
    why: 'ignore_path_parameters_in_path_matching leaves out what follows a semicolon, up to the next slash',
    routes: only({ path: '/api/x' }),
    table: { ignore_path_parameters_in_path_matching: true },
    requests: ['/api/x;v=1', '/api;v=1/x', '/api/x;v=1?q', '/api/x;v=1/y'],
  },
  {
    name: 'match-asterisk',
    why: 'OPTIONS * has a path that is no slash',
    routes: [prefix('/', '<a>'), prefix('', '<b>')],
    requests: ['OPTIONS *'],
  },
  {
    name: 'match-empty-prefix',
    why: 'the empty prefix takes everything',
    routes: [prefix('', '<a>')],
    requests: ['/', '/x'],
  },
  {
    name: 'match-connect',
    why: 'a CONNECT is taken by a connect_matcher only, and then passed on',
    routes: [prefix('/', '<a>')],
    requests: ['CONNECT up.test:443'],
    expect: [{ status: 404 }],
  },
];

export const matching: readonly Scenario[] = [...hosts, ...paths];
