/** An HTTP connection manager from its config: filters, routes, and how its routes are replaced while it runs. */
import type { Route } from './api/route.ts';
import type { Tracer } from './api/tracer.ts';
import type { Clusters } from './api/upstream.ts';
import { dataSourceText } from './config/build.ts';
import { httpSettings } from './config/build-http.ts';
import { readDataSource } from './config/data-source.ts';
import type { HttpConnectionManagerConfig, HttpFilterConfig } from './config/http-connection-manager.ts';
import type { HttpFilterContext, HttpFilterDefinition } from './define/index.ts';
import { withActiveSpan } from './http/active-span.ts';
import type { RouteSet } from './http/admission.ts';
import { FilterPlan, type PlannedFilter } from './http/filter-plan.ts';
import { LocalReplyMapper } from './http/local-reply-mapper.ts';
import { HttpManager } from './http/manager.ts';
import type { HttpSettings } from './http/settings.ts';
import type { ChainContext, CompiledTables } from './listener-build.ts';
import { HttpLogs, type LogMoments } from './observe/http-logs.ts';
import type { CompileOptions } from './routing/compiled-route.ts';
import { HeaderMutationList } from './routing/header-mutation-list.ts';
import { compileRoutes, type RouteTable } from './routing/route-table.ts';
import { compileScopedRoutes } from './routing/scoped-routes.ts';
import { listenerHttpStats } from './stats/index.ts';
import { httpTracing } from './tracing-build.ts';
import { ClusterSideCalls } from './upstream/side-calls/side-calls.ts';

/** Where a connection manager stands, for formats. */
export interface ManagerPlace {
  readonly listenerName: string;
  readonly filterChainName: string;
}

/** A connection manager that knows what its routes are made of. */
export class BuiltManager {
  readonly manager: HttpManager;
  /** As it was configured. */
  readonly given: HttpConnectionManagerConfig;
  /** With the route tables that are in force. */
  config: HttpConnectionManagerConfig;
  tables: CompiledTables;
  private readonly planned: readonly PlannedFilter[];
  private readonly options: CompileOptions;
  private readonly context: ChainContext;

  constructor(given: HttpConnectionManagerConfig, context: ChainContext, place: ManagerPlace) {
    const config = context.currentRoutes?.(given) ?? given;
    this.given = given;
    this.config = config;
    this.context = context;
    const settings = httpSettings(config, context.bufferLimitBytes, {
      runtime: context.runtime,
      node: context.node,
      earlyMutation: earlyMutation(config),
      localReply: config.localReplyConfig && new LocalReplyMapper(config.localReplyConfig, sourceBytes),
    });
    const tracing = httpTracing(config, context);
    const filterContext = filterContexts(settings.statPrefix, context);
    const entries = config.httpFilters as readonly HttpFilterConfig[];
    const { seams } = context;
    this.planned = entries.map((entry, index) => {
      const create = () => withActiveSpan(plannedFilter(entry, filterContext(index)), tracing?.tracer);
      return seams === undefined ? create() : seams.filter(entry, index, create);
    });
    const filterSlots = new Map(this.planned.map(({ name }, index) => [name, index]));
    this.options = { filterSlots, directBody: dataSourceText, stats: context.rootScope };
    this.tables = seams?.compiled(config) ?? compileTables(config, this.options);
    const logs = context.accessLogs(config.accessLog);
    const { routes, plans, internalOnly } = this.routeSet(config, this.tables);
    this.manager = new HttpManager({
      settings,
      plan: new FilterPlan(this.planned, (index) => entries[index]?.disabled === true),
      routePlans: plans,
      upgradePlans: upgradePlans(config, filterContext, filterSlots, tracing?.tracer),
      routes,
      internalOnlyHeaders: internalOnly,
      clusters: context.clusters,
      wheel: context.wheel,
      random: context.random,
      runtime: context.runtime,
      logger: context.logger,
      rootScope: context.rootScope,
      listenerStats: listenerHttpStats(context.listenerScope.scope(`http.${settings.statPrefix}.`)),
      draining: context.draining,
      tracing: tracing?.tracing,
      logs: logs && new HttpLogs(logs, logMoments(config), context.wheel),
      ...place,
    });
  }

  /**
   * Compiles the route tables of `config`, which differs from the present one in nothing else. They are in force once the
   * returned function is called.
   * @throws TypeError naming the virtual host and route whose settings cannot be compiled.
   */
  prepare(config: HttpConnectionManagerConfig): () => void {
    const tables = compileTables(config, this.options);
    const set = this.routeSet(config, tables);
    return () => {
      this.config = config;
      this.tables = tables;
      this.manager.useRoutes(set);
    };
  }

  private routeSet(config: HttpConnectionManagerConfig, { whole, tables }: CompiledTables): RouteSet {
    return {
      routes: this.context.seams?.table(whole) ?? whole,
      plans: routePlans(this.planned, config.httpFilters as readonly HttpFilterConfig[], tables),
      internalOnly: internalOnlyHeaders(config),
    };
  }
}

