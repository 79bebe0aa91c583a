/** Upstreams of HTTP/2: what they see, what becomes of their resets, which protocol a cluster speaks. */
import type { ServerHttp2Stream } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, get } from '../h2-ask.ts';
import { clientTls, H2_CLUSTER, pairOf, speaking, trusting } from '../pieces.ts';
import { prefix, type Scenario, TO_A, type Yaml } from '../scenario.ts';
import { type H2Behaviour, h2Answer, h2Server } from '../server.ts';

/** A reset has arrived by then. */
const SETTLE_MS = 100;
/** What is left of the timeout in later attempts. */
const LEFT: readonly (readonly [RegExp, string])[] = [[/^(14\d{3}|15000)$/, '<left>']];

const up = (name: string, why: string, behave: H2Behaviour, rest: Partial<Scenario> = {}): Scenario => ({
  name: `h2up-${name}`,
  why,
  masks: LEFT,
  routes: [TO_A],
  requests: ['/'],
  clusters: { a: H2_CLUSTER },
  servers: { a: h2Server(behave) },
  ...rest,
});
const QUIET = { sendDate: false } as object;
const respond = (stream: ServerHttp2Stream, fields: object, body?: string): void => {
  stream.respond(fields as never, { ...QUIET, endStream: body === undefined } as never);
  if (body !== undefined) stream.end(body);
};
const resets =
  (code: number): H2Behaviour =>
  (stream) =>
    stream.close(code);
const retrying = (retry_on: string): Yaml => prefix('/', '<a>', { retry_policy: { retry_on, num_retries: 1 } });
const FLAGS: Yaml = {
  local_reply_config: {
    body_format: {
      text_format_source: { inline_string: '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%' },
    },
  },
};

const seen: readonly Scenario[] = [
  up('head', 'a request of HTTP/1.1 becomes pseudo headers', h2Answer, {
    requests: [
      '/x?q=1',
      { method: 'POST', body: 'abc' },
      {
        method: 'POST',
        raw: 'POST / HTTP/1.1\r\nhost: h.test\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      },
      { headers: { connection: 'x-p', 'x-p': '1', te: 'trailers', 'x-Upper': 'v' } },
      { headers: { cookie: 'a=1; b=2', 'proxy-connection': 'x', 'keep-alive': 'x' } },
      { method: 'HEAD' },
      { host: 'H.Test:80' },
    ],
  }),
  up('h2', 'HTTP/2 on both sides', h2Answer, {
    requests: [],
    talks: [
      get('/x', [
        ['cookie', 'a=1'],
        ['cookie', 'b=2'],
        ['te', 'trailers'],
      ]),
      ask({ pseudo: { ':method': 'POST', ':scheme': 'https' }, body: 'abc', trailers: [['x-t', '1']] }),
      ask({ pseudo: { ':authority': undefined }, fields: [['host', 'x.test']] }),
      ask({ pseudo: { ':scheme': 'ftp' } }),
    ],
  }),
  up('rewrite', 'rewrites of host and path', h2Answer, {
    routes: [prefix('/', '<a>', { prefix_rewrite: '/up/', host_rewrite_literal: 'up.test' })],
  }),
  up('response', 'a response becomes one of HTTP/1.1', (stream) =>
    respond(stream, { ':status': 201, 'content-length': '3', 'set-cookie': ['a=1', 'b=2'], 'x-a': '1' }, 'abc'),
  ),
  up('response-chunked', 'without a length it is chunked', (stream) => respond(stream, { ':status': 200 }, 'abc')),
  up('response-empty', 'a head alone', (stream) => respond(stream, { ':status': 200 })),
  up('response-204', 'a 204', (stream) => respond(stream, { ':status': 204 })),
  up('interim', 'interim responses', (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</x>' });
    respond(stream, { ':status': 200 }, 'abc');
  }),
  up('trailers', 'trailers of a response', trailing, {
    requests: [],
    talks: [get('/')],
  }),
  up('trailers-h1', 'trailers of a response to HTTP/1.1', trailing, {
    requests: [{ headers: { te: 'trailers' } }],
    manager: { http_protocol_options: { enable_trailers: true } },
  }),
  up(
    'grpc',
    'a gRPC call that fails at once',
    (stream) =>
      respond(stream, { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '7', 'grpc-message': 'no' }),
    {
      requests: [],
      talks: [
        ask({
          fields: [
            ['content-type', 'application/grpc'],
            ['te', 'trailers'],
          ],
        }),
      ],
      counters: ['cluster.a.upstream_rq_200'],
    },
  ),
];

function trailing(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200 }, { waitForTrailers: true, ...QUIET });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-t': '1' }));
  stream.end('abc');
}

