/** A listener's config → the plan of its connections: listener filters, filter chains, HTTP managers in them. */
import type { RandomSource } from './api/clock.ts';
import type { NetworkFilterContext } from './api/network-filter.ts';
import type { Route } from './api/route.ts';
import type { Runtime } from './api/runtime.ts';
import type { Clusters } from './api/upstream.ts';
import { dataSourceText } from './config/build.ts';
import { httpSettings } from './config/build-http.ts';
import { readDataSource } from './config/data-source.ts';
import { chainConditions } from './config/filter-chain-match.ts';
import type { HttpConnectionManagerConfig, HttpFilterConfig } from './config/http-connection-manager.ts';
import type { FilterChainConfig, ListenerConfig } from './config/listener.ts';
import { type ListenerFilterConfig, predicateHolds } from './config/listener-filter.ts';
import { serverTlsSettings } from './config/tls/build.ts';
import type { HttpFilterDefinition, ListenerFilterDefinition, NetworkFilterDefinition } from './define.ts';
import { MeshError } from './errors.ts';
import type { Routes } from './http/admission.ts';
import { httpChainEnd } from './http/codec-choice.ts';
import { FilterPlan, type PlannedFilter } from './http/filter-plan.ts';
import { LocalReplyMapper } from './http/local-reply-mapper.ts';
import { HttpManager } from './http/manager.ts';
import type { HttpSettings } from './http/settings.ts';
import { httpConnectionManager } from './http-connection-manager.ts';
import { type ChainEnd, type NetworkPlan, networkPlan, type PlannedNetworkFilter } from './net/filter-chain.ts';
import { type ListenerChain, ListenerPlan, type PlannedListenerFilter } from './net/listener-plan.ts';
import type { CertificateRegistry } from './net/tls/certificate-registry.ts';
import { serverTlsTransport } from './net/tls/server.ts';
import type { ServerTransport } from './net/transport.ts';
import type { Openings } from './proxy/openings.ts';
import type { Registry } from './registry.ts';
import type { CompileOptions } from './routing/compiled-route.ts';
import { HeaderMutationList } from './routing/header-mutation-list.ts';
import { compileRoutes, type RouteTable } from './routing/route-table.ts';
import { compileScopedRoutes, type ScopedRoutes } from './routing/scoped-routes.ts';
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
  /** `node` of the bootstrap, for fields that name this proxy. */
  readonly node?: { readonly id?: string | undefined; readonly cluster?: string | undefined } | undefined;
  /** Where `/certs` finds the certificates of filter chains. */
  readonly certificates?: CertificateRegistry | undefined;
  /** Closes the transports that are made. */
  readonly openings?: Openings | undefined;
  /** For `explain`, which builds a listener to look at it: what is put in the place of its parts. */
  readonly seams?: BuildSeams;
}

/** Looks at parts as they are built, or replaces them. */
export interface BuildSeams {
  /** The one chain that is built. */
  readonly chain: FilterChainConfig;
  /** `create` makes the real filter; it need not be called. */
  filter(entry: HttpFilterConfig, index: number, create: () => PlannedFilter): PlannedFilter;
  table(compiled: RouteTable | ScopedRoutes): Routes;
  /** Tables that have been compiled from this config already. */
  compiled(config: HttpConnectionManagerConfig): CompiledTables | undefined;
}

/** The route table of a connection manager, or its scoped routes and their tables. */
export interface CompiledTables {
  readonly whole: RouteTable | ScopedRoutes;
  readonly tables: readonly RouteTable[];
}

/** The built listener. */
export interface ListenerBuild {
  readonly plan: ListenerPlan;
  /** Of all chains. */
  readonly managers: readonly HttpManager[];
  /** By connection manager. */
  readonly tables: ReadonlyMap<HttpConnectionManagerConfig, CompiledTables>;
}

/** What the chains of a listener add up to. */
interface Gathered {
  readonly managers: HttpManager[];
  readonly tables: Map<HttpConnectionManagerConfig, CompiledTables>;
}

/**
 * Builds a listener, whose filters have been checked to be in their places.
 * @throws MeshError `CONFIG_INVALID` when chains that were made in code cannot be told apart.
 */
