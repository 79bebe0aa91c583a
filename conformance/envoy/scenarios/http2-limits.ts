/** What clients of HTTP/2 are refused, and when streams and connections end. */
import { neverAnswer, resetAfter, truncate } from '@mesh/testing';
import { ask, fields, get, h2Scenario as h2, head, raw, refused } from '../h2-ask.ts';
import { H2Client } from '../h2-client.ts';
import { prefix, type Scenario, TO_A, type Yaml } from '../scenario.ts';

const alone: Yaml = {
  http2_protocol_options: { override_stream_error_on_invalid_http_message: true },
};
const LARGE = 'x'.repeat(70_000);
const refusals: readonly Scenario[] = [
  h2('forbidden', 'connection fields', [
    ...refused(
      [
        ['connection', 'close'],
        ['connection', 'keep-alive'],
        ['keep-alive', 'x'],
        ['proxy-connection', 'x'],
        ['transfer-encoding', 'chunked'],
        ['upgrade', 'websocket'],
      ].map(([name, value]) => ({ fields: [[name as string, value as string]] as const })),
    ),
  ]),
  h2(
    'forbidden-alone',
    'connection fields, when a stream is reset alone',
    [
      ask({ fields: [['connection', 'close']], again: true }),
      ask({ fields: [['transfer-encoding', 'chunked']], again: true }),
      ask({ fields: [['X-Upper', '1']], again: true }),
      ask({ pseudo: { ':path': undefined }, again: true }),
      ask({ fields: [['x-a', 'a\nb']], again: true }),
    ],
    { manager: alone },
  ),
  h2('bad-fields', 'fields that are none', [
    ...refused([
      { fields: [['X-Upper', '1']] },
      { fields: [['x a', '1']] },
      { fields: [['x-a', 'a\nb']] },
      { fields: [['x-a', 'a\0b']] },
      { fields: [['', 'x']] },
      { fields: [[':path', '/y']] },
      { fields: [[':x', '/y']] },
      { fields: [['content-length', 'x']] },
    ]),
  ]),
  h2('blanks', 'blanks around a value', [...fields([['x-a', ' v ']], [['x-a', '\tv']])]),
  h2('bad-pseudo', 'pseudo headers that are missing or wrong', [
    ...refused([
      { pseudo: { ':method': undefined } },
      { pseudo: { ':scheme': undefined } },
      { pseudo: { ':path': undefined } },
      { pseudo: { ':path': '' } },
      { pseudo: { ':path': 'x' } },
      { pseudo: { ':path': '/ x' } },
      { pseudo: { ':method': 'G T' } },
      { pseudo: { ':status': '200' } },
      { pseudo: { ':protocol': 'websocket' } },
    ]),
  ]),
  h2('fragment', 'a fragment in a path', [get('/x#y')]),
  h2('paths', 'characters of a path', [get('/a%zz'), get('/a\\b'), get('//a'), get('/a/../b'), get('http://x.test/y')]),
  h2('underscores', 'names with an underscore are taken', [...fields([['x_a', '1']])]),
  h2(
    'underscores-drop',
    'or dropped',
    [
      ...fields([
        ['x_a', '1'],
        ['x-b', '2'],
      ]),
    ],
    {
      manager: { common_http_protocol_options: { headers_with_underscores_action: 'DROP_HEADER' } },
      counters: ['http2.dropped_headers_with_underscores'],
    },
  ),
  h2('underscores-reject', 'or refused', [...refused([{ fields: [['x_a', '1']] }])], {
    manager: { common_http_protocol_options: { headers_with_underscores_action: 'REJECT_REQUEST' } },
    counters: ['http2.requests_rejected_with_underscores_in_headers'],
  }),
  h2('length-mismatch', 'a body that is not as long as it says', [
    ...[{ body: 'abc' }, { body: 'abcdefg' }, { body: 'abc', trailers: [['x-t', '1']] as const }, {}].map((rest) =>
      ask({ pseudo: { ':method': 'POST' }, fields: [['content-length', '5']], again: true, ...rest }),
    ),
  ]),
  h2('large-head', 'a head over 60 KiB', [ask({ fields: [['x-a', LARGE]], untilClosed: true })]),
  h2('large-heads', 'a head over 60 KiB of several fields', [
    ask({ fields: Array.from({ length: 7 }, (_, at) => [`x-${at}`, LARGE.slice(0, 10_000)] as const), again: true }),
  ]),
  h2('many-fields', 'over 100 fields', [
    ask({ fields: Array.from({ length: 101 }, (_, at) => [`x-${at}`, '1'] as const), again: true }),
    ask({ fields: Array.from({ length: 90 }, (_, at) => [`x-${at}`, '1'] as const), again: true }),
  ]),
  h2(
    'large-request-kb',
    'max_request_headers_kb',
    [
      ask({
        fields: [
          ['x-a', LARGE.slice(0, 9000)],
          ['x-b', LARGE.slice(0, 9000)],
        ],
        again: true,
      }),
    ],
    { manager: { max_request_headers_kb: 16 } },
  ),
  h2('bad-trailers', 'trailers that are refused', [
    ...refused([
      { pseudo: { ':method': 'POST' }, trailers: [[':path', '/y']] },
      { pseudo: { ':method': 'POST' }, trailers: [['connection', 'close']] },
      { pseudo: { ':method': 'POST' }, trailers: [['content-length', '1']] },
    ]),
  ]),
];

