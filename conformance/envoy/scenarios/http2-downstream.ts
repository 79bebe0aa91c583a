/** Clients of HTTP/2 before an upstream of HTTP/1.1: heads both ways, local replies. */
import { answer, neverAnswer } from '@mesh/testing';
import { type Asked, ask, fields, get, h2Scenario as h2, head, raw, refused } from '../h2-ask.ts';
import { H2Client } from '../h2-client.ts';
import { prefix, type Scenario, type Yaml } from '../scenario.ts';
import type { Talk } from '../talk.ts';

/** One request per entry: pseudo headers instead of the usual ones. */
const pseudo = (...all: readonly NonNullable<Asked['pseudo']>[]): Talk[] => all.map((each) => ask({ pseudo: each }));
const direct = (status: number, text?: string, rest: Yaml = {}): Yaml => ({
  match: { prefix: '/' },
  direct_response: { status, ...(text === undefined ? {} : { body: { inline_string: text } }) },
  ...rest,
});
const GRPC = {
  fields: [
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ],
} as const;

const heads: readonly Scenario[] = [
  h2('head', 'pseudo headers become a request line and Host', [
    get('/x?q=1'),
    ask({ pseudo: { ':method': 'POST' }, body: 'abc' }),
    ask({ pseudo: { ':method': 'POST' }, fields: [['content-length', '3']], body: 'abc' }),
    ask({ pseudo: { ':method': 'HEAD' } }),
    ask({ pseudo: { ':method': 'OPTIONS', ':path': '*' } }),
    ask({ pseudo: { ':method': 'PURGE' } }),
  ]),
  h2('scheme', ':scheme and x-forwarded-proto', [
    ...pseudo({ ':scheme': 'https' }, { ':scheme': 'HTTP' }, { ':scheme': 'ftp' }),
    ask({ pseudo: { ':scheme': 'https' }, fields: [['x-forwarded-proto', 'http']] }),
  ]),
  h2('host', ':authority and Host', [
    ask({ pseudo: { ':authority': undefined }, fields: [['host', 'x.test']] }),
    ask({ fields: [['host', 'h.test']] }),
    ask({ fields: [['host', 'other.test']] }),
    ask({ pseudo: { ':authority': undefined } }),
    ask({ pseudo: { ':authority': 'h.test:8080' } }),
    ask({ pseudo: { ':authority': 'H.TEST' } }),
  ]),
  h2('authority-bad', 'authorities that are none', [
    ...refused(
      ['user@h.test', 'h test', '', 'h.test/x', 'h.test:x'].map((text) => ({ pseudo: { ':authority': text } })),
    ),
  ]),
  h2('crumbs', 'cookie crumbs are joined', [
    ...fields([
      ['cookie', 'a=1'],
      ['x-b', '2'],
      ['cookie', 'b=2'],
    ]),
  ]),
  h2('repeated', 'fields that come twice', [
    ...fields([
      ['x-a', '1'],
      ['x-a', '2'],
      ['accept', 'a/b'],
      ['accept', 'c/d'],
    ]),
  ]),
  h2('te', 'te says trailers only', [
    ...fields([['te', 'trailers']], [['te', 'gzip']], [['te', 'trailers, gzip']], [['te', '']]),
  ]),
  h2('request-trailers', 'trailers of a request', [
    ask({ pseudo: { ':method': 'POST' }, body: 'abc', trailers: [['x-t', '1']] }),
    ask({ pseudo: { ':method': 'POST' }, trailers: [['x-t', '1']] }),
  ]),
  h2(
    'request-trailers-on',
    'trailers of a request, where they are enabled',
    [ask({ pseudo: { ':method': 'POST' }, body: 'abc', trailers: [['x-t', '1']] })],
    {
      clusters: { a: { http_protocol_options: { enable_trailers: true } } },
    },
  ),
  h2('response', 'a response of HTTP/1.1', [get('/')], {
    upstreams: {
      a: answer({
        reason: 'Fine',
        body: 'abc',
        headers: { 'X-Upper': 'V', 'set-cookie': ['a=1', 'b=2'], 'keep-alive': 'timeout=5', 'proxy-connection': 'x' },
      }),
    },
  }),
  h2('response-trailers', 'trailers of a response', [get('/')], {
    clusters: { a: { http_protocol_options: { enable_trailers: true } } },
    upstreams: {
      a: raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n'),
    },
  }),
  h2('response-empty', 'responses without a body', [get('/'), ask({ pseudo: { ':method': 'HEAD' } })], {
    upstreams: { a: raw('HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n') },
  }),
  h2('response-304', 'a 304 with its content-length', [get('/')], {
    upstreams: { a: raw('HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\netag: "x"\r\n\r\n') },
  }),
  h2('response-head', 'the length of what HEAD would get', [ask({ pseudo: { ':method': 'HEAD' } })], {
    upstreams: { a: raw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n') },
  }),
  h2('response-until-close', 'a body that ends with the connection', [get('/')], {
    upstreams: {
      a: async (_request, peer) => {
        await peer.write('HTTP/1.1 200 OK\r\n\r\nabc');
        peer.end();
      },
    },
  }),
  h2('interim', 'interim responses', [get('/')], {
    upstreams: {
      a: raw('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'),
    },
  }),
  h2('expect', 'expect: 100-continue is answered at once', [
    async ({ port, received }) => {
      const client = await H2Client.connect(port);
      const stream = client.open(head({ ':method': 'POST' }, [['expect', '100-continue']]), false);
      await client.untilHead(stream);
      client.data(stream, 'abc');
      const response = await client.seen(stream);
      client.close();
      return { response, upstream: received() };
    },
  ]),
  h2('hop-by-hop-response', 'connection fields of an upstream', [get('/')], {
    upstreams: { a: raw('HTTP/1.1 200 OK\r\nconnection: x-p\r\nx-p: 1\r\nupgrade: h2c\r\ncontent-length: 1\r\n\r\na') },
  }),
  h2('internal', 'x-envoy fields and addresses', [
    ask({
      fields: [
        ['x-forwarded-for', '10.0.0.1'],
        ['x-envoy-internal', 'true'],
      ],
    }),
  ]),
  h2(
    'edge',
    'as an edge proxy',
    [
      ask({
        fields: [
          ['x-forwarded-for', '10.0.0.1'],
          ['x-envoy-expected-rq-timeout-ms', '10'],
        ],
      }),
    ],
    { manager: { use_remote_address: true } },
  ),
];

const locals: readonly Scenario[] = [
  h2('no-route', '404', [get('/x'), ask({ pseudo: { ':method': 'HEAD', ':path': '/x' } })], {
    routes: [prefix('/y')],
    counters: [
      'http.no_route',
      'http.downstream_rq_4xx',
      'http.downstream_rq_http2_total',
      'http.downstream_cx_http2_total',
    ],
  }),
  h2('direct', 'direct responses', [get('/'), ask({ pseudo: { ':method': 'HEAD' } })], {
    routes: [direct(201, 'hello')],
  }),
  h2('direct-empty', 'a direct response without a body', [get('/')], { routes: [direct(204)] }),
  h2('redirect', 'a redirect takes :authority', [get('/x'), ask({ pseudo: { ':authority': 'h.test:80' } })], {
    routes: [{ match: { prefix: '/' }, redirect: { https_redirect: true } }],
  }),
  h2('refused-upstream', 'an upstream that refuses', [get('/')], { routes: [prefix('/', '<refused>')] }),
  h2('no-hosts', 'a cluster without hosts', [get('/')], { routes: [prefix('/', '<empty>')] }),
  h2('grpc-no-route', 'local replies to gRPC', [ask(GRPC)], { routes: [prefix('/y')] }),
  h2('grpc-refused', 'a refused gRPC call', [ask(GRPC)], { routes: [prefix('/', '<refused>')] }),
  h2('grpc-direct', 'direct responses to gRPC', [ask(GRPC)], { routes: [direct(403, 'no: 100%')] }),
  h2('grpc-unavailable', 'a 503 of an upstream is passed on', [ask(GRPC)], {
    upstreams: { a: answer({ status: 503, reason: 'x', body: 'no' }) },
  }),
  h2('grpc-timeout', 'a timeout of a gRPC call', [ask(GRPC)], {
    routes: [prefix('/', '<a>', { timeout: '0.1s' })],
    upstreams: { a: neverAnswer() },
  }),
  h2('details', 'local_reply_config', [get('/x')], {
    routes: [prefix('/y')],
    manager: {
      local_reply_config: {
        body_format: { text_format_source: { inline_string: '%PROTOCOL% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS%' } },
      },
    },
  }),
  h2(
    'open-request',
    'a local reply before the request is over',
    [ask({ pseudo: { ':method': 'POST' }, body: 'abc', open: true })],
    { routes: [direct(200, 'early')] },
  ),
  h2(
    'open-request-upstream',
    'a response before the request is over',
    [ask({ pseudo: { ':method': 'POST' }, body: 'abc', open: true })],
    {
      upstreams: { a: answer({ body: 'early' }) },
    },
  ),
];

/** Heads, then local replies. */
export const http2Downstream: readonly Scenario[] = [...heads, ...locals];
