/** Response flag and details of every local reply, made visible by a `body_format`. */
import { closeUnanswered, garbage, neverAnswer, resetAfter, truncate } from '@mesh/testing';
import { prefix, type RequestSpec, type Scenario, TO_A, type Yaml } from '../scenario.ts';

const SHOWN: Yaml = {
  local_reply_config: {
    body_format: {
      text_format_source: {
        inline_string: '%RESPONSE_CODE% [%LOCAL_REPLY_BODY%] %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%',
      },
    },
  },
};
const HALF = 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n12345';
const bad = (raw: string): RequestSpec => ({ raw, untilClosed: true });

const row = (name: string, why: string, requests: Scenario['requests'], rest: Partial<Scenario> = {}): Scenario => ({
  name: `details-${name}`,
  why,
  routes: [TO_A],
  requests,
  masks: [[/^(?:14\d{3}|15000|100|80)$/, '<left>']],
  ...rest,
  manager: { ...SHOWN, ...rest.manager },
});

const INTERNAL: Yaml = { internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] } };
const DURATION: Yaml = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    common_http_protocol_options: { max_stream_duration: '0.12s' },
    explicit_http_config: { http_protocol_options: {} },
  },
};

export const replyDetails: readonly Scenario[] = [
  row('no-route', 'no route', ['/'], { routes: [] }),
  row('no-virtual-host', 'no virtual host', ['/'], {
    virtualHosts: [{ name: 'v', domains: ['other.test'], routes: [TO_A] }],
  }),
  row('no-cluster', 'an unknown cluster', ['/'], {
    routes: [prefix('/', '<unknown>')],
    table: { validate_clusters: false },
  }),
  row('no-cluster-by-header', 'a cluster_header that leads nowhere', ['/', { headers: { 'x-c': 'nowhere' } }], {
    routes: [{ match: { prefix: '/' }, route: { cluster_header: 'x-c' } }],
  }),
  row('no-hosts', 'a cluster without hosts', ['/'], { routes: [prefix('/', '<empty>')] }),
  row('maintenance', 'maintenance mode', ['/'], {
    runtime: { 'upstream.maintenance_mode.details-maintenance_a': 100 },
  }),
  row('overflow', 'a full circuit breaker', ['/'], {
    clusters: { a: { circuit_breakers: { thresholds: [{ max_pending_requests: 0 }] } } },
  }),
  row('overflow-requests', 'too many requests', ['/'], {
    clusters: { a: { circuit_breakers: { thresholds: [{ max_requests: 0 }] } } },
  }),
  row('overflow-connections', 'no connection may be made', ['/'], {
    clusters: { a: { circuit_breakers: { thresholds: [{ max_connections: 0, max_pending_requests: 0 }] } } },
  }),
  row('refused', 'a refused connection', ['/'], { routes: [prefix('/', '<refused>')] }),
  row('refused-after-retry', 'a refused connection, also when tried again', ['/'], {
    routes: [prefix('/', '<refused>', { retry_policy: { retry_on: 'connect-failure' } })],
  }),
  row('closed', 'an upstream that closes', ['/'], { upstreams: { a: closeUnanswered() } }),
  row('reset', 'an upstream that resets', ['/'], { upstreams: { a: resetAfter() } }),
  row('closed-after-retry', 'an upstream that closes again and again', ['/'], {
    routes: [prefix('/', '<a>', { retry_policy: { retry_on: 'reset', num_retries: 1 } })],
    upstreams: { a: closeUnanswered() },
  }),
  row('cut-head', 'an upstream that closes within its head', ['/'], { upstreams: { a: truncate({ body: 'x' }, 12) } }),
  row('garbage', 'an upstream that does not speak HTTP', ['/'], { upstreams: { a: garbage('nonsense\r\n\r\n') } }),
  row('route-timeout', 'the timeout of the route', ['/'], {
    routes: [prefix('/', '<a>', { timeout: '0.1s' })],
    upstreams: { a: neverAnswer() },
  }),
  row('per-try-timeout', 'the timeout of a try', ['/'], {
    routes: [prefix('/', '<a>', { retry_policy: { per_try_timeout: '0.1s', retry_on: 'connect-failure' } })],
    upstreams: { a: neverAnswer() },
  }),
  row('per-try-timeout-after-retry', 'the timeout of the last try', ['/'], {
    routes: [prefix('/', '<a>', { retry_policy: { per_try_timeout: '0.08s', retry_on: '5xx' } })],
    upstreams: { a: neverAnswer() },
  }),
  row('per-try-idle-timeout', 'a silent try', ['/'], {
    routes: [prefix('/', '<a>', { retry_policy: { per_try_idle_timeout: '0.1s', retry_on: 'connect-failure' } })],
    upstreams: { a: neverAnswer() },
  }),
  row('upstream-duration', 'max_stream_duration of the cluster', ['/'], {
    clusters: { a: { typed_extension_protocol_options: DURATION } },
    upstreams: { a: neverAnswer() },
  }),
  row('route-duration', 'max_stream_duration of the route', ['/'], {
    routes: [prefix('/', '<a>', { max_stream_duration: { max_stream_duration: '0.1s' } })],
    upstreams: { a: neverAnswer() },
  }),
  row(
    'strict-header',
    'a bad value of a checked header',
    [{ headers: { 'x-forwarded-for': '10.0.0.1', 'x-envoy-max-retries': 'x' } }],
    {
      router: { strict_check_headers: ['x-envoy-max-retries'] },
      manager: INTERNAL,
    },
  ),
  row('stream-idle', 'stream_idle_timeout', ['/', bad(HALF)], {
    manager: { stream_idle_timeout: '0.15s' },
    upstreams: { a: neverAnswer() },
  }),
  row('request-timeout', 'request_timeout', [bad(HALF)], {
    manager: { request_timeout: '0.15s' },
    upstreams: { a: neverAnswer() },
  }),
  row('request-headers-timeout', 'request_headers_timeout', [bad('GET / HTTP/1.1\r\nhost: h\r\nx')], {
    manager: { request_headers_timeout: '0.15s' },
  }),
  row('duration', 'max_stream_duration of the manager', ['/', bad(HALF)], {
    manager: { common_http_protocol_options: { max_stream_duration: '0.15s' } },
    upstreams: { a: neverAnswer() },
  }),
  row('duration-grpc', 'max_stream_duration of a gRPC request', [{ headers: { 'content-type': 'application/grpc' } }], {
    manager: { common_http_protocol_options: { max_stream_duration: '0.1s' } },
    upstreams: { a: neverAnswer() },
  }),
  row(
    'stream-idle-grpc',
    'stream_idle_timeout of a gRPC request',
    [{ headers: { 'content-type': 'application/grpc' } }],
    {
      manager: { stream_idle_timeout: '0.1s' },
      upstreams: { a: neverAnswer() },
    },
  ),
  row(
    'upstream-duration-grpc',
    'max_stream_duration of the cluster',
    [{ headers: { 'content-type': 'application/grpc' } }],
    {
      clusters: { a: { typed_extension_protocol_options: DURATION } },
      upstreams: { a: neverAnswer() },
    },
  ),
  row('upstream-duration-incomplete', 'max_stream_duration of the cluster while the request comes', [bad(HALF)], {
    clusters: { a: { typed_extension_protocol_options: DURATION } },
    upstreams: { a: neverAnswer() },
  }),
  row('no-host', 'a request without host', [bad('GET / HTTP/1.1\r\n\r\n')]),
  row(
    'absolute-path',
    'an absolute path that is not allowed',
    [{ raw: 'GET http://x.test/a HTTP/1.1\r\nhost: h\r\n\r\n' }],
    {
      manager: { http_protocol_options: { allow_absolute_url: false } },
    },
  ),
  row('asterisk', 'OPTIONS *', ['OPTIONS *']),
  row('fragment', 'a fragment in the path', ['/a#b']),
  row('escaped-slash-rejected', 'an escaped slash', ['/a%2fb'], {
    manager: { path_with_escaped_slashes_action: 'REJECT_REQUEST' },
  }),
  row('escaped-slash-redirected', 'an escaped slash that is redirected', ['/a%2fb'], {
    manager: { path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT' },
  }),
  row('http10', 'HTTP/1.0', [bad('GET / HTTP/1.0\r\nhost: h\r\n\r\n')]),
  row('upgrade', 'an upgrade that is not allowed', [{ headers: { connection: 'upgrade', upgrade: 'websocket' } }]),
  row('connect', 'a CONNECT without a route for it', ['CONNECT up.test:443']),
  row('headers-too-large', 'too large a head', [bad(`GET / HTTP/1.1\r\nhost: h\r\nx: ${'y'.repeat(1300)}\r\n\r\n`)], {
    manager: { max_request_headers_kb: 1 },
  }),
  row('too-many-headers', 'too many fields', [bad(`GET / HTTP/1.1\r\nhost: h\r\n${'x: y\r\n'.repeat(6)}\r\n`)], {
    manager: { common_http_protocol_options: { max_headers_count: 5 } },
  }),
  row('codec-error', 'what is not HTTP', [bad('NONSENSE\r\n\r\n'), bad('GET / HTTP/1.1\r\nbad field\r\n\r\n')]),
  row('bad-method', 'an unknown method', [bad('BREW / HTTP/1.1\r\nhost: h\r\n\r\n')]),
  row('transfer-encoding', 'an unknown transfer coding', [
    bad('POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: gzip\r\n\r\n'),
  ]),
  row('length-and-chunked', 'a length beside chunks', [
    bad('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n'),
  ]),
  row('bad-length', 'a length that is none', [bad('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: x\r\n\r\n')]),
  row('connect-with-body', 'a CONNECT with a body', [
    bad('CONNECT up.test:443 HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nabc'),
    bad('CONNECT up.test:443 HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'),
  ]),
  row('bad-url', 'a target that is none', [
    bad('GET http: HTTP/1.1\r\nhost: h\r\n\r\n'),
    bad('GET x HTTP/1.1\r\nhost: h\r\n\r\n'),
    bad('GET http:///x HTTP/1.1\r\nhost: h\r\n\r\n'),
    bad('GET ftp://x.test/ HTTP/1.1\r\nhost: h\r\n\r\n'),
    bad('GET http://x.test:port/ HTTP/1.1\r\nhost: h\r\n\r\n'),
    bad('GET http://x.test:99999/ HTTP/1.1\r\nhost: h\r\n\r\n'),
    bad('GET /a\tb HTTP/1.1\r\nhost: h\r\n\r\n'),
    bad('CONNECT x.test HTTP/1.1\r\nhost: h\r\n\r\n'),
  ]),
  row('bad-character', 'NUL in a value', [bad('GET / HTTP/1.1\r\nhost: h\r\nx: a\0b\r\n\r\n')]),
  row('underscore', 'an underscore in a name', [{ headers: { x_a: '1' } }], {
    manager: { common_http_protocol_options: { headers_with_underscores_action: 'REJECT_REQUEST' } },
  }),
  row('connection-nominates', 'fields that Connection may not name', [
    bad('GET / HTTP/1.1\r\nhost: h\r\nconnection: x-forwarded-for\r\nx-forwarded-for: 1.1.1.1\r\n\r\n'),
    bad('GET / HTTP/1.1\r\nhost: h\r\nconnection: :path\r\n\r\n'),
  ]),
  row('require-tls', 'require_tls', ['/'], { virtualHost: { require_tls: 'ALL' } }),
  row('redirect', 'a redirect', ['/'], { routes: [{ match: { prefix: '/' }, redirect: { host_redirect: 'x.test' } }] }),
  row('direct-response', 'a direct response', ['/'], {
    routes: [{ match: { prefix: '/' }, direct_response: { status: 403, body: { inline_string: 'no' } } }],
  }),
  row('bad-chunk', 'a chunk that is none', [
    bad('POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
  ]),
  row(
    'retry-buffer',
    'a body over the retry buffer whose attempt fails',
    [{ method: 'POST', body: 'x'.repeat(3000) }],
    {
      routes: [prefix('/', '<a>', { retry_policy: { retry_on: 'reset' } })],
      virtualHost: { per_request_buffer_limit_bytes: 1024 },
      upstreams: { a: closeUnanswered() },
    },
  ),
  row(
    'grpc-no-route',
    'the details in the message of a gRPC answer',
    [{ headers: { 'content-type': 'application/grpc' } }],
    {
      routes: [],
    },
  ),
];
