/** Trust: x-forwarded-for, internal and external requests, request ids. */
import { prefix, type RequestSpec, type Scenario, TO_A, type Yaml } from '../scenario.ts';

const at = (headers: Readonly<Record<string, string | readonly string[]>>): RequestSpec => ({ headers });
const ranges = (...list: readonly (readonly [string, number])[]): Yaml => ({
  cidr_ranges: list.map(([address_prefix, prefix_len]) => ({ address_prefix, prefix_len })),
});
const TEN = ranges(['10.0.0.0', 8]);
const LOCAL = ranges(['127.0.0.0', 8]);
const ID = '11111111-2222-4333-8444-555555555555';
const SAMPLED = '11111111-2222-9333-8444-555555555555';

/** Every x-envoy field that a client might try. */
const FORGED = {
  'x-envoy-internal': 'true',
  'x-envoy-external-address': '1.2.3.4',
  'x-envoy-retry-on': '5xx',
  'x-envoy-retry-grpc-on': 'internal',
  'x-envoy-max-retries': '3',
  'x-envoy-retriable-status-codes': '404',
  'x-envoy-retriable-header-names': 'x',
  'x-envoy-upstream-alt-stat-name': 'alt',
  'x-envoy-upstream-rq-timeout-ms': '5000',
  'x-envoy-upstream-rq-per-try-timeout-ms': '4000',
  'x-envoy-upstream-rq-timeout-alt-response': '1',
  'x-envoy-upstream-stream-duration-ms': '7000',
  'x-envoy-expected-rq-timeout-ms': '6000',
  'x-envoy-hedge-on-per-try-timeout': 'false',
  'x-envoy-force-trace': 'true',
  'x-envoy-ip-tags': 'tag',
  'x-envoy-original-url': 'http://forged/',
  'x-envoy-original-path': '/forged',
  'x-envoy-original-host': 'forged',
  'x-envoy-decorator-operation': 'op',
  'x-envoy-downstream-service-cluster': 'c',
  'x-envoy-downstream-service-node': 'n',
  'x-envoy-attempt-count': '9',
  'x-envoy-something-else': 'kept',
  'x-client-trace-id': 'client-id',
};

const trust = (
  name: string,
  why: string,
  manager: Yaml,
  requests: Scenario['requests'],
  rest: Partial<Scenario> = {},
): Scenario => ({
  name: `forward-${name}`,
  why,
  routes: [TO_A],
  manager,
  requests,
  ...rest,
});

const XFF = [
  '1.1.1.1',
  '1.1.1.1, 2.2.2.2',
  '1.1.1.1,2.2.2.2, 10.0.0.3',
  'nonsense',
  '1.1.1.1:80',
  '[::1]',
  'a,b,c',
  '',
];
const chains: readonly RequestSpec[] = ['/none', ...XFF].map((xff) =>
  xff === '/none' ? {} : at({ 'x-forwarded-for': xff }),
);

const addresses: readonly Scenario[] = [
  trust('default', 'by default x-forwarded-for is not touched', {}, chains),
  trust('edge', 'use_remote_address appends the peer', { use_remote_address: true }, chains),
  trust(
    'edge-hops',
    'with trusted hops the client is the entry so far from the right',
    { use_remote_address: true, xff_num_trusted_hops: 1 },
    chains,
  ),
  trust('edge-two-hops', 'two trusted hops', { use_remote_address: true, xff_num_trusted_hops: 2 }, chains),
  trust('hops', 'hops without use_remote_address', { xff_num_trusted_hops: 1 }, chains),
  trust('edge-skip-append', 'skip_xff_append', { use_remote_address: true, skip_xff_append: true }, [
    '/',
    at({ 'x-forwarded-for': '1.1.1.1' }),
  ]),
  trust('repeated-xff', 'several lines of x-forwarded-for', { use_remote_address: true }, [
    at({ 'x-forwarded-for': ['1.1.1.1', '2.2.2.2'] }),
  ]),
  trust(
    'mapped',
    'represent_ipv4_remote_address_as_ipv4_mapped_ipv6',
    { use_remote_address: true, represent_ipv4_remote_address_as_ipv4_mapped_ipv6: true },
    ['/'],
  ),
  trust('proto', 'x-forwarded-proto of a client: kept by default', {}, [
    at({ 'x-forwarded-proto': 'https' }),
    at({ 'x-forwarded-proto': 'HTTPS' }),
    at({ 'x-forwarded-proto': 'gopher' }),
    at({ 'x-forwarded-proto': '' }),
  ]),
  trust('proto-edge', 'and overwritten at the edge', { use_remote_address: true }, [
    at({ 'x-forwarded-proto': 'https' }),
  ]),
  trust('proto-edge-hops', 'unless a hop is trusted', { use_remote_address: true, xff_num_trusted_hops: 1 }, [
    at({ 'x-forwarded-proto': 'https', 'x-forwarded-for': '1.1.1.1' }),
    '/',
  ]),
  trust('port', 'append_x_forwarded_port', { append_x_forwarded_port: true, use_remote_address: true }, ['/'], {
    masks: [[/^(?!15000$)\d{4,5}$/, '<port>']],
  }),
  trust(
    'scheme-overwrite',
    'scheme_header_transformation',
    { scheme_header_transformation: { scheme_to_overwrite: 'https' } },
    ['/'],
    {
      routes: [
        {
          match: { prefix: '/', headers: [{ name: ':scheme', string_match: { exact: 'https' } }] },
          route: { cluster: '<b>' },
        },
        TO_A,
      ],
    },
  ),
  trust(
    'extension-xff',
    'the xff extension in place of the fields',
    {
      original_ip_detection_extensions: [
        {
          name: 'envoy.http.original_ip_detection.xff',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.http.original_ip_detection.xff.v3.XffConfig',
            xff_num_trusted_hops: 1,
          },
        },
      ],
    },
    chains,
  ),
  trust(
    'extension-header',
    'the client address from a header',
    {
      original_ip_detection_extensions: [
        {
          name: 'envoy.http.original_ip_detection.custom_header',
          typed_config: {
            '@type':
              'type.googleapis.com/envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig',
            header_name: 'x-real-ip',
            allow_extension_to_set_address_as_trusted: true,
            reject_with_status: { code: 'Unauthorized' },
          },
        },
      ],
      internal_address_config: TEN,
    },
    [at({ 'x-real-ip': '10.1.1.1' }), at({ 'x-real-ip': '1.1.1.1' }), at({ 'x-real-ip': 'nonsense' }), '/'],
  ),
];

