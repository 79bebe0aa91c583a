/** A listener's config → the network plan of its connections, with the HTTP managers in it. */
import type { RandomSource } from './api/clock.ts';
import type { Route } from './api/route.ts';
import type { Runtime } from './api/runtime.ts';
import type { Clusters } from './api/upstream.ts';
import { dataSourceText, httpSettings } from './config/build.ts';
import type { HttpConnectionManagerConfig, HttpFilterConfig } from './config/http-connection-manager.ts';
import type { ListenerConfig } from './config/listener.ts';
import type { HttpFilterDefinition, NetworkFilterDefinition } from './define.ts';
import { HttpConnection } from './http/connection.ts';
import { FilterPlan, type PlannedFilter } from './http/filter-plan.ts';
import { HttpManager } from './http/manager.ts';
import { httpConnectionManager } from './http-connection-manager.ts';
import { type ChainEnd, type NetworkPlan, networkPlan, type PlannedNetworkFilter } from './net/filter-chain.ts';
import type { Registry } from './registry.ts';
import { compileRoutes, type RouteTable } from './routing/route-table.ts';
import type { Logger } from './runtime/log.ts';
import type { TimerWheel } from './runtime/timer-wheel.ts';
import { listenerHttpStats, type Scope } from './stats/index.ts';

/** What a listener is built with. */
export interface BuildContext {
  readonly registry: Registry;
  readonly bufferLimitBytes: number;
  readonly clusters: Clusters;
  readonly wheel: TimerWheel;
  readonly random: RandomSource;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly rootScope: Scope;
  readonly listenerScope: Scope;
  readonly draining: () => boolean;
}

/** The built listener. */
export interface ListenerBuild {
  readonly plan: NetworkPlan;
  readonly managers: readonly HttpManager[];
}

/** Builds the one filter chain of a listener, whose filters have been checked to be in their places. */
export function listenerBuild(config: ListenerConfig, context: BuildContext): ListenerBuild {
  const chain = config.filterChains[0] ?? config.defaultFilterChain;
  const entries = chain?.filters ?? [];
  const managers: HttpManager[] = [];
  const filters: PlannedNetworkFilter[] = [];
  let end: ChainEnd | undefined;
  for (const entry of entries) {
    const definition = entry.definition as unknown as NetworkFilterDefinition;
    if (definition !== httpConnectionManager) {
      const filter = definition.create(entry.config, { stats: context.rootScope });
      filters.push({ name: entry.name, filter, newState: definition.newState });
      continue;
    }
    const manager = httpManager(entry.config as HttpConnectionManagerConfig, context);
    managers.push(manager);
    end = { attach: (connection, peer) => new HttpConnection(manager, connection, peer) };
  }
  const failed = (filter: string, error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    context.logger.log('error', 'filter', `network filter ${filter} failed: ${text}`);
    context.listenerScope.counter('network_filter_error').inc();
  };
  return { plan: networkPlan(filters, end, failed), managers };
}

function httpManager(config: HttpConnectionManagerConfig, context: BuildContext): HttpManager {
  const settings = httpSettings(config, context.bufferLimitBytes);
  const stats = context.rootScope.scope(`http.${settings.statPrefix}.`);
  const entries = config.httpFilters as readonly HttpFilterConfig[];
  const planned = entries.map((entry, index) => plannedFilter(entry, index, stats));
  const filterSlots = new Map(planned.map(({ name }, index) => [name, index]));
  const routeConfig = config.routeConfig ?? { name: '', virtualHosts: [] };
  const routes = compileRoutes(routeConfig as never, { filterSlots, directBody: dataSourceText });
  return new HttpManager({
    settings,
    plan: new FilterPlan(planned, (index) => entries[index]?.disabled === true),
    routePlans: routePlans(planned, entries, routes),
    routes,
    clusters: context.clusters,
    wheel: context.wheel,
    random: context.random,
    runtime: context.runtime,
    logger: context.logger,
    rootScope: context.rootScope,
    listenerStats: listenerHttpStats(context.listenerScope.scope(`http.${settings.statPrefix}.`)),
    draining: context.draining,
  });
}

function plannedFilter(entry: HttpFilterConfig, index: number, stats: Scope): PlannedFilter {
  const definition = entry.definition as unknown as HttpFilterDefinition;
  const filter = definition.create(entry.config, {
    stats,
    routeConfig: (stream) => stream.route?.filterConfig(index),
  });
  return { name: entry.name, definitionName: definition.name, filter, newState: definition.newState };
}

/** One plan for each route whose switches differ from the chain's. */
function routePlans(
  planned: readonly PlannedFilter[],
  entries: readonly HttpFilterConfig[],
  table: RouteTable,
): ReadonlyMap<Route, FilterPlan> {
  const plans = new Map<Route, FilterPlan>();
  for (const route of table.virtualHosts.flatMap(({ routes }) => routes)) {
    const disabled = (index: number) => route.filterDisabled(index) ?? entries[index]?.disabled === true;
    const same = entries.every((entry, index) => disabled(index) === entry.disabled);
    if (!same) plans.set(route, new FilterPlan(planned, disabled));
  }
  return plans;
}