const failing: readonly Scenario[] = [
  ...(
    [
      ['no-error', 0],
      ['protocol', 1],
      ['internal', 2],
      ['refused', 7],
      ['cancel', 8],
      ['connect', 10],
      ['calm', 11],
      ['http11', 13],
    ] as const
  ).map(([name, code]) =>
    up(`reset-${name}`, `a reset with code ${code}`, resets(code), {
      manager: FLAGS,
      counters: ['cluster.a.upstream_rq_rx_reset'],
    }),
  ),
  up(
    'reset-late',
    'a reset within a body',
    (stream) => {
      stream.respond({ ':status': 200 }, QUIET);
      stream.write('abc', () => stream.close(2));
    },
    { requests: [], talks: [get('/')] },
  ),
  up('reset-late-h1', 'the same for HTTP/1.1', (stream) => {
    stream.respond({ ':status': 200, 'content-length': '10' }, QUIET);
    stream.write('abc', () => stream.close(2));
  }),
  up(
    'retry-refused',
    'refused-stream is retried',
    (stream, nth, letter) => (nth === 0 ? stream.close(7) : h2Answer(stream, nth, letter)),
    { routes: [retrying('refused-stream')], counters: ['cluster.a.upstream_rq_retry'] },
  ),
  up(
    'retry-refused-reset',
    'reset retries it as well',
    (stream, nth, letter) => (nth === 0 ? stream.close(7) : h2Answer(stream, nth, letter)),
    { routes: [retrying('reset')] },
  ),
  up(
    'retry-connect-failure',
    'connect-failure does not',
    (stream, nth, letter) => (nth === 0 ? stream.close(7) : h2Answer(stream, nth, letter)),
    { routes: [retrying('connect-failure')] },
  ),
  up(
    'retry-cancel',
    'refused-stream does not retry other resets',
    (stream, nth, letter) => (nth === 0 ? stream.close(8) : h2Answer(stream, nth, letter)),
    { routes: [retrying('refused-stream')] },
  ),
  up(
    'goaway',
    'a GOAWAY that leaves the request out',
    (stream, nth, letter) => {
      if (nth > 0) return h2Answer(stream, nth, letter);
      stream.session?.goaway(0, 0);
    },
    { routes: [retrying('refused-stream')], manager: FLAGS },
  ),
  up(
    'goaway-after',
    'a GOAWAY behind the response',
    (stream, nth, letter) => {
      h2Answer(stream, nth, letter);
      if (nth === 0) stream.session?.goaway(0, 1);
    },
    { requests: ['/', '/'], counters: ['cluster.a.upstream_cx_total'] },
  ),
  up('closed', 'a connection that is closed', (stream) => stream.session?.destroy(), { manager: FLAGS }),
  up('timeout', 'a route timeout resets the stream', () => {}, {
    servers: { a: h2Server(() => {}, {}, true) },
    routes: [prefix('/', '<a>', { timeout: '0.1s' })],
    requests: [],
    talks: [
      async (stage) => {
        const { response } = (await get('/')(stage)) as { readonly response: unknown };
        await delay(SETTLE_MS);
        return { response, upstream: stage.received() };
      },
    ],
    counters: ['cluster.a.upstream_rq_tx_reset', 'cluster.a.upstream_rq_timeout'],
  }),
  up(
    'no-status',
    'an interim head that ends the stream',
    (stream) => {
      stream.additionalHeaders({ ':status': 100 });
      stream.close(0);
    },
    { manager: FLAGS },
  ),
  ...(
    [
      ['short', 'abc'],
      ['long', 'abcdefg'],
      ['none', undefined],
    ] as const
  ).map(([name, body]) =>
    up(
      `length-${name}`,
      'a body that is not as long as it says, and what becomes of the connection',
      (stream, nth, letter) =>
        nth === 0 ? respond(stream, { ':status': 200, 'content-length': '5' }, body) : h2Answer(stream, nth, letter),
      {
        requests: ['/', '/'],
        manager: FLAGS,
        counters: ['cluster.a.upstream_cx_total', 'cluster.a.upstream_cx_protocol_error'],
      },
    ),
  ),
  up('max-requests', 'max_requests_per_connection', h2Answer, {
    clusters: {
      a: speaking({
        explicit_http_config: { http2_protocol_options: {} },
        common_http_protocol_options: { max_requests_per_connection: 1 },
      }),
    },
    requests: ['/', '/'],
    counters: [
      'cluster.a.upstream_cx_total',
      'cluster.a.upstream_cx_max_requests',
      'cluster.a.upstream_cx_http2_total',
    ],
  }),
  up('http1-peer', 'an upstream that speaks HTTP/1.1 after all', h2Answer, {
    servers: {},
    manager: FLAGS,
    counters: ['cluster.a.upstream_cx_protocol_error'],
  }),
];

