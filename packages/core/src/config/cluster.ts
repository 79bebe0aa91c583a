/** Clusters: groups of upstream hosts and how to reach them. */
import type { z } from 'zod';
import { metadata, notAnIp, tcpKeepalive } from './common.ts';
import { clusterLoadAssignmentSchema } from './endpoint.ts';
import { http1ProtocolOptions, httpProtocolOptions } from './http-protocol.ts';
import type { ConfigPath } from './issues.ts';
import {
  checkBalancing,
  commonLbConfig,
  lbPolicy,
  loadBalancingPolicy,
  otherBalancing,
  ringHashLbConfig,
} from './load-balancing.ts';
import { type DeepPartial, fields, message, nested, notSupported, required, withDefault } from './message.ts';
import { bool, duration, enumOf, list, nonEmpty, percent, string, uint32 } from './proto-json.ts';
import type { Report } from './schema-type.ts';
import { typedConfig } from './typed-config.ts';

/** Key and message name of the HTTP options of a cluster. */
export const upstreamHttpOptionsName = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const http2 = 'HTTP/2 is not built yet';
const tls = 'TLS is not built yet';
const dns = 'custom DNS resolvers are not built yet';

const explicitHttpConfig = message(
  { http_protocol_options: http1ProtocolOptions },
  {
    name: `${upstreamHttpOptionsName}.ExplicitHttpConfig`,
    known: { http2_protocol_options: http2, http3_protocol_options: 'HTTP/3 is not built yet' },
    oneofs: [{ fields: ['http_protocol_options', 'http2_protocol_options', 'http3_protocol_options'], required: true }],
  },
);

const upstreamHttpOptions = message(
  { common_http_protocol_options: httpProtocolOptions, explicit_http_config: explicitHttpConfig },
  {
    name: upstreamHttpOptionsName,
    known: {
      upstream_http_protocol_options: tls,
      use_downstream_protocol_config: http2,
      auto_config: http2,
      http_filters: 'upstream HTTP filters are not built yet',
      ...fields(
        'header_validation_config outlier_detection request_mirror_policies hash_policy retry_policy',
        'not built yet',
      ),
    },
    oneofs: [{ fields: ['explicit_http_config', 'use_downstream_protocol_config', 'auto_config'], required: true }],
  },
);

const typedExtensionProtocolOptions = message(
  { [upstreamHttpOptionsName]: typedConfig(upstreamHttpOptions) },
  {
    name: 'envoy.config.cluster.v3.Cluster.TypedExtensionProtocolOptions',
    known: {
      'envoy.extensions.upstreams.tcp.v3.TcpProtocolOptions': 'not built yet',
      ...fields('envoy.filters.network.thrift_proxy envoy.filters.network.redis_proxy', 'not built yet'),
    },
  },
);

/** Envoy `RetryBudget`: retries as a share of the active and pending requests. */
const retryBudget = message(
  { budget_percent: percent, min_retry_concurrency: withDefault(uint32(), 3) },
  {
    name: 'envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget',
    known: { budget_interval: 'not built yet' },
  },
);

/** Limits of one routing priority; Envoy's defaults. */
export const circuitBreakerThresholds = message(
  {
    priority: withDefault(enumOf(['DEFAULT', 'HIGH']), 'DEFAULT'),
    max_connections: withDefault(uint32(), 1024),
    max_pending_requests: withDefault(uint32(), 1024),
    max_requests: withDefault(uint32(), 1024),
    max_retries: withDefault(uint32(), 3),
    track_remaining: withDefault(bool(), false),
    retry_budget: retryBudget,
  },
  {
    name: 'envoy.config.cluster.v3.CircuitBreakers.Thresholds',
    known: { max_connection_pools: 'not built yet' },
  },
);

const circuitBreakers = message(
  { thresholds: list(circuitBreakerThresholds) },
  {
    name: 'envoy.config.cluster.v3.CircuitBreakers',
    known: { per_host_thresholds: 'not built yet' },
  },
);

