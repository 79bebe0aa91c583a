/** HTTP options of clusters: the typed extension options and the older fields, and what they come to. */
import type { z } from 'zod';
import type { ClusterConfig } from './cluster.ts';
import {
  type Http2ProtocolConfig,
  http1ProtocolOptions,
  http2ProtocolOptions,
  httpProtocolOptions,
} from './http-protocol.ts';
import type { ConfigPath } from './issues.ts';
import { type DeepPartial, fields, message, notSupported, withDefault } from './message.ts';
import { bool, string } from './proto-json.ts';
import type { Report } from './schema-type.ts';
import { typedConfig } from './typed-config.ts';

/** Key and message name of the HTTP options of a cluster. */
export const upstreamHttpOptionsName = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const http3 = 'HTTP/3 is not built yet';

const explicitHttpConfig = message(
  { http_protocol_options: http1ProtocolOptions, http2_protocol_options: http2ProtocolOptions },
  {
    name: `${upstreamHttpOptionsName}.ExplicitHttpConfig`,
    known: { http3_protocol_options: http3 },
    oneofs: [{ fields: ['http_protocol_options', 'http2_protocol_options', 'http3_protocol_options'], required: true }],
  },
);

const useDownstreamHttpConfig = message(
  { http_protocol_options: http1ProtocolOptions, http2_protocol_options: http2ProtocolOptions },
  { name: `${upstreamHttpOptionsName}.UseDownstreamHttpConfig`, known: { http3_protocol_options: http3 } },
);

const autoHttpConfig = message(
  { http_protocol_options: http1ProtocolOptions, http2_protocol_options: http2ProtocolOptions },
  {
    name: `${upstreamHttpOptionsName}.AutoHttpConfig`,
    known: fields('http3_protocol_options alternate_protocols_cache_options', http3),
  },
);