const SECURE = pairOf('server');
const chosen: readonly Scenario[] = [
  up('old-field', 'http2_protocol_options of a cluster', h2Answer, { clusters: { a: { http2_protocol_options: {} } } }),
  up('use-downstream', 'the protocol of the client', h2Answer, {
    clusters: {
      a: speaking({ use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} } }),
    },
    requests: [],
    talks: [get('/')],
  }),
  up('use-downstream-h1', 'which may be HTTP/1.1', h2Answer, {
    clusters: {
      a: speaking({ use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} } }),
    },
    servers: {},
  }),
  up('use-downstream-no-h2', 'without HTTP/2 options it is HTTP/1.1', h2Answer, {
    clusters: { a: speaking({ use_downstream_protocol_config: { http_protocol_options: {} } }) },
    servers: {},
    requests: [],
    talks: [get('/')],
  }),
  up('tls', 'HTTP/2 over TLS by ALPN', h2Answer, {
    clusters: { a: { ...H2_CLUSTER, ...clientTls(trusting(), { sni: 'a.test' }) } },
    servers: { a: h2Server(h2Answer, SECURE) },
    counters: ['cluster.a.upstream_cx_http2_total', 'cluster.a.ssl.handshake'],
  }),
  up('tls-auto', 'auto_config takes what ALPN says', h2Answer, {
    clusters: {
      a: {
        ...speaking({ auto_config: { http_protocol_options: {}, http2_protocol_options: {} } }),
        ...clientTls(trusting(), { sni: 'a.test' }),
      },
    },
    servers: { a: h2Server(h2Answer, SECURE) },
    counters: ['cluster.a.upstream_cx_http2_total'],
  }),
  up('tls-auto-sni', 'auto_sni takes the authority', h2Answer, {
    clusters: {
      a: {
        ...speaking({
          explicit_http_config: { http2_protocol_options: {} },
          upstream_http_protocol_options: { auto_sni: true, auto_san_validation: true },
        }),
        ...clientTls(trusting()),
      },
    },
    manager: FLAGS,
    servers: { a: h2Server(h2Answer, SECURE) },
    requests: ['GET http://a.test/', 'GET http://x.wild.test/', 'GET http://other.test/', 'GET http://a.test:80/'],
    counters: ['cluster.a.ssl.fail_verify_san'],
  }),
  up('tls-untrusted', 'an upstream of another authority', h2Answer, {
    clusters: { a: { ...H2_CLUSTER, ...clientTls(trusting('other-ca')) } },
    manager: FLAGS,
    servers: { a: h2Server(h2Answer, SECURE) },
    counters: [
      'cluster.a.ssl.fail_verify_error',
      'cluster.a.ssl.connection_error',
      'cluster.a.upstream_cx_connect_fail',
    ],
  }),
  up('tls-plain-peer', 'an upstream that does not speak TLS', h2Answer, {
    clusters: { a: clientTls(trusting()) },
    manager: FLAGS,
    servers: {},
    counters: ['cluster.a.ssl.connection_error'],
  }),
];

/** What they see, how they fail, how they are chosen. */
export const http2Upstream: readonly Scenario[] = [...seen, ...failing, ...chosen];