const internals: readonly Scenario[] = [
  trust(
    'internal-single-xff',
    'internal: exactly one address, and that in the ranges',
    { internal_address_config: TEN },
    [
      at({ 'x-forwarded-for': '10.0.0.1' }),
      at({ 'x-forwarded-for': '1.1.1.1, 10.0.0.1' }),
      at({ 'x-forwarded-for': '10.0.0.2, 10.0.0.1' }),
      at({ 'x-forwarded-for': '1.1.1.1' }),
      '/',
    ],
  ),
  trust('internal-unset', 'without internal_address_config nothing is internal', {}, [
    at({ 'x-forwarded-for': '10.0.0.1' }),
  ]),
  trust(
    'internal-peer',
    'with use_remote_address the peer counts, and only without x-forwarded-for',
    { use_remote_address: true, internal_address_config: LOCAL },
    ['/', at({ 'x-forwarded-for': '127.0.0.1' })],
  ),
  trust('forged-external', 'what an external client may not set is removed', {}, [at(FORGED)]),
  trust('forged-edge', 'and more at the edge', { use_remote_address: true }, [at(FORGED)]),
  trust('forged-internal', 'an internal client keeps it', { internal_address_config: TEN }, [
    at({ ...FORGED, 'x-forwarded-for': '10.0.0.1' }),
  ]),
  trust(
    'forged-edge-internal',
    'an internal client at the edge',
    { use_remote_address: true, internal_address_config: LOCAL },
    [at(FORGED)],
  ),
];

const ids: readonly Scenario[] = [
  trust('id-made', 'a request without id gets one', {}, ['/', { headers: { 'x-request-id': '' } }]),
  trust('id-kept', 'behind the edge an id is kept', {}, [
    at({ 'x-request-id': ID }),
    at({ 'x-request-id': SAMPLED }),
    at({ 'x-request-id': 'any-text' }),
  ]),
  trust('id-edge', 'at the edge it is made anew', { use_remote_address: true }, [at({ 'x-request-id': SAMPLED })], {
    masks: [],
  }),
  trust(
    'id-edge-preserved',
    'unless preserve_external_request_id',
    { use_remote_address: true, preserve_external_request_id: true },
    [at({ 'x-request-id': ID }), at({ 'x-request-id': SAMPLED }), at({ 'x-request-id': 'any-text' }), '/'],
  ),
  trust('id-none', 'generate_request_id false', { generate_request_id: false }, ['/', at({ 'x-request-id': ID })]),
  trust(
    'id-none-edge',
    'generate_request_id false at the edge',
    { generate_request_id: false, use_remote_address: true },
    ['/', at({ 'x-request-id': ID })],
  ),
  trust('id-in-response', 'always_set_request_id_in_response', { always_set_request_id_in_response: true }, [
    '/',
    at({ 'x-request-id': ID }),
  ]),
  trust(
    'id-force-trace',
    'x-envoy-force-trace of an internal client brings the id into the response',
    { internal_address_config: TEN },
    [
      at({ 'x-forwarded-for': '10.0.0.1', 'x-envoy-force-trace': '1', 'x-request-id': ID }),
      at({ 'x-envoy-force-trace': '1', 'x-request-id': ID }),
    ],
  ),
  trust('user-agent', 'add_user_agent', { add_user_agent: true }, [{}, at({ 'user-agent': 'own' })]),
];

const hopByHop: readonly Scenario[] = [
  trust('hop-by-hop', 'fields of one hop are not passed on', {}, [
    at({
      connection: 'keep-alive, x-private',
      'x-private': '1',
      'keep-alive': 'timeout=5',
      'proxy-connection': 'keep-alive',
      te: 'trailers, deflate',
    }),
    at({ te: 'gzip' }),
    at({ te: 'trailers' }),
    at({ upgrade: 'h2c', connection: 'upgrade, http2-settings', 'http2-settings': 'AAAA' }),
  ]),
  trust('referer', 'a referer that is no URL, or comes twice, is removed', {}, [
    at({ referer: 'http://x.test/a' }),
    at({ referer: 'nonsense' }),
    at({ referer: ['http://x.test/', 'http://y.test/'] }),
    at({ referer: '/relative' }),
    at({ referer: 'https://x.test' }),
  ]),
  trust('other-fields', 'unknown fields are passed on, lower case, in their lines', {}, [
    at({
      'X-Mixed-Case': 'Value',
      'x-twice': ['1', '2'],
      cookie: ['a=1', 'b=2'],
      'user-agent': 'u',
      accept: ['a', 'b'],
      'x-empty': '',
    }),
  ]),
  {
    ...trust('via', 'via is appended in both directions', { via: 'proxy' }, ['/', at({ via: '1.1 first' })]),
    routes: [prefix('/')],
  },
];

export const forwarding: readonly Scenario[] = [...addresses, ...internals, ...ids, ...hopByHop];
