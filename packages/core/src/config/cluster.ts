/** Clusters: groups of upstream hosts and how to reach them. */
import type { z } from 'zod';
import { metadata, notAnIp, tcpKeepalive } from './common.ts';
import { clusterLoadAssignmentSchema } from './endpoint.ts';
import { http1ProtocolOptions, http2ProtocolOptions, httpProtocolOptions } from './http-protocol.ts';
import {
  checkBalancing,
  commonLbConfig,
  lbPolicy,
  loadBalancingPolicy,
  otherBalancing,
  ringHashLbConfig,
} from './load-balancing.ts';
import { type DeepPartial, fields, message, nested, required, withDefault } from './message.ts';
import { bool, duration, enumOf, list, nonEmpty, percent, string, struct, uint32 } from './proto-json.ts';
import type { Report } from './schema-type.ts';
import { transportSocketUpstream } from './tls/transport-socket.ts';
import { checkUpstreamHttp, typedExtensionProtocolOptions, upstreamHttpProtocolOptions } from './upstream-http.ts';

const dns = 'custom DNS resolvers are not built yet';

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

/** Envoy `Cluster.TransportSocketMatch`: a transport for hosts with certain metadata. */
const transportSocketMatch = message(
  { name: required(nonEmpty()), match: withDefault(struct(), {}), transport_socket: required(transportSocketUpstream) },
  { name: 'envoy.config.cluster.v3.Cluster.TransportSocketMatch' },
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
    http2_protocol_options: http2ProtocolOptions,
    upstream_http_protocol_options: upstreamHttpProtocolOptions,
    protocol_selection: withDefault(
      enumOf(['USE_CONFIGURED_PROTOCOL', 'USE_DOWNSTREAM_PROTOCOL']),
      'USE_CONFIGURED_PROTOCOL',
    ),
    transport_socket: transportSocketUpstream,
    transport_socket_matches: list(transportSocketMatch),
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
      hosts: 'use load_assignment, not both',
      transport_socket_matcher: 'not built yet',
      tls_context: 'use transport_socket',
      cluster_type: 'custom cluster types are not built yet',
      eds_cluster_config: 'xDS is not built yet',
      health_checks: 'health checks are not built yet',
      ...fields(
        'outlier_detection close_connections_on_host_health_failure ignore_health_on_host_removal',
        'health checks are not built yet',
      ),
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
      checkUpstreamHttp(cluster, report);
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

/** A cluster with all defaults filled in. */
export type ClusterConfig = z.output<typeof clusterSchema>;
/** Limits of one routing priority. */
export type CircuitBreakerThresholds = z.output<typeof circuitBreakerThresholds>;
