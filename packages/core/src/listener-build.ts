/** A listener's config → the plan of its connections: listener filters, filter chains, HTTP managers in them. */
import { accessLogs } from './access-log-build.ts';
import type { EntryLogs } from './api/access-log.ts';
import type { RandomSource } from './api/clock.ts';
import type { NetworkFilterContext } from './api/network-filter.ts';
import type { ObserverContext } from './api/observer.ts';
import type { Runtime } from './api/runtime.ts';
import type { TapSource, Taps } from './api/tap.ts';
import type { Tracer } from './api/tracer.ts';
import type { Clusters } from './api/upstream.ts';
import type { AccessLogConfig } from './config/access-log.ts';
import { chainConditions } from './config/filter-chain-match.ts';
import type { HttpConnectionManagerConfig, HttpFilterConfig } from './config/http-connection-manager.ts';
import type { FilterChainConfig, ListenerConfig } from './config/listener.ts';
import { type ListenerFilterConfig, predicateHolds } from './config/listener-filter.ts';
import { serverTlsSettings } from './config/tls/build.ts';
import type { ListenerFilterDefinition, NetworkFilterDefinition, ServerHealth } from './define/index.ts';
import { errorText, MeshError } from './errors.ts';
import type { Routes } from './http/admission.ts';
import { httpChainEnd } from './http/codec-choice.ts';
import type { PlannedFilter } from './http/filter-plan.ts';
import { httpConnectionManager } from './http-connection-manager.ts';
import { BuiltManager } from './manager-build.ts';
import { type ChainEnd, type NetworkPlan, networkPlan, type PlannedNetworkFilter } from './net/filter-chain.ts';
import { type ListenerChain, ListenerPlan, type PlannedListenerFilter } from './net/listener-plan.ts';
import type { CertificateRegistry } from './net/tls/certificate-registry.ts';
import { serverTlsTransport } from './net/tls/server.ts';
import type { ServerTransport } from './net/transport.ts';
import { connectionSubject } from './observe/connection-subject.ts';
import type { ProviderEntry } from './observe/tracers.ts';
import type { Registry } from './registry.ts';
import type { RouteTable } from './routing/route-table.ts';
import type { ScopedRoutes } from './routing/scoped-routes.ts';
import type { Logger } from './runtime/log.ts';
import type { TimerWheel } from './runtime/timer-wheel.ts';
import type { Scope } from './stats/index.ts';
import type { TracingContext } from './tracing-build.ts';

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
  readonly server: ServerHealth;
  /** The config with the route tables that have taken the place of its own; default as it is. */
  readonly currentRoutes?: ((manager: HttpConnectionManagerConfig) => HttpConnectionManagerConfig) | undefined;
  /** `node` of the bootstrap, for fields that name this proxy. */
  readonly node?: { readonly id?: string | undefined; readonly cluster?: string | undefined } | undefined;
  /** Where `/certs` finds the certificates of filter chains. */
  readonly certificates?: CertificateRegistry | undefined;
  /** What access logs and tracers are made with; absent where nothing is to be observed (`explain`). */
  readonly observers?: ObserverContext | undefined;
  /** Tracers that connection managers share; absent where nothing is to be observed. */
  readonly tracing?: TracingContext | undefined;
  /** Takes in what can be tapped; the answer takes it out again. Absent where nothing is to be observed. */
  readonly tap?: ((configId: string, source: TapSource) => () => void) | undefined;
  /** Told of what is still to be sent when a part is given back: the end of the proxy waits for it. */
  readonly closing?: (closing: Promise<void>) => void;
  /** For `explain`, which builds a listener to look at it: what is put in the place of its parts. */
  readonly seams?: BuildSeams;
}

