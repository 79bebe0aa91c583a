/** The connection manager: limits, versions, fields of responses, upgrades. */
import { answer, garbage } from '@mesh/testing';
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

const at = (headers: Readonly<Record<string, string | readonly string[]>>): RequestSpec => ({ headers });

const raw = (text: string, rest: Partial<RequestSpec> = {}): RequestSpec => ({ raw: text, ...rest });

const bad = (text: string): RequestSpec => raw(text, { untilClosed: true });

const underscores = ['ALLOW', 'REJECT_REQUEST', 'DROP_HEADER'].map((action) =>
  managed(
    `underscores-${action.toLowerCase().replace('_', '-')}`,
    'fields with an underscore in their name',
    { common_http_protocol_options: { headers_with_underscores_action: action } },
    [at({ x_a: '1', 'x-b': '2' }), '/'],
    { counters: ['http.downstream_rq_4xx'] },
  ),
);

const limits: readonly Scenario[] = [
  ...underscores,
  managed(
    'limit-bytes',
    'a head over max_request_headers_kb: 431',
    { max_request_headers_kb: 1 },
    [bad(`GET / HTTP/1.1\r\nhost: h\r\nx: ${'y'.repeat(1200)}\r\n\r\n`), at({ x: 'y'.repeat(700) })],
    {
      counters: ['http.downstream_rq_4xx', 'http.downstream_cx_protocol_error'],
    },
  ),
  managed(
    'limit-count',
    'more than max_headers_count fields: 431',
    { common_http_protocol_options: { max_headers_count: 5 } },
    [
      bad(`GET / HTTP/1.1\r\nhost: h\r\n${'x: y\r\n'.repeat(6)}\r\n`),
      raw(`GET / HTTP/1.1\r\nhost: h\r\n${'x: y\r\n'.repeat(4)}\r\n`),
    ],
  ),
  managed(
    'limit-requests',
    'max_requests_per_connection ends the connection behind the last one',
    { common_http_protocol_options: { max_requests_per_connection: 2 } },
    ['/1', { path: '/2', sameConnection: true, untilClosed: true }],
    { counters: ['http.downstream_cx_max_requests_reached'] },
  ),
  managed(
    'bad-request-line',
    'what is not HTTP: 400',
    {},
    [
      bad('NONSENSE\r\n\r\n'),
      bad('GET / HTTP/1.1\r\nbad header\r\n\r\n'),
      bad('GET / HTTP/1.1\r\nhost: h\r\nx: a\0b\r\n\r\n'),
    ],
    {
      counters: ['http.downstream_cx_protocol_error'],
    },
  ),
  managed('bad-framing', 'length and chunks together, other codings', {}, [
    bad('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n'),
    bad('POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: gzip\r\n\r\n'),
    bad('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: x\r\n\r\n'),
  ]),
  managed('bad-chunk', 'a chunk that is none ends the exchange', {}, [
    bad('POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
  ]),
  managed(
    'method-unknown',
    'methods that are not in the list',
    {},
    [bad('BREW / HTTP/1.1\r\nhost: h\r\n\r\n'), 'PROPFIND /', 'PATCH /'],
    {},
  ),
  managed('method-custom', 'allow_custom_methods', { http_protocol_options: { allow_custom_methods: true } }, [
    'BREW /',
  ]),
];

const versions: readonly Scenario[] = [
  managed('http10-refused', 'HTTP/1.0 is refused with 426', {}, [bad('GET / HTTP/1.0\r\nhost: h\r\n\r\n')]),
  managed(
    'http10',
    'accept_http_10',
    { http_protocol_options: { accept_http_10: true, default_host_for_http_10: 'default.test' } },
    [
      bad('GET / HTTP/1.0\r\n\r\n'),
      bad('GET / HTTP/1.0\r\nhost: h\r\n\r\n'),
      raw('GET / HTTP/1.0\r\nhost: h\r\nconnection: keep-alive\r\n\r\n'),
    ],
  ),
  managed(
    'http10-no-default',
    'HTTP/1.0 without a host and without a default for it',
    { http_protocol_options: { accept_http_10: true } },
    [bad('GET / HTTP/1.0\r\n\r\n')],
  ),
  managed(
    'http10-chunked-answer',
    'a chunked answer is sent to HTTP/1.0 up to the end of the connection',
    { http_protocol_options: { accept_http_10: true } },
    [bad('GET / HTTP/1.0\r\nhost: h\r\n\r\n')],
    { upstreams: { a: answer({ reason: 'OK', body: ['one', 'two'] }) } },
  ),
  managed('connection-close', 'a client that asks for it gets the end of the connection', {}, [
    { headers: { connection: 'close' }, untilClosed: true },
  ]),
  managed('pipelined', 'two requests in one write', {}, [
    raw('GET /1 HTTP/1.1\r\nhost: h\r\n\r\nGET /2 HTTP/1.1\r\nhost: h\r\n\r\n', { responses: 2 }),
  ]),
  managed('expect-continue', '100-continue is answered here', {}, [
    { raw: 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n', later: [[20, 'ok']] },
  ]),
  managed('expect-continue-proxied', 'or upstream, with proxy_100_continue', { proxy_100_continue: true }, [
    { raw: 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n', later: [[20, 'ok']] },
  ]),
  managed(
    'trailers-off',
    'trailers are dropped by default',
    {},
    [raw('POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx-t: 1\r\n\r\n')],
    { upstreams: { a: answer({ reason: 'OK', body: ['y'], trailers: { 'x-u': '2' } }) } },
  ),
  managed(
    'trailers-on',
    'and passed on with enable_trailers on both sides',
    { http_protocol_options: { enable_trailers: true } },
    [raw('POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx-t: 1\r\n\r\n')],
    {
      upstreams: { a: answer({ reason: 'OK', body: ['y'], trailers: { 'x-u': '2' } }) },
      clusters: {
        a: {
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              explicit_http_config: { http_protocol_options: { enable_trailers: true } },
            },
          },
        },
      },
    },
  ),
  managed(
    'header-case-proper',
    'proper_case_words',
    { http_protocol_options: { header_key_format: { proper_case_words: {} } } },
    [at({ 'x-some-field': '1' })],
  ),
  managed(
    'header-case-preserved',
    'preserve_case on both sides',
    {
      http_protocol_options: {
        header_key_format: {
          stateful_formatter: {
            name: 'preserve_case',
            typed_config: {
              '@type':
                'type.googleapis.com/envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig',
            },
          },
        },
      },
    },
    [at({ 'X-Some-FIELD': '1' })],
    { upstreams: { a: answer({ reason: 'OK', headers: { 'X-Answer-FIELD': '1' }, body: 'a' }) } },
  ),
];

const own = (headers: Readonly<Record<string, string>>) => ({ a: answer({ reason: 'OK', headers, body: 'a' }) });

const responses: readonly Scenario[] = [
  managed('server-overwrite', 'the server field is replaced', {}, ['/'], { upstreams: own({ server: 'upstream' }) }),
  managed('server-name', 'by server_name', { server_name: 'mine' }, ['/', '/none'], {
    routes: [prefix('/none', '<unknown>'), TO_A],
    table: { validate_clusters: false },
  }),
  managed('server-if-absent', 'APPEND_IF_ABSENT', { server_header_transformation: 'APPEND_IF_ABSENT' }, ['/'], {
    upstreams: own({ server: 'upstream' }),
  }),
  managed(
    'server-pass-through',
    'PASS_THROUGH: local replies have none',
    { server_header_transformation: 'PASS_THROUGH' },
    ['/', '/b', '/none'],
    {
      routes: [{ match: { prefix: '/none' }, direct_response: { status: 200 } }, prefix('/b', '<b>'), TO_A],
      upstreams: own({ server: 'upstream' }),
    },
  ),
  managed('response-hop-by-hop', 'fields of the hop from upstream', {}, ['/'], {
    upstreams: own({ connection: 'x-private', 'x-private': '1', 'keep-alive': 'timeout=5', 'proxy-connection': 'x' }),
  }),
  managed('response-date', 'a date of the upstream is kept', {}, ['/'], {
    upstreams: own({ date: 'Sat, 01 Jan 2000 00:00:00 GMT' }),
  }),
  managed(
    'response-statuses',
    'reason phrases are those of the code',
    {},
    ['/201', '/299', '/451', '/599'].map((path) => ({ path })),
    {
      routes: [prefix('/')],
      upstreams: {
        a: (request, peer) => answer({ status: Number(request.path.slice(1)), reason: 'Own Words' })(request, peer),
      },
    },
  ),
  managed('response-interim', 'interim responses of the upstream', {}, ['/'], {
    upstreams: { a: answer({ reason: 'OK', interim: [103], body: 'x' }) },
  }),
  managed('response-100', 'a 100 of the upstream that nobody asked for', {}, ['/'], {
    upstreams: { a: answer({ reason: 'OK', interim: [100], body: 'x' }) },
  }),
  managed('response-no-body', '204 and 304', {}, ['/204', '/304'], {
    upstreams: {
      a: (request, peer) => answer({ status: Number(request.path.slice(1)), framing: 'none' })(request, peer),
    },
  }),
  managed('response-chunked', 'a chunked body', {}, ['/', 'HEAD /'], {
    upstreams: { a: answer({ reason: 'OK', body: ['a', 'b'] }) },
  }),
  managed('response-until-close', 'a body up to the end of the connection', {}, ['/'], {
    upstreams: { a: answer({ reason: 'OK', body: 'ab', framing: 'close' }) },
  }),
  managed('response-head', 'the length of a HEAD is kept', {}, ['HEAD /']),
  managed('response-garbage', 'an upstream that does not speak HTTP: 502', {}, ['/'], {
    upstreams: { a: garbage('nonsense\r\n\r\n') },
  }),
  managed('response-many-cookies', 'lines of set-cookie stay lines', {}, ['/'], {
    upstreams: {
      a: (_request, peer) =>
        peer.write(
          'HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nx-v: 1\r\nx-v: 2\r\nvary: a\r\nvary: b\r\ncontent-length: 0\r\n\r\n',
        ),
    },
  }),
  managed('response-suppressed', 'suppress_envoy_headers', {}, ['/'], { router: { suppress_envoy_headers: true } }),
  managed(
    'proxy-status',
    'proxy_status_config',
    { proxy_status_config: { literal_proxy_name: 'mesh', set_recommended_response_code: true } },
    ['/none', '/'],
    {
      routes: [prefix('/none', '<refused>'), TO_A],
    },
  ),
];

const SOCKET = { connection: 'Upgrade', upgrade: 'websocket' };

const upgrades: readonly Scenario[] = [
  managed('upgrade-refused', 'an upgrade that nobody allowed: 403', {}, [at(SOCKET)], {
    counters: ['http.downstream_rq_ws_on_non_ws_route'],
  }),
  managed(
    'upgrade-refused-by-upstream',
    'an answer other than 101 is passed on',
    { upgrade_configs: [{ upgrade_type: 'websocket' }] },
    [at(SOCKET)],
  ),
  managed('upgrade-case', 'types have no case', { upgrade_configs: [{ upgrade_type: 'WebSocket' }] }, [
    at({ connection: 'keep-alive, upgrade', upgrade: 'WEBSOCKET' }),
  ]),
  managed('upgrade-other', 'another type', { upgrade_configs: [{ upgrade_type: 'websocket' }] }, [
    at({ connection: 'Upgrade', upgrade: 'other' }),
  ]),
  managed(
    'upgrade-route-off',
    'a route can switch it off',
    { upgrade_configs: [{ upgrade_type: 'websocket' }] },
    [at(SOCKET)],
    {
      routes: [prefix('/', '<a>', { upgrade_configs: [{ upgrade_type: 'websocket', enabled: false }] })],
    },
  ),
  managed(
    'upgrade-route-on',
    'or on',
    { upgrade_configs: [{ upgrade_type: 'websocket', enabled: false }] },
    [at(SOCKET)],
    {
      routes: [prefix('/', '<a>', { upgrade_configs: [{ upgrade_type: 'websocket', enabled: true }] })],
    },
  ),
  managed('upgrade-101', 'a switch of protocols', { upgrade_configs: [{ upgrade_type: 'websocket' }] }, [at(SOCKET)], {
    upstreams: {
      a: (_request, peer) =>
        peer.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-own: 1\r\n\r\n'),
    },
  }),
  managed('upgrade-h2c', 'h2c is ignored', {}, [
    at({ connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA' }),
  ]),
];

export const manager: readonly Scenario[] = [...limits, ...versions, ...responses, ...upgrades];
