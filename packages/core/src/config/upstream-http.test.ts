import { describe, expect, it } from 'vitest';
import { clusterSettings, clusterTransports } from './build.ts';
import { clusterSchema } from './cluster.ts';
import { expectRefused, type Refused, refusals } from './fixture.ts';
import { upstreamHttpOptionsName, upstreamHttpOptionsOf } from './upstream-http.ts';

const typed = (more: object) => ({
  typed_extension_protocol_options: {
    [upstreamHttpOptionsName]: { '@type': `type.googleapis.com/${upstreamHttpOptionsName}`, ...more },
  },
});
const typedHttp = (more: object) => cluster(typed(more));
const cluster = (more: object): object => ({ name: 'c', ...more });
const explicit = { explicit_http_config: { http_protocol_options: {} } };
const base = `typed_extension_protocol_options.${upstreamHttpOptionsName}`;
const TLS = {
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    sni: 'a',
  },
};
const RAW = {
  name: 'envoy.transport_sockets.raw_buffer',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer' },
};
const noAlpn = `${base}.auto_config: ALPN configured for cluster c which has a non-ALPN transport socket`;

const refused: readonly Refused[] = [
  ...(['http_protocol_options', 'http2_protocol_options', 'upstream_http_protocol_options'] as const).map(
    (field): Refused => [
      `${field} beside the typed options`,
      clusterSchema,
      () => cluster({ ...typed(explicit), [field]: {} }),
      `${field}: cannot be given beside ${upstreamHttpOptionsName}`,
    ],
  ),
  [
    'protocol_selection beside the typed options',
    clusterSchema,
    () => cluster({ ...typed(explicit), protocol_selection: 'USE_DOWNSTREAM_PROTOCOL' }),
    `protocol_selection: cannot be given beside ${upstreamHttpOptionsName}`,
  ],
  [
    'two limits of requests',
    clusterSchema,
    () =>
      cluster({
        max_requests_per_connection: 3,
        ...typed({ ...explicit, common_http_protocol_options: { max_requests_per_connection: 4 } }),
      }),
    'max_requests_per_connection: Only one of max_requests_per_connection from Cluster or HttpProtocolOptions can be specified',
  ],
  [
    'both protocols',
    clusterSchema,
    () => cluster({ http_protocol_options: {}, http2_protocol_options: {} }),
    "http2_protocol_options: cluster: Both HTTP1 and HTTP2 options may only be configured with non-default 'protocol_selection' values",
  ],
  [
    'an explicit config of nothing',
    clusterSchema,
    () => typedHttp({ explicit_http_config: {} }),
    `${base}.explicit_http_config: needs one of http_protocol_options, http2_protocol_options`,
  ],
  ['auto_config without TLS', clusterSchema, () => typedHttp({ auto_config: {} }), noAlpn],
  [
    'auto_config with one transport that is not TLS',
    clusterSchema,
    () =>
      cluster({
        ...typed({ auto_config: {} }),
        transport_socket: TLS,
        transport_socket_matches: [{ name: 'plain', match: { a: 'b' }, transport_socket: RAW }],
      }),
    noAlpn,
  ],
  [
    'HTTP/3',
    clusterSchema,
    () => typedHttp({ explicit_http_config: { http3_protocol_options: {} } }),
    `${base}.explicit_http_config.http3_protocol_options: known to Envoy, not supported here: HTTP/3 is not built yet`,
  ],
  [
    'a header that is none',
    clusterSchema,
    () => cluster({ upstream_http_protocol_options: { auto_sni: true, override_auto_sni_header: 'x a' } }),
    'upstream_http_protocol_options.override_auto_sni_header: expected a header name, got "x a"',
  ],
];

describe('checkUpstreamHttp', () => {
  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});

