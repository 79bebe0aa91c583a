/** What all exchanges of one router share. */
import type { StatsScope } from '@mesh/core';
import type { RouterConfig } from './index.ts';
import { type RedirectStats, redirectStats } from './internal-redirect/index.ts';

/** The counters of `http.<stat_prefix>.` that the router keeps. */
function routerStats(scope: StatsScope) {
  return {
    rqTotal: scope.counter('rq_total'),
    noRoute: scope.counter('no_route'),
    noCluster: scope.counter('no_cluster'),
    rqDirectResponse: scope.counter('rq_direct_response'),
    rqReset: scope.counter('rq_reset_after_downstream_response_started'),
  };
}

/** Config and counters, made once per config. */
export interface RouterEnvironment extends RouterConfig {
  readonly stats: ReturnType<typeof routerStats>;
  readonly redirects: RedirectStats;
}

/** The environment of a router with this config. */
export function routerEnvironment(config: RouterConfig, scope: StatsScope): RouterEnvironment {
  return { ...config, stats: routerStats(scope), redirects: redirectStats(scope) };
}
