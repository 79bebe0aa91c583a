/** All taps. */
import type { Yaml } from '../scenario.ts';
import type { TapScenario } from './scenario.ts';

const CLOSE = 'host: tap.test\r\nconnection: close\r\n';
const get = (path: string, fields = ''): readonly string[] => [`GET ${path} HTTP/1.1\r\n${CLOSE}${fields}\r\n`];
const post = (path: string, body: string): readonly string[] => [
  `POST ${path} HTTP/1.1\r\n${CLOSE}content-length: ${body.length}\r\n\r\n${body}`,
];
/** Chunks with trailers, piece by piece. */
const CHUNKED: readonly string[] = [
  `POST /chunks HTTP/1.1\r\n${CLOSE}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`,
  '3\r\ndef\r\n',
  '0\r\nx-sent: yes\r\n\r\n',
];

const ANY: Yaml = { any_match: true };
const headers = (name: string, value: string): Yaml => ({ headers: [{ name, string_match: { exact: value } }] });
const config = (match: Yaml, sink: Yaml = {}, output: Yaml = {}): Yaml => ({
  match,
  output_config: { sinks: [{ streaming_admin: {}, ...sink }], ...output },
});

const buffered: readonly TapScenario[] = [
  {
    name: 'any',
    why: 'a request without a body',
    tap: config(ANY),
    requests: [get('/hello', 'x-a: 1\r\nx-a: 2\r\n')],
    traces: 1,
  },
  { name: 'bodies', why: 'both bodies as base64', tap: config(ANY), requests: [post('/hello', 'ping')], traces: 1 },
  {
    name: 'strings',
    why: 'both bodies as texts',
    tap: config(ANY, { format: 'JSON_BODY_AS_STRING' }),
    requests: [post('/hello', 'a "quoted" <text>\n')],
    traces: 1,
  },
  { name: 'chunks', why: 'pieces are put together, trailers told', tap: config(ANY), requests: [CHUNKED], traces: 1 },
  {
    name: 'cut',
    why: 'what is over the limits is cut off',
    tap: config(ANY, { format: 'JSON_BODY_AS_STRING' }, { max_buffered_rx_bytes: 2, max_buffered_tx_bytes: 3 }),
    requests: [post('/hello', 'ping'), post('/hello', 'pi')],
    traces: 2,
  },
  {
    name: 'cut-chunks',
    why: 'a piece that begins beyond the limit',
    tap: config(ANY, { format: 'JSON_BODY_AS_STRING' }, { max_buffered_rx_bytes: 3, max_buffered_tx_bytes: 0 }),
    requests: [CHUNKED],
    traces: 1,
  },
  {
    name: 'default-cut',
    why: '1 KiB is the limit',
    tap: config(ANY, { format: 'JSON_BODY_AS_STRING' }),
    requests: [post('/hello', 'x'.repeat(1025))],
    traces: 1,
  },
  { name: 'here', why: 'an answer of the proxy itself', tap: config(ANY), requests: [get('/here')], traces: 1 },
  {
    name: 'extras',
    why: 'times and connections',
    filter: {
      record_headers_received_time: true,
      record_downstream_connection: true,
      record_upstream_connection: true,
    },
    tap: config(ANY),
    requests: [get('/hello'), get('/here')],
    traces: 2,
  },
  {
    name: 'share',
    why: 'the share is told',
    tap: { ...config(ANY), tap_enabled: { default_value: { numerator: 100 } } },
    requests: [get('/hello')],
    traces: 1,
  },
  {
    name: 'no-share',
    why: 'nobody is looked at',
    tap: { ...config(ANY), tap_enabled: { default_value: { numerator: 0, denominator: 'TEN_THOUSAND' } } },
    requests: [get('/hello')],
    traces: 0,
  },
];

/** Chunks without trailers. */
const PIECES: readonly string[] = [
  `POST /pieces HTTP/1.1\r\n${CLOSE}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`,
  '0\r\n\r\n',
];

/** What protobuf escapes in JSON, and bytes that are no text. */
const ODD = "\x7f\x80\xad\u0600\u06dd\u070f\u17b4\u200a\u200b\u2028\u2060\u206a\ufeff\ufff9\u{1d173}é\u0001\t/\\&'";

