/** The same for listeners, HTTP/2 and network filters. */
import {
  HTTP_INSPECTOR,
  listenerFilter,
  network,
  proxyProtocol,
  says,
  speaking,
  TLS_INSPECTOR,
  tcpProxy,
} from './pieces.ts';
import type { Edge } from './refusals.ts';
import { TO_A, type Yaml } from './scenario.ts';

const edge = (name: string, why: string, rest: Partial<Edge>): Edge => ({ name, why, routes: [TO_A], ...rest });
const listener = (name: string, why: string, fields: Yaml): Edge => edge(`listener-${name}`, why, { listener: fields });
const chains = (name: string, why: string, ...matches: readonly Yaml[]): Edge =>
  listener(`chains-${name}`, why, {
    listener_filters: [TLS_INSPECTOR],
    filter_chains: matches.map((filter_chain_match, at) => ({
      name: `c${at}`,
      filter_chain_match,
      filters: [says('x')],
    })),
  });
const filter = (name: string, why: string, ...filters: readonly Yaml[]): Edge =>
  edge(`filter-${name}`, why, { listener: { filter_chains: [{ filters }] }, clusters: { a: {} } });
const tcp = (name: string, why: string, config: Yaml): Edge => filter(`tcp-${name}`, why, tcpProxy(config));
const h2 = (name: string, why: string, http2_protocol_options: Yaml): Edge =>
  edge(`h2-${name}`, why, { manager: { http2_protocol_options } });
const cluster = (name: string, why: string, fields: Yaml): Edge =>
  edge(`cluster-${name}`, why, { clusters: { a: fields } });
const range = (address_prefix: string, prefix_len?: number): Yaml => ({
  address_prefix,
  ...(prefix_len === undefined ? {} : { prefix_len }),
});
const rbac = (config: Yaml): Yaml => network('rbac', 'rbac.v3.RBAC', { stat_prefix: 'r', ...config });
const policy = (permissions: readonly Yaml[], principals: readonly Yaml[]): Yaml => ({
  rules: { policies: { p: { permissions, principals } } },
});
const RAW: Yaml = {
  transport_socket: {
    name: 'envoy.transport_sockets.raw_buffer',
    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer' },
  },
};
const ANY: Yaml = { any: true };