describe('upstreamHttpOptionsOf', () => {
  it.each([
    [{}, { idleTimeoutMs: 3_600_000, maxRequestsPerConnection: 0, maxConnectionDurationMs: undefined }],
    [{ max_requests_per_connection: 5 }, { maxRequestsPerConnection: 5 }],
    [
      { common_http_protocol_options: { idle_timeout: '1s', max_requests_per_connection: 2 } },
      { idleTimeoutMs: 1000, maxRequestsPerConnection: 2 },
    ],
    [{ http_protocol_options: { enable_trailers: true } }, { http1: { enableTrailers: true } }],
  ])('reads the older fields: %j', (more, expected) => {
    expect(upstreamHttpOptionsOf(clusterSchema.parse(cluster(more)))).toMatchObject(expected);
  });

  it('reads the typed options', () => {
    const config = typedHttp({
      common_http_protocol_options: { idle_timeout: '2s' },
      explicit_http_config: { http_protocol_options: { enable_trailers: true } },
    });
    expect(upstreamHttpOptionsOf(clusterSchema.parse(config))).toMatchObject({
      idleTimeoutMs: 2000,
      http1: { enableTrailers: true },
    });
  });

  it.each([
    [{}, 'http1'],
    [{ http2_protocol_options: {} }, 'http2'],
    [{ http2_protocol_options: {}, protocol_selection: 'USE_DOWNSTREAM_PROTOCOL' }, 'downstream'],
    [
      { http_protocol_options: {}, http2_protocol_options: {}, protocol_selection: 'USE_DOWNSTREAM_PROTOCOL' },
      'downstream',
    ],
    [typed(explicit), 'http1'],
    [typed({ explicit_http_config: { http2_protocol_options: {} } }), 'http2'],
    [typed({ use_downstream_protocol_config: {} }), 'downstream'],
    [{ ...typed({ auto_config: {} }), transport_socket: TLS }, 'alpn'],
  ] as const)('chooses the protocol: %j', (more, protocol) => {
    expect(upstreamHttpOptionsOf(clusterSchema.parse(cluster(more))).protocol).toBe(protocol);
  });
});

describe('clusterSettings', () => {
  it('hands the options of HTTP/2 to the codec', () => {
    const options = { max_concurrent_streams: 7, connection_keepalive: { interval: '1s', timeout: '2s' } };
    const more = typed({
      common_http_protocol_options: { max_response_headers_kb: 8, max_headers_count: 9 },
      explicit_http_config: { http2_protocol_options: options },
    });
    expect(clusterSettings(clusterSchema.parse(cluster(more))).http2).toMatchObject({
      maxConcurrentStreams: 7,
      keepalive: { intervalMs: 1000, timeoutMs: 2000 },
      limits: { maxBytes: 8192, maxFields: 9 },
    });
  });

  it.each([
    [{ upstream_http_protocol_options: { override_auto_sni_header: 'x-a' } }, undefined],
    [
      { upstream_http_protocol_options: { auto_sni: true } },
      { autoSni: true, autoSanValidation: false, header: '', proxied: false },
    ],
    [
      typed({
        ...explicit,
        upstream_http_protocol_options: { auto_san_validation: true, override_auto_sni_header: 'X-A' },
      }),
      { autoSni: false, autoSanValidation: true, header: 'X-A', proxied: false },
    ],
  ])('takes the server name from requests when asked to: %j', (more, sni) => {
    expect(clusterSettings(clusterSchema.parse(cluster(more))).transportPolicy).toEqual(sni);
  });
});

describe('clusterTransports', () => {
  it('makes one transport for each socket that is not plain', () => {
    const matches = [
      { name: 'plain', match: { a: 'b' }, transport_socket: RAW },
      { name: 'secured', match: { a: 'c' }, transport_socket: TLS },
    ];
    const config = clusterSchema.parse(cluster({ transport_socket: TLS, transport_socket_matches: matches }));
    const made: unknown[] = [];
    const { transport, transportMatches } = clusterTransports(config, (settings) => {
      if (settings.tls === undefined) return undefined;
      made.push(settings.tls.sni);
      return { number: made.length } as never;
    });
    expect(made).toEqual(['a', 'a']);
    expect(transportMatches?.map(({ match, transport }) => [match, transport])).toEqual([
      [{ a: 'b' }, undefined],
      [{ a: 'c' }, { number: 1 }],
    ]);
    expect(transport).toEqual({ number: 2 });
  });
});
