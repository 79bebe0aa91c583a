/** What becomes of path and host on the way upstream. */
import { prefix, type Scenario, type Yaml } from '../scenario.ts';

const regex = (pattern: string, substitution: string): Yaml => ({ pattern: { regex: pattern }, substitution });
const template = (kind: 'match' | 'rewrite', text: string): Yaml => ({
  name: `envoy.path.${kind}.uri_template.uri_template_${kind === 'match' ? 'matcher' : 'rewriter'}`,
  typed_config:
    kind === 'match'
      ? {
          '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
          path_template: text,
        }
      : {
          '@type': 'type.googleapis.com/envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig',
          path_template_rewrite: text,
        },
});
const rewrite = (match: Yaml, action: Yaml): readonly Yaml[] => [{ match, route: { cluster: '<a>', ...action } }];

const paths: readonly Scenario[] = [
  {
    name: 'rewrite-prefix',
    why: 'the matched prefix is replaced, the query stays, the old path is told',
    routes: rewrite({ prefix: '/api' }, { prefix_rewrite: '/v2' }),
    requests: ['/api/x?q=/api', '/api', '/apix'],
    expect: [
      { path: '/v2/x?q=/api', sees: { 'x-envoy-original-path': '/api/x?q=/api' } },
      { path: '/v2' },
      { path: '/v2x' },
    ],
  },
  {
    name: 'rewrite-prefix-slashes',
    why: 'slashes at the ends of prefix and rewrite are text',
    routes: [
      { match: { prefix: '/a/' }, route: { cluster: '<a>', prefix_rewrite: '/' } },
      { match: { prefix: '/b' }, route: { cluster: '<a>', prefix_rewrite: '/' } },
      { match: { prefix: '/c/' }, route: { cluster: '<a>', prefix_rewrite: '/x' } },
    ],
    requests: ['/a/y', '/a/', '/b/y', '/b', '/c/y', '/b?q'],
    expect: [{ path: '/y' }, { path: '/' }, { path: '//y' }, { path: '/' }, { path: '/xy' }, { path: '/?q' }],
  },
  {
    name: 'rewrite-prefix-of-path',
    why: 'behind an exact path the whole path is replaced',
    routes: rewrite({ path: '/api' }, { prefix_rewrite: '/v2/x' }),
    requests: ['/api?q=1', '/api'],
    expect: [{ path: '/v2/x?q=1' }, { path: '/v2/x' }],
  },
  {
    name: 'rewrite-prefix-of-regex',
    why: 'behind a regular expression the whole path is replaced',
    routes: rewrite({ safe_regex: { regex: '/a.*' } }, { prefix_rewrite: '/b' }),
    requests: ['/abc/d?q=1'],
    expect: [{ path: '/b?q=1' }],
  },
  {
    name: 'rewrite-prefix-separated',
    why: 'the matched part is the configured prefix',
    routes: rewrite({ path_separated_prefix: '/api' }, { prefix_rewrite: '/v2' }),
    requests: ['/api/x', '/api', '/api?q'],
    expect: [{ path: '/v2/x' }, { path: '/v2' }, { path: '/v2?q' }],
  },
  {
    name: 'rewrite-prefix-any-case',
    why: 'the length of the prefix counts, not its spelling',
    routes: rewrite({ prefix: '/Api', case_sensitive: false }, { prefix_rewrite: '/v2' }),
    requests: ['/aPI/x'],
    expect: [{ path: '/v2/x' }],
  },
  {
    name: 'rewrite-regex',
    why: 'groups are numbered, the query is not looked at',
    routes: rewrite({ prefix: '/' }, { regex_rewrite: regex('^/service/([^/]+)(/.*)$', '\\2/instance/\\1') }),
    requests: ['/service/foo/v1/api', '/service/foo/v1?x=/service/b/c', '/other'],
    expect: [{ path: '/v1/api/instance/foo' }, { path: '/v1/instance/foo?x=/service/b/c' }, { path: '/other' }],
  },
  {
    name: 'rewrite-regex-all',
    why: 'every occurrence is replaced',
    routes: rewrite({ prefix: '/' }, { regex_rewrite: regex('one', 'two') }),
    requests: ['/xx/one/yy/one/zz', '/none'],
    expect: [{ path: '/xx/two/yy/two/zz' }, { path: '/ntwo' }],
  },
  {
    name: 'rewrite-regex-first-group',
    why: 'greedy groups, \\0 and an escaped backslash',
    routes: [
      ...rewrite({ prefix: '/xx' }, { regex_rewrite: regex('^(.*?)one(.*)$', '\\1two\\2') }),
      ...rewrite({ prefix: '/zero' }, { regex_rewrite: regex('[0-9]+', '<\\0>') }),
      ...rewrite({ prefix: '/any' }, { regex_rewrite: regex('(?i)/aaa/', '/bbb/') }),
    ],
    requests: ['/xx/one/yy/one/zz', '/zero/12/3', '/any/AaA/AAA/x'],
  },
  {
    name: 'rewrite-regex-empty-match',
    why: 'a pattern that also matches nothing',
    routes: rewrite({ prefix: '/' }, { regex_rewrite: regex('x*', '-') }),
    requests: ['/axb'],
  },
  {
    name: 'rewrite-regex-drops-slash',
    why: 'what the substitution leaves is sent as it is',
    routes: rewrite({ prefix: '/' }, { regex_rewrite: regex('^/', '') }),
    requests: ['/abc', '/'],
  },
  {
    name: 'rewrite-template',
    why: 'variables of the matched template',
    routes: rewrite(
      { path_match_policy: template('match', '/api/{version}/users/{id=*}/{rest=**}') },
      { path_rewrite_policy: template('rewrite', '/u/{id}/{version}/{rest}') },
    ),
    requests: ['/api/v1/users/7/a/b?q=1', '/api/v1/users/7/a'],
    expect: [{ path: '/u/7/v1/a/b?q=1' }, { path: '/u/7/v1/a' }],
  },
  {
    name: 'rewrite-path-format',
    why: 'path_rewrite takes a format for the whole path',
    routes: rewrite({ prefix: '/' }, { path_rewrite: '/x%REQ(x-part)%' }),
    requests: [{ path: '/a?q=1', headers: { 'x-part': '/p' } }, '/a'],
  },
  {
    name: 'rewrite-suppressed',
    why: 'suppress_envoy_headers leaves out x-envoy-original-path',
    router: { suppress_envoy_headers: true },
    routes: rewrite({ prefix: '/a' }, { prefix_rewrite: '/b', host_rewrite_literal: 'up.test' }),
    requests: ['/a/x'],
    expect: [
      {
        path: '/b/x',
        sees: { 'x-envoy-original-path': null, 'x-envoy-original-host': null, 'x-envoy-expected-rq-timeout-ms': null },
        headers: { 'x-envoy-upstream-service-time': null },
      },
    ],
  },
  {
    name: 'rewrite-client-original-path',
    why: 'x-envoy-original-path of the client is replaced',
    routes: rewrite({ prefix: '/a' }, { prefix_rewrite: '/b' }),
    requests: [{ path: '/a', headers: { 'x-envoy-original-path': '/forged', 'x-envoy-original-host': 'forged' } }],
  },
];

