/** The public surface of `@mesh/core`, in three groups: compose a proxy, extend it, observe it. */

// Extend
export { compileAccessLogFormat } from './access-log-build.ts';
export type * from './api/access-log.ts';
export type * from './api/clock.ts';
export type * from './api/cluster.ts';
export type * from './api/codec.ts';
export type * from './api/connection-info.ts';
export type * from './api/discovery.ts';
export type * from './api/dns.ts';
export type * from './api/headers.ts';
export type * from './api/health.ts';
export type * from './api/host-names.ts';
export type * from './api/http-filter.ts';
export type * from './api/http-stream.ts';
export type * from './api/listener-filter.ts';
export type * from './api/load-balancer.ts';
export type * from './api/network-filter.ts';
export type * from './api/observer.ts';
export type * from './api/route.ts';
export type * from './api/runtime.ts';
export type * from './api/side-calls.ts';
export type * from './api/stats.ts';
export type * from './api/stats-sink.ts';
export type * from './api/tap.ts';
export type * from './api/tls.ts';
export type * from './api/tracer.ts';
export type * from './api/tracing.ts';
export type * from './api/upstream.ts';
export {
  type AccessLogOption,
  type AdminOptions,
  type ClusterOptions,
  type CustomTagInit,
  cluster,
  type FilterChainOptions,
  filterChain,
  type HttpOptions,
  http,
  type ListenerOptions,
  listener,
  type RouteOptions,
  route,
  type TlsOptions,
  type TracingOptions,
  type VirtualHostOptions,
  virtualHost,
} from './compose.ts';
export type { BootstrapConfig } from './config/bootstrap.ts';
export { endpointTraits } from './config/build-endpoints.ts';
export type { ClusterConfig } from './config/cluster.ts';
export { type HealthCheckConfig, type HealthCheckInit, payloadBytes } from './config/health-check.ts';
export { eventSinkPath } from './config/health-check-events.ts';
export type { HttpConnectionManagerConfig } from './config/http-connection-manager.ts';
export { ConfigError, type ConfigIssue, formatIssues } from './config/issues.ts';
export type { JsonSchema } from './config/json-schema.ts';
export type { FilterChainConfig, ListenerConfig } from './config/listener.ts';
export { maxEjectionTimeMs, type OutlierDetectionConfig } from './config/outlier-detection.ts';
export type { JsonResource, RouteTableOptions } from './config/resources.ts';
export type { RouteConfig, RouteConfiguration, VirtualHostConfig } from './config/route.ts';
export type { StandardSchema } from './config/standard-schema.ts';
export type { FieldSupport } from './config/support-table.ts';
export { configJsonSchema, configSupport, createProxy, type ProxyOptions, validateConfig } from './create-proxy.ts';
export {
  type AccessLogDefinition,
  type ClusterMonitorDefinition,
  type Configured,
  type ConfiguredAccessLog,
  type ConfiguredDiscovery,
  type ConfiguredHttpFilter,
  type ConfiguredListenerFilter,
  type ConfiguredLoadBalancer,
  type ConfiguredNetworkFilter,
  type ConfiguredStatsSink,
  type ConfiguredTracer,
  type DiscoveryDefinition,
  defineAccessLog,
  defineClusterMonitor,
  defineDiscovery,
  defineHttpFilter,
  defineListenerFilter,
  defineLoadBalancer,
  defineNetworkFilter,
  defineStatsSink,
  defineTerminalHttpFilter,
  defineTracer,
  type Extension,
  type HttpFilterContext,
  type HttpFilterDefinition,
  type ListenerFilterDefinition,
  type LoadBalancerDefinition,
  type NetworkFilterDefinition,
  type ServerHealth,
  type StatsSinkDefinition,
  type TracerDefinition,
} from './define/index.ts';
export { flagString, MeshError, type MeshErrorCode, ResponseFlag } from './errors.ts';
export type * from './explain/explanation.ts';
export { formatExplanation } from './explain/format.ts';
export { ExplainError, type ExplainRequest, parseRequestLine } from './explain/request.ts';
export { type CustomTagSettings, compileCustomTags } from './format/custom-tags.ts';
export { textOfWire } from './format/value.ts';
export { murmurHash2Into } from './hash/murmur-hash2.ts';
export { Word64 } from './hash/word64.ts';
export { xxHash64, xxHash64Into } from './hash/xxhash64.ts';
export { copyRequestHeaders } from './headers/copy.ts';
export { httpStatusOfGrpc, isGrpc } from './headers/grpc.ts';
export { formatGrpcTimeout, parseGrpcTimeout } from './headers/grpc-timeout.ts';
export { HOLD, STOP } from './http/answers.ts';
export type { LogFilterSettings } from './log-filter/settings.ts';
// Compose
export type { Address } from './net/address.ts';
export { type IpRange, IpTable } from './net/ip-table.ts';
export { proxyHeaderV1, proxyHeaderV2Local } from './net/proxy-protocol-format.ts';
export type { LogFormat, LogFormatSettings } from './observe/log-format.ts';
// Update
export type { ClusterChanges, ClusterUpdates } from './proxy/cluster-updates.ts';
export type { ListenerUpdates } from './proxy/listener-updates.ts';
export type { RouteUpdates } from './proxy/route-updates.ts';
export type { ResourceState, UpdateOptions, UpdateResult } from './proxy/update-options.ts';
export type { MeshProxy } from './proxy.ts';
export { denialDetails, RbacEngine, type RbacSettings, type RbacSubject, type RbacVerdict } from './rbac/index.ts';
export { compileStringMatcher, type TextTest } from './regex/text-match.ts';
export { wireText } from './regex/wire-text.ts';
// Test routes
export {
  checkRoutes,
  RouteCheckError,
  type RouteCheckOptions,
} from './route-check/check-routes.ts';
export { formatRouteCheck, type RouteCheckFormat } from './route-check/format.ts';
export type * from './route-check/report.ts';
export { CheckHead, type CheckHeadSettings } from './routing/check-head.ts';
export { cookieValue } from './routing/cookies.ts';
export { HashPolicies } from './routing/hash-policy.ts';
export { HeaderCondition } from './routing/header-match.ts';
export { TunnelHead, type TunnelHeadSettings } from './routing/tunnel-head.ts';
// Observe
export {
  createLogger,
  type LevelLogger,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  type ProcessLogger,
} from './runtime/log.ts';
export { type LogFileMetrics, type LogFileOptions, type LogSink, openLogFile } from './runtime/log-file.ts';
export { TimerEntry } from './runtime/timer-wheel.ts';
export { TokenBucket, type TokenBucketSettings } from './runtime/token-bucket.ts';
export type { StatsStore } from './stats/index.ts';
export { bindToRegistry, type RegistryOptions } from './stats/prometheus.ts';
export { HealthFlag } from './upstream/health-flags.ts';
export { isInPanic, type PriorityLevel, PriorityLoad, panicThreshold } from './upstream/priority-load.ts';
export { NO_CONNECTION_POOL } from './upstream/unsent.ts';
export { versionText } from './version.ts';
