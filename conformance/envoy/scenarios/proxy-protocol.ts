/** The PROXY protocol: what clients tell, and what upstreams are told. */
import { ask, call, SAY, TELL, TO, tcp } from '../byte-scenarios.ts';
import { proxyProtocol } from '../pieces.ts';
import { type Scenario, TO_A, type Yaml } from '../scenario.ts';
import { byteServer } from '../server.ts';
import type { Talk } from '../talk.ts';

const V1 = 'PROXY TCP4 10.1.1.1 10.2.2.2 1000 2000\r\n';
const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';
/** A PROXY header of version 2 with an IPv4 peer. */
const v2 = (command: number, family: number, payload: readonly number[], rest = ''): string =>
  `${SIGNATURE}${String.fromCharCode(0x20 | command, family, payload.length >> 8, payload.length & 0xff, ...payload)}${rest}`;
const IPV4 = [10, 1, 1, 1, 10, 2, 2, 2, 3, 232, 7, 208] as const;
const GET = 'GET / HTTP/1.1\r\nhost: h.test\r\nconnection: close\r\n\r\n';
const headers = (...befores: readonly string[]): Talk[] => befores.map((before) => ask({ before, send: GET }));
const told = (name: string, why: string, filter: Yaml, talks: readonly Talk[]): Scenario => ({
  name: `proxy-${name}`,
  why,
  requests: [],
  routes: [TO_A],
  talks,
  masks: [[/127\.0\.0\.1:\d{5}/, '<loopback>']],
  manager: { use_remote_address: true },
  table: {
    request_headers_to_add: [
      'DOWNSTREAM_REMOTE_ADDRESS',
      'DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT',
      'DOWNSTREAM_LOCAL_ADDRESS',
    ].map((each) => ({
      header: { key: `x-${each.toLowerCase().replaceAll('_', '-')}`, value: `%${each}%` },
    })),
  },
  listener: { listener_filters: [filter], filter_chains: [{ filters: ['<manager>'] }] },
});

const proxyHeaders: readonly Scenario[] = [
  told(
    'v1',
    'version 1',
    proxyProtocol(),
    headers(V1, 'PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n', 'PROXY UNKNOWN\r\n', 'PROXY UNKNOWN 1 2 3\r\n'),
  ),
  told(
    'v1-bad',
    'version 1, wrong',
    proxyProtocol(),
    headers(
      'PROXY TCP4 10.1.1.1 10.2.2.2 1000\r\n',
      'PROXY TCP4 10.1.1 10.2.2.2 1 2\r\n',
      'PROXY TCP4 10.1.1.1 10.2.2.2 1000 99999\r\n',
      'PROXY TCP5 10.1.1.1 10.2.2.2 1 2\r\n',
      'PROXY TCP4 ::1 ::2 1 2\r\n',
      'proxy TCP4 10.1.1.1 10.2.2.2 1 2\r\n',
      'PROXY TCP4  10.1.1.1 10.2.2.2 1 2\r\n',
      `PROXY ${'x'.repeat(200)}\r\n`,
      'PROXY TCP4 10.1.1.1 10.2.2.2 1 2\n',
    ),
  ),
  told('none', 'no header', proxyProtocol(), [ask({ send: GET })]),
  told(
    'none-allowed',
    'no header where it may be left out',
    proxyProtocol({ allow_requests_without_proxy_protocol: true }),
    [ask({ send: GET }), ...headers(V1)],
  ),
  told(
    'v2',
    'version 2',
    proxyProtocol(),
    headers(
      v2(1, 0x11, IPV4),
      v2(0, 0x00, []),
      v2(0, 0x11, IPV4),
      v2(1, 0x11, [...IPV4, 4, 0, 1, 0]),
      v2(1, 0x21, [...Array(15).fill(0), 1, ...Array(15).fill(0), 2, 0, 1, 0, 2]),
      v2(1, 0x00, []),
    ),
  ),
  told(
    'v2-bad',
    'version 2, wrong',
    proxyProtocol(),
    headers(
      v2(1, 0x11, IPV4.slice(0, 8)),
      v2(2, 0x11, IPV4),
      v2(1, 0x12, IPV4),
      v2(1, 0x31, IPV4),
      v2(1, 0x41, IPV4),
      v2(1, 0x11, [...IPV4, 4, 0, 9, 0]),
    ),
  ),
  told(
    'v2-not-allowed',
    'a version that is not allowed',
    proxyProtocol({ disallowed_versions: ['V2'] }),
    headers(v2(1, 0x11, IPV4), V1),
  ),
  told(
    'v1-not-allowed',
    'nor version 1',
    proxyProtocol({ disallowed_versions: ['V1'] }),
    headers(v2(1, 0x11, IPV4), V1),
  ),
];

const upstreamProxy = (config: Yaml): Yaml => ({
  transport_socket: {
    name: 'envoy.transport_sockets.upstream_proxy_protocol',
    typed_config: {
      '@type':
        'type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport',
      config,
      transport_socket: {
        name: 'envoy.transport_sockets.raw_buffer',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer' },
      },
    },
  },
});
/** Ports of the client and of the listener are any. */
const PORTS: readonly (readonly [RegExp, string])[] = [
  [/(?<=PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1) \d+ \d+/g, ' <ports>'],
];
const passing = (name: string, why: string, config: Yaml, talks: readonly Talk[], filter?: Yaml): Scenario => ({
  ...tcp(`proxy-${name}`, why, [TO], talks, { clusters: { a: upstreamProxy(config) } }),
  servers: { a: byteServer() },
  masks: PORTS,
  ...(filter === undefined ? {} : { listener: { listener_filters: [filter], filter_chains: [{ filters: [TO] }] } }),
});
const passed: readonly Scenario[] = [
  passing('out-v1', 'a PROXY header for the upstream', { version: 'V1' }, [call(SAY)]),
  passing(
    'out-v1-told',
    'with the addresses that were told',
    { version: 'V1' },
    [call({ ...TELL, before: V1 })],
    proxyProtocol(),
  ),
  passing('out-v2-told', 'in version 2', { version: 'V2' }, [call({ ...TELL, before: V1 })], proxyProtocol()),
  passing(
    'out-tlvs',
    'with TLVs that are passed through',
    { version: 'V2', pass_through_tlvs: { match_type: 'INCLUDE', tlv_type: [0xe0] } },
    [call({ ...TELL, before: v2(1, 0x11, [...IPV4, 0xe0, 0, 2, 65, 66, 0xe1, 0, 1, 67]) })],
    proxyProtocol({ pass_through_tlvs: { match_type: 'INCLUDE_ALL' } }),
  ),
];

/** Headers of clients, then those for upstreams. */
export const proxyHeadersBothWays: readonly Scenario[] = [...proxyHeaders, ...passed];