const optionalHeaderName = string({ pattern: /^(?::?[!#$%&'*+\-.^_`|~0-9A-Za-z]+)?$/, expected: 'a header name' });

/** Envoy `UpstreamHttpProtocolOptions`: the server name comes from the request. */
export const upstreamHttpProtocolOptions = message(
  {
    auto_sni: withDefault(bool(), false),
    auto_san_validation: withDefault(bool(), false),
    /** '' is the authority. */
    override_auto_sni_header: withDefault(optionalHeaderName, ''),
  },
  { name: 'envoy.config.core.v3.UpstreamHttpProtocolOptions' },
);

const upstreamHttpOptions = message(
  {
    common_http_protocol_options: httpProtocolOptions,
    upstream_http_protocol_options: upstreamHttpProtocolOptions,
    explicit_http_config: explicitHttpConfig,
    use_downstream_protocol_config: useDownstreamHttpConfig,
    auto_config: autoHttpConfig,
  },
  {
    name: upstreamHttpOptionsName,
    known: {
      http_filters: 'upstream HTTP filters are not built yet',
      ...fields(
        'header_validation_config outlier_detection request_mirror_policies hash_policy retry_policy',
        'not built yet',
      ),
    },
    oneofs: [{ fields: ['explicit_http_config', 'use_downstream_protocol_config', 'auto_config'], required: true }],
  },
);

/** `typed_extension_protocol_options` of a cluster. */
export const typedExtensionProtocolOptions = message(
  { [upstreamHttpOptionsName]: typedConfig(upstreamHttpOptions) },
  {
    name: 'envoy.config.cluster.v3.Cluster.TypedExtensionProtocolOptions',
    known: {
      'envoy.extensions.upstreams.tcp.v3.TcpProtocolOptions': 'not built yet',
      ...fields('envoy.filters.network.thrift_proxy envoy.filters.network.redis_proxy', 'not built yet'),
    },
  },
);

type PartialCluster = DeepPartial<ClusterConfig>;

/** Every rule about the HTTP options of a cluster. */
export function checkUpstreamHttp(cluster: PartialCluster, report: Report): void {
  checkOldBesideTyped(cluster, report);
  checkProtocols(cluster, report);
  checkUpstreamOnly(cluster, report);
}

const OLD_FIELDS = [
  ['commonHttpProtocolOptions', 'common_http_protocol_options'],
  ['httpProtocolOptions', 'http_protocol_options'],
  ['http2ProtocolOptions', 'http2_protocol_options'],
  ['upstreamHttpProtocolOptions', 'upstream_http_protocol_options'],
] as const;

/** Envoy passes over the old fields beside the typed options; here nothing is passed over. */
function checkOldBesideTyped(cluster: PartialCluster, report: Report): void {
  const typed = cluster.typedExtensionProtocolOptions?.[upstreamHttpOptionsName];
  if (typed === undefined) return;
  const given = OLD_FIELDS.filter(([name]) => cluster[name] !== undefined).map(([, field]) => field as string);
  if (cluster.protocolSelection === 'USE_DOWNSTREAM_PROTOCOL') given.push('protocol_selection');
  for (const field of given.slice(0, 1)) {
    report({ path: [field], at: 'key', message: `cannot be given beside ${upstreamHttpOptionsName}` });
  }
  if ((cluster.maxRequestsPerConnection ?? 0) > 0 && typed.commonHttpProtocolOptions?.maxRequestsPerConnection) {
    const message = 'Only one of max_requests_per_connection from Cluster or HttpProtocolOptions can be specified';
    report({ path: ['max_requests_per_connection'], at: 'key', message });
  }
}

/** One protocol at a time, and ALPN only where there is TLS. */
function checkProtocols(cluster: PartialCluster, report: Report): void {
  const both = cluster.httpProtocolOptions !== undefined && cluster.http2ProtocolOptions !== undefined;
  if (both && cluster.protocolSelection !== 'USE_DOWNSTREAM_PROTOCOL') {
    const rule = "Both HTTP1 and HTTP2 options may only be configured with non-default 'protocol_selection' values";
    report({ path: ['http2_protocol_options'], at: 'key', message: `cluster: ${rule}` });
  }
  const auto = cluster.typedExtensionProtocolOptions?.[upstreamHttpOptionsName]?.autoConfig;
  if (auto === undefined) return;
  const sockets = [
    cluster.transportSocket,
    ...(cluster.transportSocketMatches ?? []).map((one) => one?.transportSocket),
  ];
  if (sockets.every((socket) => isTls(socket))) return;
  const message = `ALPN configured for cluster ${cluster.name ?? ''} which has a non-ALPN transport socket`;
  report({ path: ['typed_extension_protocol_options', upstreamHttpOptionsName, 'auto_config'], at: 'key', message });
}

/** Whether a transport socket is TLS, also behind a PROXY protocol header. */
export function isTls(socket: PartialCluster['transportSocket']): boolean {
  if (socket?.name === 'envoy.transport_sockets.tls') return true;
  if (socket?.name !== 'envoy.transport_sockets.upstream_proxy_protocol') return false;
  return isTls((socket.config as { readonly transportSocket?: PartialCluster['transportSocket'] }).transportSocket);
}

/** The messages are shared with the connection manager, but upstream connections take up only a part of them. */
function checkUpstreamOnly(cluster: PartialCluster, report: Report): void {
  const typed = cluster.typedExtensionProtocolOptions?.[upstreamHttpOptionsName];
  const base = ['typed_extension_protocol_options', upstreamHttpOptionsName];
  checkCommon(cluster.commonHttpProtocolOptions, ['common_http_protocol_options'], report);
  checkCommon(typed?.commonHttpProtocolOptions, [...base, 'common_http_protocol_options'], report);
  checkHttp1(cluster.httpProtocolOptions, ['http_protocol_options'], report);
  for (const [key, name] of VARIANTS) {
    checkHttp1(typed?.[key]?.httpProtocolOptions, [...base, name, 'http_protocol_options'], report);
  }
}

const VARIANTS = [
  ['explicitHttpConfig', 'explicit_http_config'],
  ['useDownstreamProtocolConfig', 'use_downstream_protocol_config'],
  ['autoConfig', 'auto_config'],
] as const;

function checkCommon(options: PartialCluster['commonHttpProtocolOptions'], path: ConfigPath, report: Report): void {
  if (options === undefined) return;
  const { headersWithUnderscoresAction } = options;
  if ((headersWithUnderscoresAction ?? 'ALLOW') !== 'ALLOW')
    refuse('headers_with_underscores_action', noEffect, path, report);
}

const noEffect = 'it has no effect on upstream connections';

function checkHttp1(options: PartialCluster['httpProtocolOptions'], path: ConfigPath, report: Report): void {
  if (options?.acceptHttp10) refuse('accept_http_10', noEffect, path, report);
  if (options?.defaultHostForHttp10) refuse('default_host_for_http_10', noEffect, path, report);
  if (options?.allowChunkedLength) refuse('allow_chunked_length', 'not built yet for clusters', path, report);
}

function refuse(field: string, reason: string, path: ConfigPath, report: Report): void {
  report({ path: [...path, field], at: 'key', message: notSupported(reason) });
}

/** The HTTP options in force for a cluster, from the typed options or the older fields. */
export interface UpstreamHttpOptions {
  readonly protocol: 'http1' | 'http2' | 'downstream' | 'alpn';
  /** 0 is off. */
  readonly idleTimeoutMs: number;
  /** Undefined is no limit. */
  readonly maxConnectionDurationMs: number | undefined;
  /** 0 is no limit. */
  readonly maxRequestsPerConnection: number;
  readonly common: z.output<typeof httpProtocolOptions> | undefined;
  readonly http1: z.output<typeof http1ProtocolOptions> | undefined;
  readonly http2: Http2ProtocolConfig | undefined;
  readonly sni: z.output<typeof upstreamHttpProtocolOptions> | undefined;
}

/** Resolves the two places where a cluster's HTTP options can stand; called once per cluster. */
export function upstreamHttpOptionsOf(cluster: ClusterConfig): UpstreamHttpOptions {
  const typed = cluster.typedExtensionProtocolOptions?.[upstreamHttpOptionsName];
  const common = typed ? typed.commonHttpProtocolOptions : cluster.commonHttpProtocolOptions;
  const variant = typed?.explicitHttpConfig ?? typed?.useDownstreamProtocolConfig ?? typed?.autoConfig;
  return {
    protocol: protocolOf(cluster),
    idleTimeoutMs: common?.idleTimeoutMs ?? 3_600_000,
    maxConnectionDurationMs: common?.maxConnectionDurationMs || undefined,
    maxRequestsPerConnection: common?.maxRequestsPerConnection || (cluster.maxRequestsPerConnection ?? 0),
    common,
    http1: typed ? variant?.httpProtocolOptions : cluster.httpProtocolOptions,
    http2: typed ? variant?.http2ProtocolOptions : cluster.http2ProtocolOptions,
    sni: typed ? typed.upstreamHttpProtocolOptions : cluster.upstreamHttpProtocolOptions,
  };
}

function protocolOf(cluster: ClusterConfig): UpstreamHttpOptions['protocol'] {
  const typed = cluster.typedExtensionProtocolOptions?.[upstreamHttpOptionsName];
  if (typed?.autoConfig !== undefined) return 'alpn';
  if (typed?.useDownstreamProtocolConfig !== undefined) return 'downstream';
  if (typed !== undefined) return typed.explicitHttpConfig?.http2ProtocolOptions === undefined ? 'http1' : 'http2';
  if (cluster.protocolSelection === 'USE_DOWNSTREAM_PROTOCOL') return 'downstream';
  return cluster.http2ProtocolOptions === undefined ? 'http1' : 'http2';
}