const listeners: readonly Edge[] = [
  chains('same', 'two chains of one match', { destination_port: 1 }, { destination_port: 1 }),
  chains('same-empty', 'two chains without a match', {}, {}),
  chains('overlap', 'matches that share a name', { server_names: ['a.test', 'b.test'] }, { server_names: ['b.test'] }),
  chains('overlap-ports', 'matches that share a source port', { source_ports: [1, 2] }, { source_ports: [2] }),
  chains(
    'overlap-range',
    'one range, written in two ways',
    { prefix_ranges: [range('10.1.2.3', 8)] },
    { prefix_ranges: [range('10.9.9.9', 8)] },
  ),
  chains('case', 'one name in two spellings', { server_names: ['a.test'] }, { server_names: ['A.test'] }),
  chains('star', 'a name that is a star', { server_names: ['*'] }),
  chains('partial', 'a star within a label', { server_names: ['x*.a.test'] }),
  chains('suffix-dot', 'a star and a dot', { server_names: ['*.'] }),
  chains('empty-name', 'a name without letters', { server_names: [''] }),
  chains('port-zero', 'port 0', { destination_port: 0 }),
  chains('port-large', 'a port over 65535', { destination_port: 65_536 }),
  chains('source-port-zero', 'source port 0', { source_ports: [0] }),
  chains('source-type', 'a source type that is none', { source_type: 'NEAR' }),
  chains('bad-range', 'an address that is none', { prefix_ranges: [range('10.1.2', 8)] }),
  chains('long-range', 'an IPv4 range of 33 bits', { prefix_ranges: [range('10.1.2.3', 33)] }),
  chains('range-no-length', 'a range without a length', { prefix_ranges: [range('10.1.2.3')] }),
  chains('transport', 'a transport protocol that nobody finds', { transport_protocol: 'quic' }),
  chains('suffix', 'address_suffix', { address_suffix: '10.0.0.0', suffix_len: 8 }),
  listener('none', 'no chain', { filter_chains: [] }),
  listener('only-default', 'a default chain alone', {
    filter_chains: [],
    default_filter_chain: { filters: [says('x')] },
  }),
  listener('no-filters', 'a chain without filters', { filter_chains: [{ filters: [] }] }),
  listener('unknown-filter', 'a network filter that nobody knows', {
    filter_chains: [{ filters: [{ name: 'nonsense' }] }],
  }),
  listener('unknown-listener-filter', 'a listener filter that nobody knows', {
    listener_filters: [{ name: 'nonsense' }],
    filter_chains: [{ filters: [says('x')] }],
  }),
  listener('same-names', 'two chains of one name', {
    filter_chains: [1, 2].map((destination_port) => ({
      name: 'x',
      filter_chain_match: { destination_port },
      filters: [says('x')],
    })),
  }),
  listener('timeout-negative', 'a negative timeout', {
    listener_filters_timeout: '-1s',
    filter_chains: [{ filters: [says('x')] }],
  }),
  listener('proxy-versions', 'PROXY versions that are none', {
    listener_filters: [proxyProtocol({ disallowed_versions: ['V3'] })],
    filter_chains: [{ filters: [says('x')] }],
  }),
  listener('proxy-tlv', 'a TLV over 255', {
    listener_filters: [proxyProtocol({ rules: [{ tlv_type: 256, on_tlv_present: { key: 'k' } }] })],
    filter_chains: [{ filters: [says('x')] }],
  }),
  listener('proxy-rule-no-key', 'a TLV without a key', {
    listener_filters: [proxyProtocol({ rules: [{ tlv_type: 1, on_tlv_present: { key: '' } }] })],
    filter_chains: [{ filters: [says('x')] }],
  }),
  listener('inspector-buffer', 'a first read that is too small', {
    listener_filters: [
      listenerFilter('tls_inspector', 'tls_inspector.v3.TlsInspector', { initial_read_buffer_size: 100 }),
    ],
    filter_chains: [{ filters: [says('x')] }],
  }),
  listener('two-inspectors', 'an inspector twice', {
    listener_filters: [TLS_INSPECTOR, TLS_INSPECTOR, HTTP_INSPECTOR],
    filter_chains: [{ filters: [says('x')] }],
  }),
];