/** The route table, or the tables of scopes. */
function compileTables(config: HttpConnectionManagerConfig, options: CompileOptions): CompiledTables {
  if (config.scopedRoutes !== undefined) {
    const whole = compileScopedRoutes(config.scopedRoutes as never, options);
    return { whole, tables: whole.tables };
  }
  const whole = compileRoutes((config.routeConfig ?? { name: '', virtualHosts: [] }) as never, options);
  return { whole, tables: [whole] };
}

/** With scopes, what any of their tables keeps for internal clients: the scope is known only after the clean-up. */
function internalOnlyHeaders({ routeConfig, scopedRoutes }: HttpConnectionManagerConfig): readonly string[] {
  const scopes = scopedRoutes?.scopedRouteConfigurationsList?.scopedRouteConfigurations ?? [];
  const tables = routeConfig === undefined ? scopes.map((scope) => scope.routeConfiguration) : [routeConfig];
  return [...new Set(tables.flatMap((table) => table?.internalOnlyHeaders ?? []).map((name) => name.toLowerCase()))];
}

function logMoments(config: HttpConnectionManagerConfig): LogMoments {
  const { accessLogOptions: options, accessLogFlushIntervalMs: interval, flushAccessLogOnNewRequest } = config;
  return {
    intervalMs: options?.accessLogFlushIntervalMs ?? interval ?? 0,
    onRequest: options?.flushAccessLogOnNewRequest ?? flushAccessLogOnNewRequest,
    onTunnel: options?.flushLogOnTunnelSuccessfullyEstablished ?? false,
  };
}

/** The bytes of a data source that has been checked to be readable. */
function sourceBytes(source: object): Uint8Array {
  return readDataSource(source).bytes ?? Buffer.alloc(0);
}

/** `early_header_mutation_extensions` as one call. */
function earlyMutation(config: HttpConnectionManagerConfig): HttpSettings['earlyMutation'] {
  const lists = config.earlyHeaderMutationExtensions.map(
    (entry) => new HeaderMutationList((entry.config as { readonly mutations: never }).mutations),
  );
  if (lists.length === 0) return undefined;
  return (head, stream) => {
    for (const list of lists) list.apply(head, stream);
  };
}

/** Where nothing is to leave the process (`explain`) there is nobody to ask. */
const NO_CLUSTERS: Clusters = { get: () => undefined };

/** What filters get besides their config, by the place where their per-route config is found. */
function filterContexts(statPrefix: string, context: ChainContext): (slot: number) => HttpFilterContext {
  const { accessLogs, clusters, runtime, server, taps, wheel: timers } = context;
  const stats = context.rootScope.scope(`http.${statPrefix}.`);
  const sideCalls = context.observers?.sideCalls ?? new ClusterSideCalls(NO_CLUSTERS, timers);
  return (slot) => ({
    stats,
    clusters,
    sideCalls,
    server,
    timers,
    runtime,
    accessLogs,
    taps,
    routeConfig: (stream) => stream.route?.filterConfig(slot),
  });
}

function plannedFilter(entry: HttpFilterConfig, context: HttpFilterContext): PlannedFilter {
  const definition = entry.definition as unknown as HttpFilterDefinition;
  const filter = definition.create(entry.config, context);
  return { name: entry.name, definitionName: definition.name, filter, newState: definition.newState };
}

/** Per-route config of a filter in the chain of an upgrade is that of the filter with its name in the main chain. */
function upgradePlans(
  { upgradeConfigs }: HttpConnectionManagerConfig,
  filterContext: (slot: number) => HttpFilterContext,
  slots: ReadonlyMap<string, number>,
  tracer: Tracer | undefined,
): ReadonlyMap<string, FilterPlan> {
  const plans = new Map<string, FilterPlan>();
  for (const { upgradeType, filters } of upgradeConfigs) {
    const entries = filters as readonly HttpFilterConfig[];
    if (entries.length === 0) continue;
    const slotOf = (index: number) => slots.get(entries[index]?.name ?? '') ?? -1;
    const planned = entries.map((entry, index) =>
      withActiveSpan(plannedFilter(entry, filterContext(slotOf(index))), tracer),
    );
    const disabled = (index: number) => entries[index]?.disabled === true;
    plans.set(upgradeType.toLowerCase(), new FilterPlan(planned, disabled, slotOf));
  }
  return plans;
}

/** One plan for each route whose switches differ from the chain's. */
function routePlans(
  planned: readonly PlannedFilter[],
  entries: readonly HttpFilterConfig[],
  tables: readonly RouteTable[],
): ReadonlyMap<Route, FilterPlan> {
  const plans = new Map<Route, FilterPlan>();
  const hosts = tables.flatMap((table) => table.virtualHosts);
  const routes = hosts.flatMap((host) => host.routes.flatMap((route) => [route, ...route.variants]));
  for (const route of routes) {
    const disabled = (index: number) => route.filterDisabled(index) ?? entries[index]?.disabled === true;
    const same = entries.every((entry, index) => disabled(index) === entry.disabled);
    if (!same) plans.set(route, new FilterPlan(planned, disabled));
  }
  return plans;
}