const hosts: readonly Scenario[] = [
  {
    name: 'host-literal',
    why: 'the port of the old host does not survive',
    routes: [prefix('/', '<a>', { host_rewrite_literal: 'up.test' })],
    requests: ['GET http://h.test:8080/'],
    expect: [{ host: 'up.test', sees: { 'x-envoy-original-host': 'h.test:8080', 'x-forwarded-host': null } }],
  },
  {
    name: 'host-literal-appended',
    why: 'append_x_forwarded_host tells the old host',
    routes: [prefix('/', '<a>', { host_rewrite_literal: 'up.test', append_x_forwarded_host: true })],
    requests: ['GET http://h.test:8080/', { headers: { 'x-forwarded-host': 'first.test' } }, 'GET http://up.test/'],
    expect: [{ sees: { 'x-forwarded-host': 'h.test:8080' } }, { sees: { 'x-forwarded-host': 'first.test,h.test' } }],
  },
  {
    name: 'host-appended-without-rewrite',
    why: 'nothing is told when nothing is rewritten',
    routes: [prefix('/', '<a>', { append_x_forwarded_host: true })],
    requests: ['/'],
  },
  {
    name: 'host-from-header',
    why: 'host_rewrite_header; without the field the host stays',
    routes: [prefix('/', '<a>', { host_rewrite_header: 'x-host' })],
    requests: [
      { headers: { 'x-host': 'up.test:81' } },
      '/',
      { headers: { 'x-host': '' } },
      { headers: { 'x-host': ['p', 'q'] } },
    ],
  },
  {
    name: 'host-from-path',
    why: 'host_rewrite_path_regex looks at the path without its query, before it is rewritten',
    routes: [
      prefix('/', '<a>', { host_rewrite_path_regex: regex('^/(.+)/.+$', '\\1.up.test'), prefix_rewrite: '/x/' }),
    ],
    requests: ['/shop/cart?x=/y/z', '/nothing'],
  },
  {
    name: 'host-auto',
    why: 'auto_host_rewrite takes the host name of the endpoint',
    routes: [prefix('/', '<a>', { auto_host_rewrite: true })],
    clusters: {
      a: {
        type: 'STRICT_DNS',
        dns_lookup_family: 'V4_ONLY',
        load_assignment: {
          cluster_name: '<a>',
          endpoints: [
            {
              lb_endpoints: [
                { endpoint: { address: { socket_address: { address: 'localhost', port_value: '<port>' } } } },
              ],
            },
          ],
        },
      },
    },
    requests: ['GET http://h.test:8080/'],
    expect: [{ host: 'localhost' }],
  },
  {
    name: 'host-auto-appended',
    why: 'auto_host_rewrite with append_x_forwarded_host',
    routes: [prefix('/', '<a>', { auto_host_rewrite: true, append_x_forwarded_host: true })],
    clusters: {
      a: {
        type: 'STRICT_DNS',
        dns_lookup_family: 'V4_ONLY',
        load_assignment: {
          cluster_name: '<a>',
          endpoints: [
            {
              lb_endpoints: [
                {
                  endpoint: {
                    hostname: 'named.test',
                    address: { socket_address: { address: 'localhost', port_value: '<port>' } },
                  },
                },
              ],
            },
          ],
        },
      },
    },
    requests: ['/', { headers: { 'x-forwarded-host': 'first.test' } }],
  },
  {
    name: 'host-auto-static',
    why: 'an endpoint that is an address has no name to take',
    routes: [prefix('/', '<a>', { auto_host_rewrite: true })],
    requests: ['/'],
  },
  {
    name: 'host-format',
    why: 'host_rewrite takes a format',
    routes: [prefix('/', '<a>', { host_rewrite: '%REQ(x-tenant)%.up.test' })],
    requests: [{ headers: { 'x-tenant': 't1' } }, '/'],
  },
];

export const rewriting: readonly Scenario[] = [...paths, ...hosts];