const filters: readonly Edge[] = [
  tcp('no-cluster', 'tcp_proxy without a cluster', {}),
  tcp('empty-cluster', 'an empty cluster', { cluster: '' }),
  tcp('unknown-cluster', 'a cluster that does not exist', { cluster: 'nobody' }),
  tcp('two-clusters', 'a cluster and weights', {
    cluster: '<a>',
    weighted_clusters: { clusters: [{ name: '<a>', weight: 1 }] },
  }),
  tcp('no-prefix', 'no stat_prefix', { cluster: '<a>', stat_prefix: '' }),
  tcp('weights-none', 'no weights', { weighted_clusters: { clusters: [] } }),
  tcp('weight-zero', 'a weight of nothing', { weighted_clusters: { clusters: [{ name: '<a>', weight: 0 }] } }),
  tcp('weight-no-name', 'a weight without a name', { weighted_clusters: { clusters: [{ weight: 1 }] } }),
  tcp('attempts-zero', 'no attempt', { cluster: '<a>', max_connect_attempts: 0 }),
  tcp('duration-zero', 'a duration of nothing', { cluster: '<a>', max_downstream_connection_duration: '0s' }),
  tcp('idle-negative', 'a negative idle timeout', { cluster: '<a>', idle_timeout: '-1s' }),
  tcp('tunnel-no-host', 'tunneling without a host', { cluster: '<a>', tunneling_config: {} }),
  tcp('tunnel', 'tunneling', { cluster: '<a>', tunneling_config: { hostname: 'x.test:443' } }),
  tcp('hash-two', 'two hash policies', { cluster: '<a>', hash_policy: [{ source_ip: {} }, { source_ip: {} }] }),
  tcp('hash-nothing', 'a hash policy of nothing', { cluster: '<a>', hash_policy: [{}] }),
  tcp('mode', 'a mode without data', { cluster: '<a>', upstream_connect_mode: 'ON_DOWNSTREAM_DATA' }),
  filter(
    'not-terminal',
    'a chain without an end',
    network('connection_limit', 'connection_limit.v3.ConnectionLimit', { stat_prefix: 'x', max_connections: 1 }),
  ),
  filter('after-terminal', 'a filter behind the end', tcpProxy({ cluster: '<a>' }), says('x')),
  filter('two-terminal', 'two ends', says('x'), tcpProxy({ cluster: '<a>' })),
  filter('no-name', 'a filter without a name', { ...says('x'), name: '' }),
  filter(
    'limit-zero',
    'no connection at all',
    network('connection_limit', 'connection_limit.v3.ConnectionLimit', { stat_prefix: 'x', max_connections: 0 }),
    says('x'),
  ),
  filter(
    'limit-none',
    'no limit',
    network('connection_limit', 'connection_limit.v3.ConnectionLimit', { stat_prefix: 'x' }),
    says('x'),
  ),
  filter(
    'limit-delay',
    'a negative delay',
    network('connection_limit', 'connection_limit.v3.ConnectionLimit', {
      stat_prefix: 'x',
      max_connections: 1,
      delay: '-1s',
    }),
    says('x'),
  ),
  filter(
    'ratelimit-none',
    'no bucket',
    network('local_ratelimit', 'local_ratelimit.v3.LocalRateLimit', { stat_prefix: 'x' }),
    says('x'),
  ),
  filter(
    'ratelimit-fast',
    'a bucket that is filled every 10 ms',
    network('local_ratelimit', 'local_ratelimit.v3.LocalRateLimit', {
      stat_prefix: 'x',
      token_bucket: { max_tokens: 1, fill_interval: '0.01s' },
    }),
    says('x'),
  ),
  filter(
    'ratelimit-zero',
    'a bucket of nothing',
    network('local_ratelimit', 'local_ratelimit.v3.LocalRateLimit', {
      stat_prefix: 'x',
      token_bucket: { max_tokens: 0, fill_interval: '1s' },
    }),
    says('x'),
  ),
  filter('rbac-none', 'no rules', rbac({}), says('x')),
  filter('rbac-no-prefix', 'no stat_prefix', rbac({ stat_prefix: '' }), says('x')),
  filter('rbac-no-permissions', 'a policy without permissions', rbac(policy([], [ANY])), says('x')),
  filter('rbac-no-principals', 'a policy without principals', rbac(policy([ANY], [])), says('x')),
  filter(
    'rbac-header',
    'a rule about a field',
    rbac(policy([{ header: { name: 'x', present_match: true } }], [ANY])),
    says('x'),
  ),
  filter(
    'rbac-header-principal',
    'a principal of a field',
    rbac(policy([ANY], [{ header: { name: 'x', present_match: true } }])),
    says('x'),
  ),
  filter('rbac-path', 'a rule about a path', rbac(policy([{ url_path: { path: { exact: '/' } } }], [ANY])), says('x')),
  filter('rbac-any-false', 'any: false', rbac(policy([{ any: false }], [ANY])), says('x')),
  filter('rbac-empty-rule', 'a rule of nothing', rbac(policy([{}], [ANY])), says('x')),
  filter('rbac-empty-and', 'a list of nothing', rbac(policy([{ and_rules: { rules: [] } }], [ANY])), says('x')),
  filter('rbac-port', 'a port over 65535', rbac(policy([{ destination_port: 70_000 }], [ANY])), says('x')),
  filter(
    'rbac-port-range',
    'a range that ends before it begins',
    rbac(policy([{ destination_port_range: { start: 5, end: 1 } }], [ANY])),
    says('x'),
  ),
  filter('rbac-action', 'an action that is none', rbac({ rules: { action: 'MAYBE', policies: {} } }), says('x')),
];