const refreshRate = message(
  { base_interval: required(duration({ aboveMs: 1 })), max_interval: duration({ aboveMs: 1 }) },
  {
    name: 'envoy.config.cluster.v3.Cluster.RefreshRate',
    check({ baseIntervalMs, maxIntervalMs }, report) {
      if (baseIntervalMs === undefined || maxIntervalMs === undefined || maxIntervalMs >= baseIntervalMs) return;
      report({ path: ['max_interval'], message: 'max_interval must be greater than or equal to the base_interval' });
    },
  },
);

const upstreamConnectionOptions = message(
  { tcp_keepalive: tcpKeepalive },
  {
    name: 'envoy.config.cluster.v3.UpstreamConnectionOptions',
    known: {
      set_local_interface_name_on_upstream_connections: 'not built yet',
      happy_eyeballs_config: 'not built yet',
    },
  },
);

const discoveryType = enumOf(['STATIC', 'STRICT_DNS'], {
  LOGICAL_DNS: { number: 2, reason: 'not built yet' },
  EDS: { number: 3, reason: 'xDS is not built yet' },
  ORIGINAL_DST: { number: 4, reason: 'Node.js cannot read the original destination of a connection' },
});

/** Envoy `Cluster`. */
export const clusterSchema = message(
  {
    name: required(nonEmpty()),
    alt_stat_name: withDefault(string(), ''),
    type: withDefault(discoveryType, 'STATIC'),
    connect_timeout: withDefault(duration({ aboveMs: 0 }), 5000),
    per_connection_buffer_limit_bytes: uint32({ min: 1 }),
    lb_policy: withDefault(lbPolicy, 'ROUND_ROBIN'),
    ring_hash_lb_config: ringHashLbConfig,
    common_lb_config: commonLbConfig,
    load_balancing_policy: loadBalancingPolicy,
    load_assignment: clusterLoadAssignmentSchema,
    circuit_breakers: nested(circuitBreakers),
    max_requests_per_connection: uint32(),
    common_http_protocol_options: httpProtocolOptions,
    http_protocol_options: http1ProtocolOptions,
    typed_extension_protocol_options: typedExtensionProtocolOptions,
    dns_refresh_rate: withDefault(duration({ aboveMs: 1 }), 5000),
    dns_jitter: withDefault(duration(), 0),
    dns_failure_refresh_rate: refreshRate,
    respect_dns_ttl: withDefault(bool(), false),
    dns_lookup_family: withDefault(enumOf(['AUTO', 'V4_ONLY', 'V6_ONLY', 'V4_PREFERRED', 'ALL']), 'AUTO'),
    upstream_connection_options: upstreamConnectionOptions,
    metadata,
  },
  {
    name: 'envoy.config.cluster.v3.Cluster',
    known: {
      http2_protocol_options: http2,
      hosts: 'use load_assignment, not both',
      ...fields('transport_socket transport_socket_matches transport_socket_matcher tls_context', tls),
      cluster_type: 'custom cluster types are not built yet',
      eds_cluster_config: 'xDS is not built yet',
      health_checks: 'health checks are not built yet',
      ...fields(
        'outlier_detection close_connections_on_host_health_failure ignore_health_on_host_removal',
        'health checks are not built yet',
      ),
      upstream_http_protocol_options: tls,
      protocol_selection: http2,
      extension_protocol_options: 'use typed_extension_protocol_options',
      ...fields('dns_resolvers use_tcp_for_dns_lookups dns_resolution_config typed_dns_resolver_config', dns),
      ...fields(
        'maglev_lb_config original_dst_lb_config least_request_lb_config round_robin_lb_config lb_subset_config',
        otherBalancing,
      ),
      ...fields('lrs_server lrs_report_endpoint_metrics', 'load reporting is not built yet'),
      ...fields('track_timeout_budgets track_cluster_stats stats_matcher', 'not built yet'),
      filters: 'upstream network filters are not built yet',
      ...fields(
        'wait_for_warm_on_init cleanup_interval upstream_bind_config upstream_config preconnect_policy connection_pool_per_downstream_connection per_connection_buffer_high_watermark_timeout queuing_policies',
        'not built yet',
      ),
    },
    check(cluster, report) {
      checkHosts(cluster, report);
      checkBalancing(cluster, report);
      checkHttpOptions(cluster, report);
      checkUpstreamOnly(cluster, report);
    },
  },
);