export function listenerBuild(config: ListenerConfig, context: BuildContext): ListenerBuild {
  const gathered: Gathered = { managers: [], tables: new Map() };
  const build = (chain: FilterChainConfig) => listenerChain(chain, config, context, gathered);
  const { filterChains, defaultFilterChain } = config;
  const { seams } = context;
  const plan = new ListenerPlan(
    seams === undefined
      ? {
          chains: filterChains.map((chain) => ({
            conditions: chainConditions(chain.filterChainMatch),
            chain: build(chain),
          })),
          fallback: defaultFilterChain && build(defaultFilterChain),
          filters: listenerFilters(config, context),
          filtersTimeoutMs: config.listenerFiltersTimeoutMs,
          continueOnTimeout: config.continueOnListenerFiltersTimeout,
        }
      : { chains: [], fallback: build(seams.chain), filters: [], filtersTimeoutMs: 0, continueOnTimeout: false },
  );
  if (plan.overlapping) {
    const message = `listener ${config.name}: multiple filter chains with overlapping matching rules are defined`;
    throw new MeshError('CONFIG_INVALID', message);
  }
  return { plan, ...gathered };
}

function listenerChain(
  chain: FilterChainConfig,
  config: ListenerConfig,
  context: BuildContext,
  gathered: Gathered,
): ListenerChain {
  return {
    name: chain.name,
    plan: chainPlan(chain, config, context, gathered),
    transport: serverTransport(chain, context),
    transportTimeoutMs: chain.transportSocketConnectTimeoutMs,
  };
}

/** Looking at a listener makes no handshake. */
function serverTransport(chain: FilterChainConfig, context: BuildContext): ServerTransport | undefined {
  const settings = context.seams === undefined ? serverTlsSettings(chain.transportSocket) : undefined;
  if (settings === undefined) return undefined;
  const { wheel, logger, certificates, listenerScope: scope } = context;
  const transport = serverTlsTransport(settings, { scope, wheel, logger, certificates });
  return context.openings?.add(transport) ?? transport;
}

function chainPlan(
  chain: FilterChainConfig,
  config: ListenerConfig,
  context: BuildContext,
  { managers, tables }: Gathered,
): NetworkPlan {
  const filters: PlannedNetworkFilter[] = [];
  let end: ChainEnd | undefined;
  for (const entry of chain.filters) {
    const definition = entry.definition as unknown as NetworkFilterDefinition;
    if (definition !== httpConnectionManager) {
      // They do not decide what becomes of a request, and are not to be made twice.
      if (context.seams !== undefined) continue;
      const filter = definition.create(entry.config, networkContext(config, context));
      filters.push({ name: entry.name, filter, newState: definition.newState });
      continue;
    }
    const names = { listenerName: config.name, filterChainName: chain.name };
    const manager = httpManager(entry.config as HttpConnectionManagerConfig, context, tables, names);
    managers.push(manager);
    end = httpChainEnd(manager);
  }
  const failed = (filter: string, error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    context.logger.log('error', 'filter', `network filter ${filter} failed: ${text}`);
    context.listenerScope.counter('network_filter_error').inc();
  };
  return networkPlan(filters, end, failed, context.wheel.clock);
}

/** Name of the filter that the deprecated `use_proxy_proto` of a chain stands for. */
const PROXY_PROTOCOL = 'envoy.filters.listener.proxy_protocol';

/** As in Envoy, `use_proxy_proto` of the first chain counts for all, and its filter runs behind the others. */
function listenerFilters(config: ListenerConfig, context: BuildContext): PlannedListenerFilter[] {
  const planned = config.listenerFilters.map((entry) => listenerFilter(entry, config, context));
  const first = config.filterChains[0] ?? config.defaultFilterChain;
  if (first?.useProxyProto !== true) return planned;
  const definition = context.registry.find('listener-filter', { name: PROXY_PROTOCOL });
  if (definition === undefined) {
    const message = `listener ${config.name}: use_proxy_proto needs ${PROXY_PROTOCOL}; pass extensions: [...standard]`;
    throw new MeshError('CONFIG_INVALID', message);
  }
  const text = 'use_proxy_proto does not respect the order of listener filters; configure the proxy_protocol filter';
  context.logger.log('warning', 'config', `listener ${config.name}: ${text}`);
  const result = definition.config['~standard'].validate({});
  const settings = 'value' in result ? result.value : {};
  const filterDisabled = undefined;
  return [
    ...planned,
    listenerFilter(
      { name: PROXY_PROTOCOL, typeUrl: undefined, definition, config: settings, filterDisabled },
      config,
      context,
    ),
  ];
}

