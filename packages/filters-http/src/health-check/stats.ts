/** `http.<stat_prefix>.health_check.*`. */
import type { Counter, StatsScope } from '@mesh/core';

export interface HealthCheckStats {
  /** Health checks that were answered here. */
  readonly requestTotal: Counter;
  readonly ok: Counter;
  readonly failed: Counter;
  readonly degraded: Counter;
  readonly cachedResponse: Counter;
  readonly clusterNotFound: Counter;
  readonly clusterEmpty: Counter;
  readonly clusterUnhealthy: Counter;
  /** `tracing.health_check`: requests that are not traced because they are health checks. */
  readonly tracing: Counter;
}

/** The counters below `http.<stat_prefix>.`. */
export function healthCheckStats(manager: StatsScope): HealthCheckStats {
  const scope = manager.scope('health_check.');
  return {
    requestTotal: scope.counter('request_total'),
    ok: scope.counter('ok'),
    failed: scope.counter('failed'),
    degraded: scope.counter('degraded'),
    cachedResponse: scope.counter('cached_response'),
    clusterNotFound: scope.counter('failed_cluster_not_found'),
    clusterEmpty: scope.counter('failed_cluster_empty'),
    clusterUnhealthy: scope.counter('failed_cluster_unhealthy'),
    tracing: manager.counter('tracing.health_check'),
  };
}