/** What one filter chain is built with. */
export interface ChainContext extends BuildContext {
  /** Its listener takes what this side sends out (`traffic_direction` OUTBOUND). */
  readonly egress: boolean;
  /** The tracer of a provider; it is given back with the chain. */
  tracer(provider: ProviderEntry): Tracer;
  /** What is registered is taken out with the chain. */
  readonly taps: Taps;
  /** Makes the logs of a list of `access_log` entries; they are closed with the chain. */
  accessLogs(entries: readonly object[]): EntryLogs | undefined;
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

/** A filter chain with what belongs to it alone. Chains that an update leaves as they are go on with their connections. */
export interface BuiltChain {
  readonly config: FilterChainConfig;
  readonly chain: ListenerChain;
  readonly managers: readonly BuiltManager[];
  /** Its connections are to end: responses carry `connection: close`. */
  readonly drain: { on: boolean };
  /** Stops watching files and gives back statistics; called once, when its last connection is gone. */
  release(): void;
}

/** The built listener. */
export interface ListenerBuild {
  readonly plan: ListenerPlan;
  /** The default one comes last. */
  readonly chains: readonly BuiltChain[];
}

/** The connection managers of all chains. */
export function managersOf({ chains }: ListenerBuild): BuiltManager[] {
  return chains.flatMap(({ managers }) => managers);
}

/**
 * Builds a listener, whose filters have been checked to be in their places. `reuse` may answer with a chain that has been
 * built from the same config before.
 * @throws MeshError `CONFIG_INVALID` when chains that were made in code cannot be told apart, or a file cannot be loaded.
 */
export function listenerBuild(
  config: ListenerConfig,
  context: BuildContext,
  reuse: (chain: FilterChainConfig) => BuiltChain | undefined = () => undefined,
): ListenerBuild {
  const chains: BuiltChain[] = [];
  const made: BuiltChain[] = [];
  const build = (chain: FilterChainConfig): ListenerChain => {
    const built = reuse(chain) ?? builtChain(chain, config, context, made);
    chains.push(built);
    return built.chain;
  };
  try {
    const plan = listenerPlan(config, context, build);
    if (!plan.overlapping) return { plan, chains };
    const message = `listener ${config.name}: multiple filter chains with overlapping matching rules are defined`;
    throw new MeshError('CONFIG_INVALID', message);
  } catch (error) {
    for (const chain of made) chain.release();
    throw error;
  }
}

function listenerPlan(
  config: ListenerConfig,
  context: BuildContext,
  build: (chain: FilterChainConfig) => ListenerChain,
): ListenerPlan {
  const { filterChains, defaultFilterChain } = config;
  const { seams } = context;
  if (seams !== undefined) {
    const fallback = build(seams.chain);
    return new ListenerPlan({ chains: [], fallback, filters: [], filtersTimeoutMs: 0, continueOnTimeout: false });
  }
  return new ListenerPlan({
    chains: filterChains.map((chain) => ({
      conditions: chainConditions(chain.filterChainMatch),
      chain: build(chain),
    })),
    fallback: defaultFilterChain && build(defaultFilterChain),
    filters: listenerFilters(config, context),
    filtersTimeoutMs: config.listenerFiltersTimeoutMs,
    continueOnTimeout: config.continueOnListenerFiltersTimeout,
  });
}

/** Puts what is built into `made`, so that it can be given back when something else fails. */
function builtChain(
  config: FilterChainConfig,
  listener: ListenerConfig,
  shared: BuildContext,
  made: BuiltChain[],
): BuiltChain {
  const drain = { on: false };
  const rootScope = shared.rootScope.scope('');
  const listenerScope = shared.listenerScope.scope('');
  const closing: { close(): void }[] = [rootScope, listenerScope];
  const logs: EntryLogs[] = [];
  const tracers: Tracer[] = [];
  const context: ChainContext = {
    ...shared,
    rootScope,
    listenerScope,
    draining: () => drain.on || shared.draining(),
    egress: listener.trafficDirection === 'OUTBOUND',
    tracer(provider) {
      const tracer = (shared.tracing as TracingContext).tracers.acquire(provider);
      tracers.push(tracer);
      return tracer;
    },
    taps: {
      register(configId, source) {
        const leave = shared.tap?.(configId, source);
        if (leave !== undefined) closing.push({ close: leave });
      },
    },
    accessLogs(entries) {
      const made = accessLogs(entries as readonly AccessLogConfig[], shared.observers);
      if (made !== undefined) logs.push(made);
      return made;
    },
  };
  const managers: BuiltManager[] = [];
  const release = () => {
    for (const part of closing) part.close();
    for (const each of logs) closed(each, shared);
    for (const tracer of tracers) shared.tracing?.tracers.release(tracer);
  };
  try {
    const transport = serverTransport(config, context);
    if (transport !== undefined) closing.push(transport);
    const plan = chainPlan(config, listener, context, managers);
    const transportTimeoutMs = config.transportSocketConnectTimeoutMs;
    const built = {
      config,
      chain: { name: config.name, plan, transport, transportTimeoutMs },
      managers,
      drain,
      release,
    };
    made.push(built);
    return built;
  } catch (error) {
    release();
    throw error;
  }
}

/** Gives logs back; what they still send is waited for at the end. */
function closed(logs: EntryLogs, { closing }: BuildContext): void {
  const end = logs.close();
  closing?.(end);
}

/** Looking at a listener makes no handshake. */
function serverTransport(chain: FilterChainConfig, context: BuildContext): ServerTransport | undefined {
  const settings = context.seams === undefined ? serverTlsSettings(chain.transportSocket) : undefined;
  if (settings === undefined) return undefined;
  const { wheel, logger, certificates, listenerScope: scope } = context;
  return serverTlsTransport(settings, { scope, wheel, logger, certificates });
}

function chainPlan(
  chain: FilterChainConfig,
  config: ListenerConfig,
  context: ChainContext,
  managers: BuiltManager[],
): NetworkPlan {
  const filters: PlannedNetworkFilter[] = [];
  let end: ChainEnd | undefined;
  for (const entry of chain.filters) {
    const definition = entry.definition as unknown as NetworkFilterDefinition;
    if (definition !== httpConnectionManager) {
      // They do not decide what becomes of a request, and are not to be made twice.
      if (context.seams !== undefined) continue;
      const filter = definition.create(entry.config, networkContext(config, chain.name, context));
      filters.push({ name: entry.name, filter, newState: definition.newState });
      continue;
    }
    const place = { listenerName: config.name, filterChainName: chain.name };
    const built = new BuiltManager(entry.config as HttpConnectionManagerConfig, context, place);
    managers.push(built);
    end = httpChainEnd(built.manager);
  }
  const failed = (filter: string, error: unknown) => {
    context.logger.log('error', 'filter', `network filter ${filter} failed: ${errorText(error)}`);
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
function networkContext(config: ListenerConfig, chain: string, context: ChainContext): NetworkFilterContext {
  const { clusters, wheel, runtime, random } = context;
  const place = { clusters, timers: wheel, runtime, random, listenerName: config.name };
  return {
    stats: context.rootScope,
    listener: { name: config.name, direction: config.trafficDirection },
    clusters: context.clusters,
    timers: context.wheel,
    runtime: context.runtime,
    random: context.random,
    draining: context.draining,
    accessLogs(entries) {
      const logs = context.accessLogs(entries);
      if (logs === undefined) return undefined;
      return {
        log: (connection, type) => logs.log(connectionSubject(connection, connection.info, place, chain), type),
        close: () => logs.close(),
      };
    },
  };
}
