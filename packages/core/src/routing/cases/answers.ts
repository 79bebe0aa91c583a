/** Routes that answer by themselves: redirects and direct responses. */
import { prefix, type RouteCases, type Row, type Yaml } from './case.ts';

const at = (name: string, value: string) => ({ headers: { [name]: value } });

const regex = (pattern: string, substitution: string): Yaml => ({ pattern: { regex: pattern }, substitution });

const redirect = (name: string, fields: Yaml, rows: readonly Row[], match: Yaml = { prefix: '/' }): RouteCases => ({
  name: `redirect-${name}`,
  routes: [{ match, redirect: fields }],
  rows,
});

const secure = at('x-forwarded-proto', 'https');

const redirects: readonly RouteCases[] = [
  redirect('https', { https_redirect: true }, [
    ['http://h.test/a?q=1', '301 https://h.test/a?q=1', 'scheme alone'],
    ['http://h.test:80/a', '301 https://h.test/a', 'the default port of http goes'],
    ['http://h.test:8080/a', '301 https://h.test:8080/a', 'another port stays'],
    ['http://h.test:443/a', '301 https://h.test:443/a', 'a port that would be the new default stays'],
    ['http://[::1]:80/', '301 https://[::1]/', 'IPv6 with the default port'],
    ['http://[::1]/', '301 https://[::1]/', 'IPv6 without a port'],
    ['http://h.test/', '301 https://h.test/', 'a request over TLS too', secure],
  ]),
  redirect('scheme', { scheme_redirect: 'http' }, [
    ['http://h.test:443/', '301 http://h.test/', 'the default port of https goes', secure],
    ['http://h.test:80/', '301 http://h.test:80/', 'the other stays', secure],
    ['http://h.test:443/', '301 http://h.test:443/', 'the scheme does not change'],
  ]),
  redirect('host', { host_redirect: 'new.test' }, [
    ['http://h.test/a?q=1', '301 http://new.test/a?q=1', 'the host alone'],
    ['http://h.test:8080/a', '301 http://new.test/a', 'the old port goes with it'],
    ['http://h.test/a', '301 https://new.test/a', 'the scheme of the request stays', secure],
  ]),
  redirect('port', { port_redirect: 8443 }, [
    ['http://h.test/a', '301 http://h.test:8443/a', 'added'],
    ['http://h.test:80/a', '301 http://h.test:8443/a', 'replaced'],
    ['http://[::1]/', '301 http://[::1]:8443/', 'IPv6, added'],
    ['http://[::1]:81/', '301 http://[::1]:8443/', 'IPv6, replaced'],
  ]),
  redirect('everything', { https_redirect: true, host_redirect: 'new.test', port_redirect: 444, path_redirect: '/p' }, [
    ['http://h.test:80/a?q', '301 https://new.test:444/p?q', 'all parts together'],
  ]),
  redirect('port-default', { https_redirect: true, port_redirect: 443 }, [
    ['http://h.test:80/a', '301 https://h.test:443/a', 'a port that is asked for is written'],
  ]),
  redirect('path', { path_redirect: '/new' }, [
    ['/a?q=1', '301 http://h.test/new?q=1', 'the query stays'],
    ['/a', '301 http://h.test/new', 'there is none'],
  ]),
  redirect('path-own-query', { path_redirect: '/new?y=2' }, [
    ['/a?q=1', '301 http://h.test/new?y=2', 'its own query replaces that of the request'],
  ]),
  redirect('path-strip', { path_redirect: '/new', strip_query: true }, [
    ['/a?q=1', '301 http://h.test/new', 'the query is taken off'],
  ]),
  redirect('path-own-query-strip', { path_redirect: '/new?y=2', strip_query: true }, [
    ['/a?q=1', '301 http://h.test/new?y=2', 'its own query is not taken off'],
  ]),
  redirect(
    'prefix',
    { prefix_rewrite: '/new' },
    [
      ['/old/a?q=1', '301 http://h.test/new/a?q=1', 'the matched part'],
      ['/old', '301 http://h.test/new', 'alone'],
      ['/older', '301 http://h.test/newer', 'text, not segments'],
    ],
    { prefix: '/old' },
  ),
  redirect(
    'prefix-of-path',
    { prefix_rewrite: '/new' },
    [['/old?q', '301 http://h.test/new?q', 'all of an exact path']],
    { path: '/old' },
  ),
  redirect(
    'prefix-of-regex',
    { prefix_rewrite: '/new' },
    [['/old/x?q', '301 http://h.test/new?q', 'all of what a regular expression took']],
    { safe_regex: { regex: '/old/.*' } },
  ),
  redirect(
    'prefix-separated',
    { prefix_rewrite: '/new' },
    [['/old/x', '301 http://h.test/new/x', 'a separated prefix']],
    { path_separated_prefix: '/old' },
  ),
  redirect(
    'prefix-slash',
    { prefix_rewrite: '/' },
    [['/old/x', '301 http://h.test/x', 'a slash for a prefix with a slash']],
    { prefix: '/old/' },
  ),
  redirect('regex', { regex_rewrite: regex('^/u/([^/]+)$', '/users/\\1') }, [
    ['/u/7?q=1', '301 http://h.test/users/7?q=1', 'groups; the query stays'],
    ['/x', '301 http://h.test/x', 'no match, no change'],
  ]),
  redirect('strip', { strip_query: true, host_redirect: 'x.test' }, [
    ['/a?q=1', '301 http://x.test/a', 'the query is taken off'],
    ['/a', '301 http://x.test/a', 'there is none'],
  ]),
  redirect('nothing', {}, [['/a?q=1', '301 http://h.test/a?q=1', 'a redirect without fields leads to itself']]),
  ...(
    [
      ['MOVED_PERMANENTLY', 301],
      ['FOUND', 302],
      ['SEE_OTHER', 303],
      ['TEMPORARY_REDIRECT', 307],
      ['PERMANENT_REDIRECT', 308],
    ] as const
  ).map(([response_code, status]) =>
    redirect(`code-${status}`, { host_redirect: 'x.test', response_code }, [
      ['/a', `${status} http://x.test/a`, `the code ${response_code}`],
      ['POST /a', `${status} http://x.test/a`, 'whatever the method'],
    ]),
  ),
];

const directs: readonly RouteCases[] = [
  {
    name: 'direct-response',
    routes: [
      { match: { path: '/text' }, direct_response: { status: 200, body: { inline_string: 'hello there' } } },
      { match: { path: '/bytes' }, direct_response: { status: 503, body: { inline_bytes: 'Ynl0ZXM=' } } },
      { match: { path: '/empty' }, direct_response: { status: 404 } },
      { match: { prefix: '/teapot' }, direct_response: { status: 418, body: { inline_string: 'short' } } },
      prefix('/', '<a>'),
    ],
    rows: [
      ['/text', '200 hello there', 'a text'],
      ['POST /text', '200 hello there', 'whatever the method'],
      ['/bytes', '503 bytes', 'bytes'],
      ['/empty', { status: 404, body: '' }, 'nothing'],
      ['/teapot/x?y', '418 short', 'any status'],
      ['/other', 'a', 'routes that forward are left alone'],
    ],
  },
];

/** Redirects, then direct responses. */
export const answers: readonly RouteCases[] = [...redirects, ...directs];
