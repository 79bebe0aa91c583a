/** `envoy.filters.http.health_check`: answers those who ask whether this proxy is well. */
import { defineHttpFilter } from '@mesh/core';
import { bool, duration, headerMatcher, list, mapOf, message, percent, required, withDefault } from '@mesh/core/proto';
import { HealthCheckFilter } from './health-check.ts';

const NAME = 'envoy.extensions.filters.http.health_check.v3.HealthCheck';

const config = message(
  {
    pass_through_mode: required(bool()),
    cache_time: withDefault(duration(), 0),
    cluster_min_healthy_percentages: mapOf(percent),
    headers: list(headerMatcher),
  },
  {
    name: NAME,
    check({ passThroughMode, cacheTimeMs = 0 }, report) {
      if (passThroughMode !== false || cacheTimeMs === 0) return;
      const message = 'cache_time_ms must not be set when path_through_mode is disabled';
      report({ path: ['cache_time'], at: 'key', message });
    },
  },
);

/** What the filter is configured with. */
export type HealthCheckFilterConfig = ReturnType<typeof config.parse>;

/**
 * Requests whose headers all match are health checks of this proxy. They are answered here, by what the admin server was
 * told (`/healthcheck/fail`) and by how many hosts of some clusters are well; or, in pass-through mode, by the upstream,
 * whose answer may be kept for a while.
 *
 * @example
 * http({ filters: [healthCheck({ passThroughMode: false, headers: [{ name: ':path', exactMatch: '/healthz' }] }), router()] })
 */
export const healthCheck = defineHttpFilter({
  name: 'envoy.filters.http.health_check',
  typeUrl: `type.googleapis.com/${NAME}`,
  config,
  create: (settings, context) => new HealthCheckFilter(settings, context),
});
