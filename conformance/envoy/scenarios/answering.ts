/** Routes that answer by themselves: redirects and direct responses. */
import { add, prefix, type Scenario, type Yaml } from '../scenario.ts';

const redirect = (fields: Yaml, match: Yaml = { prefix: '/' }): readonly Yaml[] => [{ match, redirect: fields }];
const direct = (fields: Yaml, rest: Yaml = {}): readonly Yaml[] => [
  { match: { prefix: '/' }, direct_response: fields, ...rest },
];
const secure = { headers: { 'x-forwarded-proto': 'https' } };

const codes = ['MOVED_PERMANENTLY', 'FOUND', 'SEE_OTHER', 'TEMPORARY_REDIRECT', 'PERMANENT_REDIRECT'].map(
  (response_code): Scenario => ({
    name: `redirect-code-${response_code.toLowerCase().replace('_', '-')}`,
    why: 'each response code',
    routes: redirect({ host_redirect: 'x.test', response_code }),
    requests: ['/a', 'HEAD /a', { method: 'POST', path: '/a', body: 'some' }],
  }),
);

const redirects: readonly Scenario[] = [
  ...codes,
  {
    name: 'redirect-https',
    why: 'https_redirect drops the default port of http and keeps others',
    routes: redirect({ https_redirect: true }),
    requests: ['GET http://h.test/a?q=1', 'GET http://h.test:80/a', 'GET http://h.test:8080/a', 'GET http://[::1]:80/'],
    expect: [
      { status: 301, headers: { location: 'https://h.test/a?q=1' } },
      { headers: { location: 'https://h.test/a' } },
      { headers: { location: 'https://h.test:8080/a' } },
    ],
  },
  {
    name: 'redirect-scheme',
    why: 'scheme_redirect to http drops :443 of an https request',
    routes: redirect({ scheme_redirect: 'http' }),
    requests: [{ host: 'h.test:443', ...secure }, { host: 'h.test:80', ...secure }, { host: 'h.test:443' }],
  },
  {
    name: 'redirect-keeps-scheme',
    why: 'without a scheme it is that of the request, also as x-forwarded-proto tells it',
    routes: redirect({ path_redirect: '/x' }),
    requests: ['/', { host: 'h.test', ...secure }, { host: 'h.test:443', ...secure }],
    expect: [{ headers: { location: 'http://h.test/x' } }, { headers: { location: 'https://h.test/x' } }],
  },
  {
    name: 'redirect-host',
    why: 'host_redirect replaces the host and drops its port',
    routes: redirect({ host_redirect: 'new.test' }),
    requests: ['GET http://h.test:8080/a?q', 'GET http://h.test/'],
    expect: [{ headers: { location: 'http://new.test/a?q' } }],
  },
  {
    name: 'redirect-port',
    why: 'port_redirect replaces or adds the port',
    routes: redirect({ port_redirect: 8443 }),
    requests: ['GET http://h.test:8080/a', 'GET http://h.test/', 'GET http://[::1]:81/', 'GET http://[::1]/'],
    expect: [{ headers: { location: 'http://h.test:8443/a' } }, { headers: { location: 'http://h.test:8443/' } }],
  },
  {
    name: 'redirect-host-and-port',
    why: 'both together, with https',
    routes: redirect({ https_redirect: true, host_redirect: 'new.test', port_redirect: 444 }),
    requests: ['GET http://h.test:80/a'],
    expect: [{ headers: { location: 'https://new.test:444/a' } }],
  },
  {
    name: 'redirect-port-default',
    why: 'the default port of the scheme, asked for',
    routes: redirect({ https_redirect: true, port_redirect: 443 }),
    requests: ['GET http://h.test:80/a', 'GET http://h.test/a'],
  },
  {
    name: 'redirect-path',
    why: 'path_redirect keeps the query, unless it brings its own',
    routes: [
      { match: { prefix: '/own' }, redirect: { path_redirect: '/x?y=1' } },
      { match: { prefix: '/strip' }, redirect: { path_redirect: '/x', strip_query: true } },
      { match: { prefix: '/both' }, redirect: { path_redirect: '/x?y=1', strip_query: true } },
      { match: { prefix: '/' }, redirect: { path_redirect: '/x' } },
    ],
    requests: ['/a?q=1', '/own?q=1', '/strip?q=1', '/both?q=1', '/a'],
    expect: ['/x?q=1', '/x?y=1', '/x', '/x?y=1', '/x'].map((path) => ({
      headers: { location: `http://h.test${path}` },
    })),
  },
  {
    name: 'redirect-prefix',
    why: 'prefix_rewrite replaces the matched part',
    routes: [
      ...redirect({ prefix_rewrite: '/new' }, { prefix: '/old' }),
      ...redirect({ prefix_rewrite: '/exact' }, { path: '/path' }),
      ...redirect({ prefix_rewrite: '/sep' }, { path_separated_prefix: '/segment' }),
      ...redirect({ prefix_rewrite: '/re' }, { safe_regex: { regex: '/r.*' } }),
      ...redirect({ prefix_rewrite: '/' }, { prefix: '/slash/' }),
    ],
    requests: ['/old/a?q=1', '/path?q', '/segment/a', '/rab/c?q', '/slash/x'],
  },
  {
    name: 'redirect-regex',
    why: 'regex_rewrite on the path; the query stays',
    routes: redirect({ regex_rewrite: { pattern: { regex: '^/a/([^/]+)$' }, substitution: '/\\1/b' } }),
    requests: ['/a/x?q=/a/y', '/other'],
  },
  {
    name: 'redirect-strip-query',
    why: 'strip_query with nothing else changed',
    routes: redirect({ strip_query: true, host_redirect: 'x.test' }),
    requests: ['/a?q=1', '/a', '/?'],
  },
  {
    name: 'redirect-prefix-strip',
    why: 'prefix_rewrite and strip_query',
    routes: redirect({ prefix_rewrite: '/b', strip_query: true }, { prefix: '/a' }),
    requests: ['/a/c?q=1'],
  },
  {
    name: 'redirect-nothing',
    why: 'a redirect without any field leads to itself',
    routes: redirect({}),
    requests: ['/a?q=1'],
  },
  {
    name: 'redirect-fields',
    why: 'response mutations of all levels apply to a redirect; a location of their own wins',
    routes: [
      {
        match: { prefix: '/own' },
        redirect: { host_redirect: 'x.test' },
        response_headers_to_add: [add('location', 'https://own.test/', 'OVERWRITE_IF_EXISTS_OR_ADD')],
      },
      { match: { prefix: '/' }, redirect: { host_redirect: 'x.test' }, response_headers_to_add: [add('x-r', 'route')] },
    ],
    virtualHost: { response_headers_to_add: [add('x-v', 'host')] },
    table: { response_headers_to_add: [add('x-t', 'table')] },
    requests: ['/', '/own'],
  },
  {
    name: 'redirect-path-format',
    why: 'path_rewrite takes a format',
    routes: redirect({ path_rewrite: '/u/%REQ(x-user)%' }),
    requests: [{ path: '/a?q=1', headers: { 'x-user': 'u1' } }],
  },
];

