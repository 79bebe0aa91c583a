/** Clusters: groups of upstream hosts and how to reach them. */
import type { z } from 'zod';
import { circuitBreakers } from './circuit-breakers.ts';
import { checkOriginalDst, clusterType } from './cluster-type.ts';
import { originalDstLbConfig } from './cluster-type-original-dst.ts';
import { metadata, notAnIp } from './common.ts';
import { checkDns, dnsFields } from './dns.ts';
import { clusterLoadAssignmentSchema } from './endpoint.ts';
import { checkEndpoints } from './endpoint-rules.ts';
import { healthCheckSchema, MAX_HEALTH_CHECKS } from './health-check.ts';
import { checkHealthChecks } from './health-check-rules.ts';
import { http1ProtocolOptions, http2ProtocolOptions, httpProtocolOptions } from './http-protocol.ts';
import { checkBalancing, clusterBalancingPolicy } from './load-balancing.ts';
import {
  commonLbConfig,
  lbPolicy,
  lbSubsetConfig,
  leastRequestLbConfig,
  maglevLbConfig,
  ringHashLbConfig,
  roundRobinLbConfig,
} from './load-balancing-legacy.ts';
import { type DeepPartial, fields, message, nested, required, withDefault } from './message.ts';
import { outlierDetection } from './outlier-detection.ts';
import { bool, duration, enumOf, list, nonEmpty, string, struct, uint32 } from './proto-json.ts';
import type { Report } from './schema-type.ts';
import { transportSocketUpstream } from './tls/transport-socket.ts';
import { bindConfig, preconnectPolicy, upstreamConnectionOptions } from './upstream-connection.ts';
import { checkUpstreamHttp, typedExtensionProtocolOptions, upstreamHttpProtocolOptions } from './upstream-http.ts';

/** Envoy `Cluster.TransportSocketMatch`: a transport for hosts with certain metadata. */
const transportSocketMatch = message(
  { name: required(nonEmpty()), match: withDefault(struct(), {}), transport_socket: required(transportSocketUpstream) },
  { name: 'envoy.config.cluster.v3.Cluster.TransportSocketMatch' },
);

const discoveryType = enumOf(
  ['STATIC', 'STRICT_DNS', 'LOGICAL_DNS', 'ORIGINAL_DST'],
  { EDS: { number: 3, reason: 'xDS is not built yet' } },
  [0, 1, 2, 4],
);

/** `Cluster.lb_config`. */
const LB_CONFIGS = ['ring_hash', 'maglev', 'original_dst', 'least_request', 'round_robin'].map(
  (policy) => `${policy}_lb_config`,
);

const trackClusterStats = message(
  {
    timeout_budgets: withDefault(bool(), false),
    request_response_sizes: withDefault(bool(), false),
    per_endpoint_stats: withDefault(bool(), false),
  },
  { name: 'envoy.config.cluster.v3.TrackClusterStats' },
);

/** Envoy `Cluster`. */
export const clusterSchema = message(
  {
    name: required(nonEmpty()),
    alt_stat_name: withDefault(string(), ''),
    type: withDefault(discoveryType, 'STATIC'),
    cluster_type: clusterType,
    connect_timeout: withDefault(duration({ aboveMs: 0 }), 5000),
    per_connection_buffer_limit_bytes: uint32({ min: 1 }),
    lb_policy: withDefault(lbPolicy, 'ROUND_ROBIN'),
    round_robin_lb_config: roundRobinLbConfig,
    least_request_lb_config: leastRequestLbConfig,
    ring_hash_lb_config: ringHashLbConfig,
    maglev_lb_config: maglevLbConfig,
    lb_subset_config: lbSubsetConfig,
    original_dst_lb_config: originalDstLbConfig,
    cleanup_interval: withDefault(duration({ aboveMs: 0 }), 5000),
    common_lb_config: commonLbConfig,
    load_balancing_policy: clusterBalancingPolicy,
    load_assignment: clusterLoadAssignmentSchema,
    health_checks: list(healthCheckSchema, { max: MAX_HEALTH_CHECKS }),
    close_connections_on_host_health_failure: withDefault(bool(), false),
    ignore_health_on_host_removal: withDefault(bool(), false),
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
    ...dnsFields,
    upstream_connection_options: upstreamConnectionOptions,
    upstream_bind_config: bindConfig,
    preconnect_policy: preconnectPolicy,
    connection_pool_per_downstream_connection: withDefault(bool(), false),
    outlier_detection: outlierDetection,
    metadata,
    track_timeout_budgets: withDefault(bool(), false),
    track_cluster_stats: trackClusterStats,
  },
  {
    name: 'envoy.config.cluster.v3.Cluster',
    known: {
      hosts: 'use load_assignment, not both',
      transport_socket_matcher: 'not built yet',
      tls_context: 'use transport_socket',
      eds_cluster_config: 'xDS is not built yet',
      extension_protocol_options: 'use typed_extension_protocol_options',
      ...fields('lrs_server lrs_report_endpoint_metrics', 'load reporting is not built yet'),
      ...fields('stats_matcher', 'use stats_config.stats_matcher of the bootstrap'),
      filters: 'upstream network filters are not built yet',
      ...fields('upstream_config per_connection_buffer_high_watermark_timeout queuing_policies', 'not built yet'),
    },
    oneofs: [{ fields: ['type', 'cluster_type'] }, { fields: LB_CONFIGS }],
    check(cluster, report) {
      checkHosts(cluster, report);
      checkEndpoints(cluster, report);
      checkHealthChecks(cluster, report);
      checkDns(cluster, report);
      checkOriginalDst(cluster, report);
      checkBalancing(cluster, report);
      checkUpstreamHttp(cluster, report);
    },
  },
);

/** Static hosts must be IP addresses: nothing would ever resolve them. */
function checkHosts(cluster: DeepPartial<ClusterConfig>, report: Report): void {
  if (cluster.type !== 'STATIC' || cluster.clusterType !== undefined) return;
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
