/** Rarer options of the connection manager, its codec and its extensions. */
import { answer, type Behaviour } from '@mesh/testing';
import { add, prefix, type RequestSpec, type Scenario, TO_A, type Yaml } from '../scenario.ts';

const option = (
  name: string,
  why: string,
  manager: Yaml,
  requests: Scenario['requests'],
  rest: Partial<Scenario> = {},
): Scenario => ({
  name: `option-${name}`,
  why,
  routes: [TO_A],
  manager,
  requests,
  ...rest,
});
const at = (headers: Readonly<Record<string, string | readonly string[]>>): RequestSpec => ({ headers });
const upstream = (http: Yaml): Partial<Scenario> => ({
  clusters: {
    a: {
      typed_extension_protocol_options: {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
          '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
          ...http,
        },
      },
    },
  },
});
const H1: Yaml = { explicit_http_config: { http_protocol_options: {} } };
const large: Behaviour = answer({ reason: 'OK', headers: { 'x-large': 'y'.repeat(1500) }, body: 'a' });
const ID = '11111111-2222-9333-8444-555555555555';

const extensions: readonly Scenario[] = [
  option(
    'early-mutation',
    'early_header_mutation_extensions change a request before its route is looked up',
    {
      early_header_mutation_extensions: [
        {
          name: 'envoy.http.early_header_mutation.header_mutation',
          typed_config: {
            '@type':
              'type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
            mutations: [{ append: { header: { key: 'x-early', value: '1' } } }, { remove: 'x-gone' }],
          },
        },
      ],
    },
    [at({ 'x-gone': '1' })],
    {
      routes: [
        { match: { prefix: '/', headers: [{ name: 'x-gone' }] }, route: { cluster: '<b>' } },
        { match: { prefix: '/', headers: [{ name: 'x-early' }] }, route: { cluster: '<a>' } },
      ],
    },
  ),
  option(
    'request-id-plain',
    'pack_trace_reason false leaves ids as they are',
    {
      use_remote_address: true,
      preserve_external_request_id: true,
      request_id_extension: {
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig',
          pack_trace_reason: false,
        },
      },
    },
    [at({ 'x-request-id': ID }), '/'],
  ),
  option(
    'detection-cidrs',
    'the xff extension with trusted ranges skips what it trusts',
    {
      original_ip_detection_extensions: [
        {
          name: 'envoy.http.original_ip_detection.xff',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.http.original_ip_detection.xff.v3.XffConfig',
            xff_trusted_cidrs: {
              cidrs: [
                { address_prefix: '127.0.0.0', prefix_len: 8 },
                { address_prefix: '10.0.0.0', prefix_len: 8 },
              ],
            },
            skip_xff_append: true,
          },
        },
      ],
    },
    [
      '1.1.1.1, 10.0.0.1',
      '1.1.1.1, 2.2.2.2, 10.0.0.1, 10.0.0.2',
      '10.0.0.1',
      'x, 10.0.0.1',
      '8.8.8.8, junk, 10.0.0.9',
      'junk, 8.8.8.8, 10.0.0.1',
      'junk',
      '10.0.0.1, 10.0.0.2',
      'x, 10.0.0.1, 10.0.0.2',
    ].map((xff) => at({ 'x-forwarded-for': xff })),
    {
      routes: [
        prefix(
          '/',
          '<a>',
          {},
          { request_headers_to_add: [add('x-client', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%')] },
        ),
      ],
    },
  ),
];

const codec: readonly Scenario[] = [
  option(
    'chunked-length',
    'allow_chunked_length takes the chunks and drops the length',
    { http_protocol_options: { allow_chunked_length: true } },
    [
      {
        raw: 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 99\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      },
    ],
  ),
  option('response-kb', 'max_response_headers_kb of the upstream', {}, ['/'], {
    ...upstream({ ...H1, common_http_protocol_options: { max_response_headers_kb: 1 } }),
    upstreams: { a: large },
  }),
  option('response-count', 'max_headers_count of the upstream', {}, ['/'], {
    ...upstream({ ...H1, common_http_protocol_options: { max_headers_count: 3 } }),
    upstreams: { a: answer({ reason: 'OK', headers: { a: '1', b: '2', c: '3', d: '4' }, body: 'a' }) },
  }),
  option('upstream-requests', 'max_requests_per_connection of the cluster', {}, ['/', '/', '/'], {
    ...upstream({ ...H1, common_http_protocol_options: { max_requests_per_connection: 1 } }),
    counters: ['cluster.a.upstream_cx_total', 'cluster.a.upstream_cx_max_requests'],
  }),
  option('upstream-reuse', 'connections to the upstream are used again', {}, ['/', '/', '/'], {
    counters: ['cluster.a.upstream_cx_total'],
  }),
  option('upstream-closes', 'a response with connection: close is the last on its connection', {}, ['/', '/'], {
    upstreams: { a: answer({ reason: 'OK', headers: { connection: 'close' }, body: 'a' }) },
    counters: ['cluster.a.upstream_cx_total'],
  }),
  option('fully-qualified', 'send_fully_qualified_url of the upstream', {}, ['/x?y'], {
    ...upstream({ explicit_http_config: { http_protocol_options: { send_fully_qualified_url: true } } }),
  }),
  option(
    'stream-error',
    'override_stream_error_on_invalid_http_message: an answer, and the connection goes on where it can',
    { http_protocol_options: { override_stream_error_on_invalid_http_message: true } },
    [{ raw: 'GET / HTTP/1.1\r\n\r\n' }],
  ),
  option('delayed-close-off', 'delayed_close_timeout 0', { delayed_close_timeout: '0s' }, [
    { headers: { connection: 'close' }, untilClosed: true },
  ]),
  option('post-empty', 'a POST without a body', {}, [
    { raw: 'POST / HTTP/1.1\r\nhost: h\r\n\r\n' },
    { raw: 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n' },
    { raw: 'PUT / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n' },
    { raw: 'DELETE / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nab' },
    { raw: 'GET / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nab' },
  ]),
  option('large-body', 'a body larger than the buffers', {}, [{ method: 'POST', body: 'x'.repeat(100_000) }], {
    upstreams: { a: (request, peer) => answer({ reason: 'OK', body: String(request.body.length) })(request, peer) },
    masks: [[/x{1000,}/, '<many>']],
  }),
];

/** Extensions, then the codec and upstream connections. */
export const options: readonly Scenario[] = [...extensions, ...codec];