const protocols: readonly Edge[] = [
  h2('streams-zero', 'no stream', { max_concurrent_streams: 0 }),
  h2('streams-large', 'more streams than there are', { max_concurrent_streams: 2_147_483_648 }),
  h2('window-small', 'a window under 65535', { initial_stream_window_size: 65_534 }),
  h2('window-large', 'a window over 2^31-1', { initial_stream_window_size: 2_147_483_648 }),
  h2('connection-window-small', 'a window of the connection under 65535', { initial_connection_window_size: 100 }),
  h2('table-zero', 'no table', { hpack_table_size: 0 }),
  h2('control-zero', 'no control frame', { max_outbound_control_frames: 0 }),
  h2('outbound-zero', 'no frame', { max_outbound_frames: 0 }),
  h2('data-ratio-zero', 'a ratio of nothing', { max_inbound_window_update_frames_per_data_frame_sent: 0 }),
  h2('keepalive-no-timeout', 'a keepalive without a timeout', { connection_keepalive: { interval: '1s' } }),
  h2('keepalive-no-interval', 'a keepalive without an interval', { connection_keepalive: { timeout: '1s' } }),
  h2('keepalive-fast', 'a keepalive of half a millisecond', {
    connection_keepalive: { interval: '0.0005s', timeout: '1s' },
  }),
  h2('settings-twice', 'a setting in two ways', {
    max_concurrent_streams: 5,
    custom_settings_parameters: [{ identifier: 3, value: 6 }],
  }),
  h2('settings-same', 'the same in two ways', {
    max_concurrent_streams: 5,
    custom_settings_parameters: [{ identifier: 3, value: 5 }],
  }),
  h2('settings-repeated', 'a setting twice', {
    custom_settings_parameters: [
      { identifier: 99, value: 6 },
      { identifier: 99, value: 7 },
    ],
  }),
  h2('settings-large', 'a setting over 65535', { custom_settings_parameters: [{ identifier: 65_536, value: 6 }] }),
  h2('settings-push', 'a server that pushes', { custom_settings_parameters: [{ identifier: 2, value: 1 }] }),
  h2('metadata', 'metadata frames', { allow_metadata: true }),
  edge('h2-codec-bad', 'a codec that is none', { manager: { codec_type: 'HTTP4' } }),
  edge('h2-codec-http3', 'HTTP/3 over TCP', { manager: { codec_type: 'HTTP3' } }),
  cluster('http-none', 'protocol options of nothing', speaking({})),
  cluster(
    'http-two',
    'two kinds of them',
    speaking({ explicit_http_config: { http_protocol_options: {} }, use_downstream_protocol_config: {} }),
  ),
  cluster('http-explicit-none', 'an explicit protocol that is none', speaking({ explicit_http_config: {} })),
  cluster(
    'http-auto-plain',
    'auto_config without TLS',
    speaking({ auto_config: { http_protocol_options: {}, http2_protocol_options: {} } }),
  ),
  cluster('http-both', 'the old field beside the new', {
    http2_protocol_options: {},
    ...speaking({ explicit_http_config: { http_protocol_options: {} } }),
  }),
  cluster('http-old-both', 'both old fields', { http_protocol_options: {}, http2_protocol_options: {} }),
  cluster(
    'http-h2-window',
    'a window that is too small',
    speaking({ explicit_http_config: { http2_protocol_options: { initial_stream_window_size: 1 } } }),
  ),
  cluster(
    'http-auto-sni-plain',
    'auto_sni without TLS',
    speaking({
      explicit_http_config: { http_protocol_options: {} },
      upstream_http_protocol_options: { auto_sni: true },
    }),
  ),
  cluster('http-unknown-extension', 'options of an extension that nobody knows', {
    typed_extension_protocol_options: { nonsense: { '@type': 'type.googleapis.com/google.protobuf.Struct' } },
  }),
  cluster('proxy-version', 'a PROXY version that is none', {
    transport_socket: {
      name: 'envoy.transport_sockets.upstream_proxy_protocol',
      typed_config: {
        '@type':
          'type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport',
        config: { version: 'V3' },
        ...RAW,
      },
    },
  }),
  cluster('proxy-no-inner', 'PROXY without what it wraps', {
    transport_socket: {
      name: 'envoy.transport_sockets.upstream_proxy_protocol',
      typed_config: {
        '@type':
          'type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport',
        config: { version: 'V1' },
      },
    },
  }),
  cluster('matches-same-name', 'two transport socket matches of one name', {
    transport_socket_matches: [1, 2].map((at) => ({ name: 'x', match: { at }, ...RAW })),
  }),
  cluster('matches-no-name', 'a transport socket match without a name', {
    transport_socket_matches: [{ match: {}, ...RAW }],
  }),
  cluster('socket-untyped', 'a transport socket by its name alone', {
    transport_socket: { name: 'envoy.transport_sockets.raw_buffer' },
  }),
];

/** All of them. */
export const networkEdges: readonly Edge[] = [...listeners, ...filters, ...protocols];