const matching: readonly TapScenario[] = [
  {
    name: 'request-headers',
    why: 'one of two requests has the header',
    tap: config({ http_request_headers_match: headers('x-tap', 'yes') }),
    requests: [get('/hello', 'x-tap: no\r\n'), get('/hello', 'x-tap: yes\r\n')],
    traces: 1,
  },
  {
    name: 'response-headers',
    why: 'known only with the response',
    tap: config({ http_response_headers_match: headers('x-answer', 'hello') }),
    requests: [post('/hello', 'ping'), CHUNKED],
    traces: 1,
  },
  {
    name: 'trailers',
    why: 'those of the request and of the response',
    tap: config({
      and_match: {
        rules: [
          { http_request_trailers_match: headers('x-sent', 'yes') },
          { http_response_trailers_match: headers('x-end', 'yes') },
        ],
      },
    }),
    requests: [post('/hello', 'ping'), CHUNKED],
    traces: 1,
  },
  {
    name: 'no-trailers',
    why: 'a negated match of trailers that never come',
    tap: config({ not_match: { http_request_trailers_match: headers('x-sent', 'yes') } }),
    requests: [post('/hello', 'ping'), CHUNKED],
    traces: 0,
  },
  {
    name: 'empty-headers',
    why: 'a match without headers holds',
    tap: config({ http_request_headers_match: {} }),
    requests: [get('/here')],
    traces: 1,
  },
  {
    name: 'or',
    why: 'one of the two is enough',
    tap: config({
      or_match: {
        rules: [
          { http_request_headers_match: headers(':path', '/here') },
          { http_response_headers_match: headers(':status', '201') },
        ],
      },
    }),
    requests: [get('/here'), get('/hello'), CHUNKED],
    traces: 2,
  },
  {
    name: 'not',
    why: 'all others',
    tap: config({ not_match: { http_request_headers_match: headers(':path', '/here') } }),
    requests: [get('/here'), get('/hello')],
    traces: 1,
  },
  {
    name: 'request-body',
    why: 'all patterns, across pieces',
    tap: config({
      http_request_generic_body_match: { patterns: [{ string_match: 'cd' }, { binary_match: 'ZWY=' }] },
    }),
    requests: [CHUNKED, post('/hello', 'cd')],
    traces: 1,
  },
  {
    name: 'body-limit',
    why: 'beyond the limit it is not looked for',
    tap: config({ http_response_generic_body_match: { bytes_limit: 4, patterns: [{ string_match: 'll' }] } }),
    requests: [get('/hello'), get('/chunks')],
    traces: 1,
  },
  {
    name: 'body-limit-edge',
    why: 'a text that begins before the limit and ends behind it',
    tap: config({ http_response_generic_body_match: { bytes_limit: 3, patterns: [{ string_match: 'll' }] } }),
    requests: [get('/hello')],
    traces: 0,
  },
  {
    name: 'old-match',
    why: 'the deprecated field',
    tap: { match_config: ANY, output_config: { sinks: [{ streaming_admin: {} }] } },
    requests: [get('/here')],
    traces: 1,
  },
];

const streamed: readonly TapScenario[] = [
  {
    name: 'streamed',
    why: 'a piece at a time',
    tap: config(ANY, {}, { streaming: true }),
    requests: [CHUNKED],
    traces: 8,
  },
  {
    name: 'streamed-late',
    why: 'what was held back until the response matched comes first',
    tap: config({ http_response_headers_match: headers('x-answer', 'chunks') }, {}, { streaming: true }),
    requests: [get('/hello'), CHUNKED],
    traces: 7,
  },
  {
    name: 'streamed-end',
    why: 'a match at the very end',
    tap: config({ http_response_trailers_match: headers('x-end', 'yes') }, {}, { streaming: true }),
    requests: [CHUNKED],
    traces: 6,
  },
  {
    name: 'streamed-cut',
    why: 'the limit is one of a piece',
    tap: config(ANY, { format: 'JSON_BODY_AS_STRING' }, { streaming: true, max_buffered_rx_bytes: 2 }),
    requests: [CHUNKED],
    traces: 8,
  },
];

const odd: readonly TapScenario[] = [
  { name: 'pieces', why: 'a body whose end is a part of its own', tap: config(ANY), requests: [PIECES], traces: 1 },
  {
    name: 'streamed-pieces',
    why: 'the same, a piece at a time',
    tap: { ...config(ANY, {}, { streaming: true }), tap_enabled: { default_value: { numerator: 100 } } },
    requests: [PIECES],
    traces: 4,
  },
  {
    name: 'odd',
    why: 'characters that are escaped',
    tap: config(ANY, { format: 'JSON_BODY_AS_STRING' }),
    requests: [[`POST /hello HTTP/1.1\r\n${CLOSE}content-length: ${Buffer.byteLength(ODD)}\r\nx-a: é<\r\n\r\n${ODD}`]],
    traces: 1,
  },
];

const admin: readonly TapScenario[] = [
  {
    name: 'most',
    why: 'it ends with the second trace',
    tap: config(ANY, { streaming_admin: undefined as never, buffered_admin: { max_traces: 2 } }),
    // A third one Envoy taps or not: its threads hear later of the end.
    requests: [get('/here'), get('/here')],
    traces: 2,
    ends: true,
  },
  {
    name: 'timeout',
    why: 'it ends with what there is',
    tap: config(ANY, { streaming_admin: undefined as never, buffered_admin: { max_traces: 9, timeout: '0.5s' } }),
    requests: [get('/here')],
    traces: 1,
    ends: true,
  },
  {
    name: 'twice',
    why: 'one at a time',
    tap: config(ANY),
    requests: [get('/here')],
    traces: 1,
    meanwhile: 'config_id: twice',
  },
  ...(
    [
      ['no-body', ''],
      [
        'unknown',
        'config_id: nobody\ntap_config: {match: {any_match: true}, output_config: {sinks: [{streaming_admin: {}}]}}',
      ],
      [
        'json',
        '{"config_id": "nobody", "tapConfig": {"match": {"anyMatch": true}, "outputConfig": {"sinks": [{"streamingAdmin": {}}]}}}',
      ],
    ] as const
  ).map(([name, tap]) => ({ name, why: 'what is refused', tap, requests: [], traces: 0, ends: true })),
];

/** All of them. */
export const tapScenarios: readonly TapScenario[] = [...buffered, ...matching, ...streamed, ...odd, ...admin];