/** Static hosts must be IP addresses: nothing would ever resolve them. */
function checkHosts(cluster: DeepPartial<ClusterConfig>, report: Report): void {
  if (cluster.type !== 'STATIC') return;
  for (const { path, address } of endpointAddresses(cluster)) {
    const message = notAnIp(address);
    if (message !== undefined) report({ path, message });
  }
}

function endpointAddresses(cluster: DeepPartial<ClusterConfig>) {
  return (cluster.loadAssignment?.endpoints ?? []).flatMap((locality, place) =>
    (locality?.lbEndpoints ?? []).map((host, index) => ({
      path: [
        'load_assignment',
        'endpoints',
        place,
        'lb_endpoints',
        index,
        'endpoint',
        'address',
        'socket_address',
        'address',
      ],
      address: host?.endpoint?.address?.socketAddress?.address,
    })),
  );
}

/** As in Envoy, the old fields and the typed options exclude each other. */
function checkHttpOptions(cluster: DeepPartial<ClusterConfig>, report: Report): void {
  if (cluster.typedExtensionProtocolOptions?.[upstreamHttpOptionsName] === undefined) return;
  if (cluster.commonHttpProtocolOptions === undefined && cluster.httpProtocolOptions === undefined) return;
  const field =
    cluster.commonHttpProtocolOptions === undefined ? 'http_protocol_options' : 'common_http_protocol_options';
  report({ path: [field], at: 'key', message: `cannot be given beside ${upstreamHttpOptionsName}` });
}

type PartialCluster = DeepPartial<ClusterConfig>;

/** The messages are shared with the connection manager, but upstream connections take up only a part of them. */
function checkUpstreamOnly(cluster: PartialCluster, report: Report): void {
  const typed = cluster.typedExtensionProtocolOptions?.[upstreamHttpOptionsName];
  const base = ['typed_extension_protocol_options', upstreamHttpOptionsName];
  checkCommon(cluster.commonHttpProtocolOptions, ['common_http_protocol_options'], report);
  checkCommon(typed?.commonHttpProtocolOptions, [...base, 'common_http_protocol_options'], report);
  checkHttp1(cluster.httpProtocolOptions, ['http_protocol_options'], report);
  const http1 = typed?.explicitHttpConfig?.httpProtocolOptions;
  checkHttp1(http1, [...base, 'explicit_http_config', 'http_protocol_options'], report);
}

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

/** A cluster with all defaults filled in. */
export type ClusterConfig = z.output<typeof clusterSchema>;
/** Limits of one routing priority. */
export type CircuitBreakerThresholds = z.output<typeof circuitBreakerThresholds>;

/** The HTTP options in force for a cluster, from the typed options or the older fields. */
export interface UpstreamHttpOptions {
  /** 0 is off. */
  readonly idleTimeoutMs: number;
  /** Undefined is no limit. */
  readonly maxConnectionDurationMs: number | undefined;
  /** 0 is no limit. */
  readonly maxRequestsPerConnection: number;
  readonly common: z.output<typeof httpProtocolOptions> | undefined;
  readonly http1: z.output<typeof http1ProtocolOptions> | undefined;
}

/** Resolves the two places where a cluster's HTTP options can stand; called once per cluster. */
export function upstreamHttpOptionsOf(cluster: ClusterConfig): UpstreamHttpOptions {
  const typed = cluster.typedExtensionProtocolOptions?.[upstreamHttpOptionsName];
  const common = typed ? typed.commonHttpProtocolOptions : cluster.commonHttpProtocolOptions;
  return {
    idleTimeoutMs: common?.idleTimeoutMs ?? 3_600_000,
    maxConnectionDurationMs: common?.maxConnectionDurationMs || undefined,
    maxRequestsPerConnection: common?.maxRequestsPerConnection || (cluster.maxRequestsPerConnection ?? 0),
    common,
    http1: typed ? typed.explicitHttpConfig?.httpProtocolOptions : cluster.httpProtocolOptions,
  };
}
