/** What all exchanges of one router share. */
import type { HttpFilterContext, StatsScope } from '@mesh/core';
import type { RouterConfig } from './index.ts';
import { type RedirectStats, redirectStats } from './internal-redirect/index.ts';
import { type UpstreamLogs, upstreamLogs } from './upstream-log/index.ts';

/** The counters of `http.<stat_prefix>.` that the router keeps. */
function routerStats(scope: StatsScope) {
  return {
    rqTotal: scope.counter('rq_total'),
    noRoute: scope.counter('no_route'),
    noCluster: scope.counter('no_cluster'),
    rqDirectResponse: scope.counter('rq_direct_response'),
    // Envoy has them, and counts neither redirects of routes nor anything that this router does.
    rqRedirect: scope.counter('rq_redirect'),
    rqOverloadLocalReply: scope.counter('rq_overload_local_reply'),
    rqReset: scope.counter('rq_reset_after_downstream_response_started'),
  };
}

/** Config and counters, made once per config. */
export interface RouterEnvironment extends RouterConfig {
  readonly stats: ReturnType<typeof routerStats>;
  readonly redirects: RedirectStats;
  /** Absent without any. */
  readonly upstreamLogs: UpstreamLogs | undefined;
}

/** The environment of a router with this config. */
export function routerEnvironment(
  config: RouterConfig,
  context: Pick<HttpFilterContext, 'stats' | 'accessLogs' | 'timers'>,
): RouterEnvironment {
  const { stats } = context;
  const logs = upstreamLogs(config, context);
  return { ...config, stats: routerStats(stats), redirects: redirectStats(stats), upstreamLogs: logs };
}
