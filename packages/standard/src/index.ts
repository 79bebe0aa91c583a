/** Every extension that comes with Mesh. */
import {
  fileAccessLog,
  httpGrpcAccessLog,
  openTelemetryAccessLog,
  stderrAccessLog,
  stdoutAccessLog,
  tcpGrpcAccessLog,
} from '@mesh/access-loggers';
import type { Extension } from '@mesh/core';
import {
  aggregate,
  dnsCluster,
  dynamicForwardProxyCluster,
  logicalDns,
  originalDstCluster,
  strictDns,
} from '@mesh/discovery';
import { dynamicForwardProxy, healthCheck, router, statefulSession, tap } from '@mesh/filters-http';
import {
  connectionLimit,
  directResponse,
  echo,
  httpInspector,
  localRateLimit,
  originalDst,
  proxyProtocol,
  rbac,
  sniCluster,
  sniDynamicForwardProxy,
  tcpProxy,
  tlsInspector,
} from '@mesh/filters-network';
import { activeHealthChecks, outlierDetection } from '@mesh/health';
import {
  clientSideWeightedRoundRobin,
  clusterProvided,
  leastRequest,
  maglev,
  overrideHost,
  random,
  ringHash,
  roundRobin,
  subset,
  wrrLocality,
} from '@mesh/lb';
import {
  dogStatsd,
  graphiteStatsd,
  metricsService,
  openTelemetryMetrics,
  openTelemetrySink,
  statsd,
} from '@mesh/stat-sinks';
import { zipkin } from '@mesh/tracing-zipkin';

/**
 * All built-in extensions, for `createProxy({ extensions: [...standard, mine] })`. Leave it out and list what you need
 * when a smaller proxy is wanted: a proxy knows only what it is given.
 */
export const standard: readonly Extension[] = [
  dynamicForwardProxy,
  healthCheck,
  router,
  statefulSession,
  tap,
  echo,
  directResponse,
  tcpProxy,
  connectionLimit,
  sniCluster,
  sniDynamicForwardProxy,
  rbac,
  localRateLimit,
  tlsInspector,
  httpInspector,
  proxyProtocol,
  originalDst,
  aggregate,
  dynamicForwardProxyCluster,
  originalDstCluster,
  strictDns,
  logicalDns,
  dnsCluster,
  activeHealthChecks,
  outlierDetection,
  roundRobin,
  leastRequest,
  random,
  clientSideWeightedRoundRobin,
  wrrLocality,
  ringHash,
  maglev,
  subset,
  overrideHost,
  clusterProvided,
  fileAccessLog,
  httpGrpcAccessLog,
  openTelemetryAccessLog,
  tcpGrpcAccessLog,
  stdoutAccessLog,
  stderrAccessLog,
  statsd,
  dogStatsd,
  graphiteStatsd,
  openTelemetrySink,
  openTelemetryMetrics,
  zipkin,
  metricsService,
];