function listenerFilter(
  { name, definition, config: settings, filterDisabled }: ListenerFilterConfig,
  config: ListenerConfig,
  context: BuildContext,
): PlannedListenerFilter {
  const filter = (definition as unknown as ListenerFilterDefinition).create(settings, {
    stats: context.rootScope,
    listenerStats: context.listenerScope,
    log: (level, message) => context.logger.log(level, 'config', `listener ${config.name}: ${message}`),
  });
  return { name, filter, disabled: filterDisabled && ((connection) => predicateHolds(filterDisabled, connection)) };
}

/** What network filters get besides their config. */
function networkContext(config: ListenerConfig, context: BuildContext): NetworkFilterContext {
  return {
    stats: context.rootScope,
    listener: { name: config.name, direction: config.trafficDirection },
    clusters: context.clusters,
    timers: context.wheel,
    runtime: context.runtime,
    random: context.random,
    draining: context.draining,
  };
}

function httpManager(
  config: HttpConnectionManagerConfig,
  context: BuildContext,
  compiled: Map<HttpConnectionManagerConfig, CompiledTables>,
  names: { readonly listenerName: string; readonly filterChainName: string },
): HttpManager {
  const settings = httpSettings(config, context.bufferLimitBytes, {
    runtime: context.runtime,
    node: context.node,
    earlyMutation: earlyMutation(config),
    localReply: config.localReplyConfig && new LocalReplyMapper(config.localReplyConfig, sourceBytes),
  });
  const stats = context.rootScope.scope(`http.${settings.statPrefix}.`);
  const entries = config.httpFilters as readonly HttpFilterConfig[];
  const { seams } = context;
  const planned = entries.map((entry, index) => {
    const create = () => plannedFilter(entry, index, stats);
    return seams === undefined ? create() : seams.filter(entry, index, create);
  });
  const filterSlots = new Map(planned.map(({ name }, index) => [name, index]));
  const options = { filterSlots, directBody: dataSourceText, stats: context.rootScope };
  const routes = seams?.compiled(config) ?? compileTables(config, options);
  const { whole, tables } = routes;
  compiled.set(config, routes);
  return new HttpManager({
    settings,
    plan: new FilterPlan(planned, (index) => entries[index]?.disabled === true),
    routePlans: routePlans(planned, entries, tables),
    upgradePlans: upgradePlans(config, stats, filterSlots),
    routes: seams?.table(whole) ?? whole,
    internalOnlyHeaders: internalOnlyHeaders(config),
    clusters: context.clusters,
    wheel: context.wheel,
    random: context.random,
    runtime: context.runtime,
    logger: context.logger,
    rootScope: context.rootScope,
    listenerStats: listenerHttpStats(context.listenerScope.scope(`http.${settings.statPrefix}.`)),
    draining: context.draining,
    ...names,
  });
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

function plannedFilter(entry: HttpFilterConfig, index: number, stats: Scope): PlannedFilter {
  const definition = entry.definition as unknown as HttpFilterDefinition;
  const filter = definition.create(entry.config, {
    stats,
    routeConfig: (stream) => stream.route?.filterConfig(index),
  });
  return { name: entry.name, definitionName: definition.name, filter, newState: definition.newState };
}

/** Per-route config of a filter in the chain of an upgrade is that of the filter with its name in the main chain. */
function upgradePlans(
  { upgradeConfigs }: HttpConnectionManagerConfig,
  stats: Scope,
  slots: ReadonlyMap<string, number>,
): ReadonlyMap<string, FilterPlan> {
  const plans = new Map<string, FilterPlan>();
  for (const { upgradeType, filters } of upgradeConfigs) {
    const entries = filters as readonly HttpFilterConfig[];
    if (entries.length === 0) continue;
    const slotOf = (index: number) => slots.get(entries[index]?.name ?? '') ?? -1;
    const planned = entries.map((entry, index) => plannedFilter(entry, slotOf(index), stats));
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
