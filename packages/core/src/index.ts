/** The public surface of `@mesh/core`, in three groups: compose a proxy, extend it, observe it. */

// Extend
export type * from './api/clock.ts';
export type * from './api/cluster.ts';
export type * from './api/codec.ts';
export type * from './api/connection-info.ts';
export type * from './api/discovery.ts';
export type * from './api/headers.ts';
export type * from './api/health.ts';
export type * from './api/http-filter.ts';
export type * from './api/http-stream.ts';
export type * from './api/listener-filter.ts';
export type * from './api/load-balancer.ts';
export type * from './api/network-filter.ts';
export type * from './api/route.ts';
export type * from './api/runtime.ts';
export type * from './api/stats.ts';
export type * from './api/tls.ts';
export type * from './api/upstream.ts';
export {
  type AdminOptions,
  type ClusterOptions,
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
  type VirtualHostOptions,
  virtualHost,
} from './compose.ts';
export type { BootstrapConfig } from './config/bootstrap.ts';
export type { ClusterConfig } from './config/cluster.ts';
export type { HttpConnectionManagerConfig } from './config/http-connection-manager.ts';
export { ConfigError, type ConfigIssue, formatIssues } from './config/issues.ts';
export type { JsonSchema } from './config/json-schema.ts';
export type { FilterChainConfig, ListenerConfig } from './config/listener.ts';
export type { RouteConfig, VirtualHostConfig } from './config/route.ts';
export type { StandardSchema } from './config/standard-schema.ts';
export type { FieldSupport } from './config/support-table.ts';
export { configJsonSchema, configSupport, createProxy, type ProxyOptions, validateConfig } from './create-proxy.ts';
export {
  type ClusterMonitorDefinition,
  type ConfiguredHttpFilter,
  type ConfiguredListenerFilter,
  type ConfiguredLoadBalancer,
  type ConfiguredNetworkFilter,
  type DiscoveryDefinition,
  defineClusterMonitor,
  defineDiscovery,
  defineHttpFilter,
  defineListenerFilter,
  defineLoadBalancer,
  defineNetworkFilter,
  defineTerminalHttpFilter,
  type Extension,
  type HttpFilterContext,
  type HttpFilterDefinition,
  type ListenerFilterDefinition,
  type LoadBalancerDefinition,
  type NetworkFilterDefinition,
} from './define.ts';
export { flagString, MeshError, type MeshErrorCode, ResponseFlag } from './errors.ts';
export type * from './explain/explanation.ts';
export { formatExplanation } from './explain/format.ts';
export { ExplainError, type ExplainRequest, parseRequestLine } from './explain/request.ts';
export { xxHash64 } from './hash/xxhash64.ts';
export { copyRequestHeaders } from './headers/copy.ts';
export { isGrpc } from './headers/grpc.ts';
export { formatGrpcTimeout, parseGrpcTimeout } from './headers/grpc-timeout.ts';
export { HOLD, STOP } from './http/answers.ts';
// Compose
export type { Address } from './net/address.ts';
export type { MeshProxy } from './proxy.ts';
export { denialDetails, RbacEngine, type RbacSettings, type RbacSubject, type RbacVerdict } from './rbac/index.ts';
// Test routes
export {
  checkRoutes,
  RouteCheckError,
  type RouteCheckOptions,
} from './route-check/check-routes.ts';
export { formatRouteCheck, type RouteCheckFormat } from './route-check/format.ts';
export type * from './route-check/report.ts';
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
export { TimerEntry } from './runtime/timer-wheel.ts';
export { TokenBucket, type TokenBucketSettings } from './runtime/token-bucket.ts';
export type { StatsStore } from './stats/index.ts';
export { bindToRegistry } from './stats/prometheus.ts';
export { HealthFlag } from './upstream/health-flags.ts';
