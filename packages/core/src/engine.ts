/**
 * The engine's own parts, for `@mesh/testing`, which runs them without sockets. Not covered by semantic versioning:
 * extensions and applications import `@mesh/core`.
 */
export { staticEndpoints } from './config/build.ts';
export { httpSettings } from './config/build-http.ts';
export { parseExtensionConfig } from './config/extension-config.ts';
export { HeaderMap, RequestHead, ResponseHead } from './headers/header-map.ts';
export { withActiveSpan } from './http/active-span.ts';
export { FilterPlan, type PlannedFilter } from './http/filter-plan.ts';
export { HttpManager } from './http/manager.ts';
export { Stream } from './http/stream.ts';
export { BlockWriter, HpackDecoder, HpackEncoder } from './http2/hpack/index.ts';
export { Connection, type ConnectionHandler } from './net/connection.ts';
export { FilteredConnection, type NetworkPlan, networkPlan, type PlannedNetworkFilter } from './net/filter-chain.ts';
export { ListenerPlan } from './net/listener-plan.ts';
export { type DropReason, PendingConnection } from './net/pending-connection.ts';
export { CertificateRegistry } from './net/tls/certificate-registry.ts';
export { Tracers } from './observe/tracers.ts';
export { buildCluster, type ClusterParts } from './proxy/clusters.ts';
export { Registry } from './registry.ts';
export { FORWARD_DEFAULTS } from './routing/forward-action.ts';
export { compileRoutes } from './routing/route-table.ts';
export { LayeredRuntime, NO_RUNTIME } from './runtime/layered-runtime.ts';
export { withLevels } from './runtime/log.ts';
export { TimerWheel } from './runtime/timer-wheel.ts';
export { clusterStats, listenerHttpStats, runtimeStats, StatsStore } from './stats/index.ts';
export { type BuiltTracing, httpTracing } from './tracing-build.ts';
export { Cluster } from './upstream/cluster.ts';
export { ClusterSideCalls } from './upstream/side-calls/side-calls.ts';