const resets: readonly Scenario[] = [
  h2(
    'request-timeout',
    'request_timeout',
    [ask({ pseudo: { ':method': 'POST' }, body: 'abc', open: true, again: true })],
    {
      manager: { request_timeout: '0.1s' },
      counters: ['http.downstream_rq_timeout'],
    },
  ),
  h2(
    'stream-idle',
    'stream_idle_timeout before a head',
    [ask({ pseudo: { ':method': 'POST' }, open: true, again: true })],
    {
      manager: { stream_idle_timeout: '0.15s' },
      counters: ['http.downstream_rq_idle_timeout'],
    },
  ),
  h2('stream-idle-response', 'stream_idle_timeout within a response', [ask({})], {
    manager: { stream_idle_timeout: '0.15s' },
    upstreams: { a: raw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc') },
  }),
  h2('upstream-timeout', 'the timeout of a route', [ask({})], {
    routes: [prefix('/', '<a>', { timeout: '0.1s' })],
    upstreams: { a: neverAnswer() },
  }),
  h2('upstream-timeout-late', 'the same within a body', [ask({ again: true })], {
    routes: [prefix('/', '<a>', { timeout: '0.2s' })],
    upstreams: { a: raw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc') },
  }),
  h2('upstream-reset', 'an upstream that resets before it answers', [ask({ again: true })], {
    upstreams: { a: resetAfter({ body: 'abc' }, 0) },
  }),
  h2('upstream-truncated', 'an upstream that ends in the middle', [ask({})], {
    upstreams: { a: truncate({ body: 'abcdef' }, 3) },
  }),
  h2(
    'client-reset',
    'a client that resets',
    [
      async ({ port }) => {
        const client = await H2Client.connect(port);
        const stream = client.open(head());
        client.reset(stream, 8);
        const second = await client.seen(client.open(head({ ':path': '/two' })));
        client.close();
        return { second };
      },
    ],
    {
      routes: [prefix('/two', '<b>'), TO_A],
      upstreams: { a: neverAnswer() },
      counters: ['http.downstream_rq_rx_reset', 'cluster.a.upstream_rq_tx_reset'],
    },
  ),
  h2(
    'connection-idle',
    'idle_timeout says GOAWAY',
    [
      async ({ port }) => {
        const client = await H2Client.connect(port);
        const response = await client.seen(client.open(head()));
        const connection = await client.ended();
        return { status: response.headers?.[0], connection };
      },
    ],
    { manager: { common_http_protocol_options: { idle_timeout: '0.2s' } } },
  ),
  h2(
    'max-requests',
    'max_requests_per_connection says GOAWAY',
    [
      async ({ port }) => {
        const client = await H2Client.connect(port);
        const response = await client.seen(client.open(head()));
        const connection = await client.ended();
        return { status: response.headers?.[0], connection };
      },
    ],
    { manager: { common_http_protocol_options: { max_requests_per_connection: 1 } } },
  ),
  h2(
    'max-duration',
    'max_connection_duration',
    [
      async ({ port }) => {
        const client = await H2Client.connect(port);
        const connection = await client.ended();
        return { connection };
      },
    ],
    { manager: { common_http_protocol_options: { max_connection_duration: '0.2s' }, drain_timeout: '0.1s' } },
  ),
  h2('stream-duration', 'max_stream_duration', [ask({ again: true })], {
    manager: { common_http_protocol_options: { max_stream_duration: '0.15s' } },
    routes: [prefix('/', '<a>', { timeout: '0s' })],
    upstreams: { a: neverAnswer() },
  }),
  h2('settings', 'the settings of a server', [
    async ({ port }) => {
      const client = await H2Client.connect(port);
      const settings = { ...(await client.untilSettings()) };
      client.close();
      return { settings };
    },
  ]),
  h2(
    'settings-configured',
    'the settings that are configured',
    [
      async ({ port }) => {
        const client = await H2Client.connect(port);
        const settings = { ...(await client.untilSettings()) };
        client.close();
        return { settings };
      },
    ],
    {
      manager: {
        http2_protocol_options: {
          max_concurrent_streams: 7,
          initial_stream_window_size: 65_535,
          initial_connection_window_size: 100_000,
          hpack_table_size: 1000,
          allow_connect: true,
        },
      },
    },
  ),
  h2(
    'streams-limit',
    'a stream over max_concurrent_streams',
    [
      async ({ port }) => {
        const client = await H2Client.connect(port);
        await client.untilSettings();
        const first = client.open(head());
        const second = await client.seen(client.open(head()));
        client.close();
        return { first, second };
      },
    ],
    {
      manager: { http2_protocol_options: { max_concurrent_streams: 1 } },
      upstreams: { a: neverAnswer() },
    },
  ),
];

/** Refusals, then resets. */
export const http2Limits: readonly Scenario[] = [...refusals, ...resets];