const directs: readonly Scenario[] = [
  {
    name: 'direct-body',
    why: 'status and text; a HEAD gets the head of it',
    routes: direct({ status: 200, body: { inline_string: 'hello' } }),
    requests: ['/', 'HEAD /', { method: 'POST', body: 'ignored' }],
    expect: [{ status: 200, body: 'hello', headers: { 'content-type': 'text/plain', 'content-length': '5' } }],
    counters: ['http.downstream_rq_2xx', 'http.rq_direct_response'],
  },
  {
    name: 'direct-empty',
    why: 'no body, no content type',
    routes: direct({ status: 404 }),
    requests: ['/'],
    expect: [{ status: 404, body: '', headers: { 'content-type': null, 'content-length': '0' } }],
  },
  {
    name: 'direct-no-content',
    why: '204 and 304 have no length',
    routes: [
      { match: { prefix: '/204' }, direct_response: { status: 204 } },
      { match: { prefix: '/304' }, direct_response: { status: 304 } },
      { match: { prefix: '/body' }, direct_response: { status: 204, body: { inline_string: 'dropped?' } } },
    ],
    requests: ['/204', '/304'],
  },
  {
    name: 'direct-created',
    why: 'a 201 tells its location',
    routes: direct({ status: 201, body: { inline_string: 'made' } }),
    requests: ['/made?q=1'],
  },
  {
    name: 'direct-moved',
    why: 'a direct response with a redirect code',
    routes: direct({ status: 302 }, { response_headers_to_add: [add('location', '/elsewhere')] }),
    requests: ['/'],
  },
  {
    name: 'direct-content-type',
    why: 'response_headers_to_add may set the content type',
    routes: [
      ...direct(
        { status: 200, body: { inline_string: '{}' } },
        {
          response_headers_to_add: [
            add('content-type', 'application/json', 'OVERWRITE_IF_EXISTS_OR_ADD'),
            add('x-a', '1'),
          ],
        },
      ),
    ],
    requests: ['/'],
    expect: [{ headers: { 'content-type': 'application/json', 'x-a': '1' } }],
  },
  {
    name: 'direct-content-type-appended',
    why: 'appending to a content type that is set for the body',
    routes: direct(
      { status: 200, body: { inline_string: 'x' } },
      { response_headers_to_add: [add('content-type', 'text/x')] },
    ),
    requests: ['/'],
  },
  {
    name: 'direct-bytes',
    why: 'inline_bytes',
    routes: direct({ status: 200, body: { inline_bytes: Buffer.from('bytes').toString('base64') } }),
    requests: ['/'],
    expect: [{ body: 'bytes' }],
  },
  {
    name: 'direct-format',
    why: 'body_format with commands, and as JSON',
    routes: [
      {
        match: { prefix: '/json' },
        direct_response: {
          status: 418,
          body_format: { json_format: { path: '%REQ(:path)%', code: '%RESPONSE_CODE%' } },
        },
      },
      {
        match: { prefix: '/' },
        direct_response: {
          status: 200,
          body_format: {
            text_format_source: { inline_string: 'path %REQ(:path)% %PROTOCOL%\n' },
            content_type: 'text/x',
          },
        },
      },
    ],
    requests: ['/a?q', '/json'],
  },
  {
    name: 'direct-incomplete-request',
    why: 'an answer before the request is complete ends the connection',
    routes: direct({ status: 403, body: { inline_string: 'no' } }),
    requests: [{ raw: 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n12', untilClosed: true }],
  },
  {
    name: 'direct-keeps-connection',
    why: 'answers on one connection',
    routes: direct({ status: 200, body: { inline_string: 'x' } }),
    requests: ['/1', { path: '/2', sameConnection: true }, { method: 'POST', body: 'abc', sameConnection: true }],
  },
  {
    name: 'direct-request-fields',
    why: 'a response field may speak of the request',
    routes: direct(
      { status: 200 },
      { response_headers_to_add: [add('x-path', '%REQ(:path)%'), add('x-code', '%RESPONSE_CODE%')] },
    ),
    requests: ['/p?q'],
  },
  {
    name: 'direct-and-forward',
    why: 'health checks answered in front of a service',
    routes: [
      { match: { path: '/healthz' }, direct_response: { status: 200, body: { inline_string: 'ok' } } },
      prefix('/', '<a>'),
    ],
    requests: ['/healthz', '/healthz/', '/x'],
  },
];

export const answering: readonly Scenario[] = [...redirects, ...directs];
