/** The connection manager: paths and hosts of requests. */
import { prefix, type RequestSpec, type Scenario, TO_A, type Yaml } from '../scenario.ts';

const managed = (
  name: string,
  why: string,
  manager: Yaml,
  requests: Scenario['requests'],
  rest: Partial<Scenario> = {},
): Scenario => ({
  name: `manager-${name}`,
  why,
  routes: [TO_A],
  manager,
  requests,
  ...rest,
});

const raw = (text: string, rest: Partial<RequestSpec> = {}): RequestSpec => ({ raw: text, ...rest });

const DOTS = [
  '/a/./b',
  '/a/../b',
  '/../a',
  '/a/..',
  '/a/.',
  '/a//b',
  '/%2e%2e/a',
  '/a%2fb',
  '/a\\b',
  '/A%41',
  '/a?x=/../y',
  '/a;b/c',
  '/%',
  '/%zz',
  '/a/%2E%2e/b',
];

const SLASHES = ['/a%2fb', '/a%2Fb/%5cc', '/a%5Cb?x=%2f', '/a/b', '/a%252fb'];

const paths: readonly Scenario[] = [
  managed('path-as-is', 'without options a path goes through as it is', {}, DOTS),
  managed('path-normalized', 'normalize_path', { normalize_path: true }, DOTS),
  managed('path-merged', 'merge_slashes', { merge_slashes: true }, [
    '/a//b',
    '//a',
    '/a///',
    '/a?x=//',
    '//',
    '/a/%2f/b',
  ]),
  managed('path-normalized-merged', 'both', { normalize_path: true, merge_slashes: true }, [
    '/a//../b',
    '/a/..//b',
    '//../a',
  ]),
  managed(
    'path-route-normalized',
    'routes see the normalised path',
    { normalize_path: true },
    ['/x/../a/b', '/a/../x'],
    {
      routes: [prefix('/a', '<a>'), prefix('/', '<b>')],
    },
  ),
  ...['KEEP_UNCHANGED', 'REJECT_REQUEST', 'UNESCAPE_AND_REDIRECT', 'UNESCAPE_AND_FORWARD'].map((action) =>
    managed(
      `slashes-${action.toLowerCase().replaceAll('_', '-')}`,
      'what becomes of escaped slashes',
      { path_with_escaped_slashes_action: action },
      SLASHES,
      {
        counters: [
          'http.downstream_rq_failed_path_normalization',
          'http.downstream_rq_redirected_with_normalized_path',
        ],
      },
    ),
  ),
  managed(
    'slashes-with-normalize',
    'unescaped first, then normalised',
    { path_with_escaped_slashes_action: 'UNESCAPE_AND_FORWARD', normalize_path: true, merge_slashes: true },
    ['/a%2f..%2fb', '/a%2f%2fb'],
  ),
  managed(
    'slashes-redirect-grpc',
    'a gRPC request is not redirected',
    { path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT' },
    [{ path: '/a%2fb', headers: { 'content-type': 'application/grpc' } }],
  ),
  managed('path-fragment', 'a fragment is refused', {}, ['/a#b', '/a?x#y', '/#']),
  managed('path-absolute', 'the absolute form: its host is the host', {}, [
    raw('GET http://other.test:81/a?b HTTP/1.1\r\nhost: h.test\r\n\r\n'),
    raw('GET http://other.test HTTP/1.1\r\nhost: h.test\r\n\r\n'),
    raw('GET https://other.test/ HTTP/1.1\r\nhost: h.test\r\n\r\n'),
    raw('GET ftp://other.test/ HTTP/1.1\r\nhost: h.test\r\n\r\n', { untilClosed: true }),
  ]),
  managed('path-absolute-off', 'allow_absolute_url false', { http_protocol_options: { allow_absolute_url: false } }, [
    raw('GET http://other.test/a HTTP/1.1\r\nhost: h.test\r\n\r\n'),
  ]),
  managed('path-asterisk', 'OPTIONS *', {}, ['OPTIONS *'], { routes: [prefix('', '<a>')] }),
];

const hosts: readonly Scenario[] = [
  managed(
    'host-strip-any',
    'strip_any_host_port',
    { strip_any_host_port: true },
    ['h.test:80', 'h.test', '[::1]:80', '[::1]', 'h.test:x', 'h.test:'].map((host) => ({ host })),
  ),
  managed('host-strip-matching', 'strip_matching_host_port leaves other ports', { strip_matching_host_port: true }, [
    { host: 'h.test:80' },
  ]),
  managed(
    'host-strip-dot',
    'strip_trailing_host_dot',
    { strip_trailing_host_dot: true },
    ['h.test.', 'h.test.:80', 'h.test', '.'].map((host) => ({ host })),
  ),
  managed(
    'host-strip-then-route',
    'routes see the host without port',
    { strip_any_host_port: true },
    [{ host: 'shop.test:8080' }],
    {
      virtualHosts: [{ name: 'v', domains: ['shop.test'], routes: [TO_A] }],
    },
  ),
  managed('host-missing', 'no host: 400', {}, [raw('GET / HTTP/1.1\r\n\r\n', { untilClosed: true })]),
  managed('host-empty', 'an empty host', {}, [raw('GET / HTTP/1.1\r\nhost:\r\n\r\n')]),
  managed('host-twice', 'two hosts', {}, [raw('GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n')]),
];

/** Paths, then hosts. */
export const targets: readonly Scenario[] = [...paths, ...hosts];
