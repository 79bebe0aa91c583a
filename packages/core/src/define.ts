/**
 * One shape for every extension point: `defineX({ name, typeUrl?, config, create })`. What it returns is at once the
 * definition (for `extensions: […]` and YAML) and a function that makes a configured instance in code.
 */
import type { AccessLog } from './api/access-log.ts';
import type { Timers } from './api/clock.ts';
import type { Discovery, DiscoveryContext } from './api/discovery.ts';
import type { ClusterMonitor, ClusterMonitorContext } from './api/health.ts';
import type { HttpFilter, TerminalHttpFilter } from './api/http-filter.ts';
import type { HttpStream } from './api/http-stream.ts';
import type { ListenerFilter, ListenerFilterContext } from './api/listener-filter.ts';
import type { LoadBalancer, LoadBalancerContext } from './api/load-balancer.ts';
import type { NetworkFilter, NetworkFilterContext } from './api/network-filter.ts';
import type { ObserverContext } from './api/observer.ts';
import type { Runtime } from './api/runtime.ts';
import type { StatsScope } from './api/stats.ts';
import type { StatsSink } from './api/stats-sink.ts';
import type { Tracer } from './api/tracer.ts';
import type { Clusters } from './api/upstream.ts';
import type { StandardIssue, StandardSchema } from './config/standard-schema.ts';
import { MeshError } from './errors.ts';

/** The kinds of extension that a registry holds. */
export type ExtensionKind =
  | 'http-filter'
  | 'network-filter'
  | 'listener-filter'
  | 'discovery'
  | 'load-balancer'
  | 'cluster-monitor'
  | 'access-log'
  | 'tracer'
  | 'stats-sink';

/** The input type that a schema accepts; `unknown` for schemas that do not say. */
export type SchemaInput<S> = S extends { readonly '~standard': { readonly types?: infer T } }
  ? NonNullable<T> extends { readonly input: infer I }
    ? I
    : unknown
  : unknown;

/** The value that a schema produces. */
export type SchemaOutput<S> = S extends { readonly '~standard': { readonly types?: infer T } }
  ? NonNullable<T> extends { readonly output: infer O }
    ? O
    : unknown
  : S extends StandardSchema<infer O>
    ? O
    : unknown;

/** What every definition has. */
export interface ExtensionBase<Kind extends ExtensionKind = ExtensionKind> {
  readonly kind: Kind;
  /** The name in configuration, e.g. `acme.filters.http.gate`. Unique within a registry and kind. */
  readonly name: string;
  /** `type.googleapis.com/…` of the config message, for YAML that names it by `@type`. */
  readonly typeUrl: string | undefined;
  readonly config: StandardSchema;
  readonly routeConfig: StandardSchema | undefined;
}

/** What `create` of an HTTP filter gets besides its config. */
export interface HttpFilterContext<RouteConfig = unknown> {
  /** Scope `http.<stat_prefix>.` of the connection manager that the filter is in. */
  readonly stats: StatsScope;
  /** This filter's `typed_per_filter_config` for the stream's route, most specific first; `undefined` without one. */
  routeConfig(stream: HttpStream): RouteConfig | undefined;
  /** Every cluster of the proxy; they come and go while it runs. */
  readonly clusters: Clusters;
  /** The proxy that the filter runs in. */
  readonly server: ServerHealth;
  readonly timers: Timers;
  readonly runtime: Runtime;
}

/** What a proxy says of itself, as it is now: ask per request. */
export interface ServerHealth {
  /** True from the admin server's `/healthcheck/fail` until `/healthcheck/ok`. */
  readonly healthFailed: boolean;
  /** `node.cluster`, or `--service-cluster`; absent or '' without one. */
  readonly cluster?: string;
}

/** An HTTP filter's definition, with its types erased for the registry. */
export interface HttpFilterDefinition extends ExtensionBase<'http-filter'> {
  /** It ends the chain and produces the response; exactly the last filter of a chain must be terminal. */
  readonly terminal: boolean;
  readonly newState: (() => unknown) | undefined;
  create(config: unknown, context: HttpFilterContext): HttpFilter<never, never>;
}

/** A network filter's definition, with its types erased for the registry. */
export interface NetworkFilterDefinition extends ExtensionBase<'network-filter'> {
  readonly terminal: boolean;
  readonly newState: (() => unknown) | undefined;
  create(config: unknown, context: NetworkFilterContext): NetworkFilter<never>;
}

/** A listener filter's definition, with its types erased for the registry. */
export interface ListenerFilterDefinition extends ExtensionBase<'listener-filter'> {
  create(config: unknown, context: ListenerFilterContext): ListenerFilter;
}

/** A discovery's definition. */
export interface DiscoveryDefinition extends ExtensionBase<'discovery'> {
  /** Values of a cluster's `type` that it serves, e.g. `STRICT_DNS`. */
  readonly types: readonly string[];
  /** What it makes has a `balancer`: its clusters need `lb_policy: CLUSTER_PROVIDED`. */
  readonly balances: boolean;
  prepare?(config: never, typeConfig: never): unknown;
  create(context: DiscoveryContext<never, never>): Discovery;
}

/** A balancing policy's definition, with its types erased for the registry. */
export interface LoadBalancerDefinition extends ExtensionBase<'load-balancer'> {
  create(config: unknown, context: LoadBalancerContext): LoadBalancer;
}

/** A cluster monitor's definition, with its types erased for the registry. */
export interface ClusterMonitorDefinition extends ExtensionBase<'cluster-monitor'> {
  create(context: ClusterMonitorContext<never>): ClusterMonitor | undefined;
}

/** An access logger's definition, with its types erased for the registry. */
export interface AccessLogDefinition extends ExtensionBase<'access-log'> {
  create(config: unknown, context: ObserverContext): AccessLog;
}

/** A tracer's definition, with its types erased for the registry. */
export interface TracerDefinition extends ExtensionBase<'tracer'> {
  create(config: unknown, context: ObserverContext): Tracer;
}

/** A stats sink's definition, with its types erased for the registry. */
export interface StatsSinkDefinition extends ExtensionBase<'stats-sink'> {
  create(config: unknown, context: ObserverContext): StatsSink;
}

/** Anything that `createProxy({ extensions })` takes. */
export type Extension =
  | HttpFilterDefinition
  | NetworkFilterDefinition
  | ListenerFilterDefinition
  | DiscoveryDefinition
  | LoadBalancerDefinition
  | ClusterMonitorDefinition
  | AccessLogDefinition
  | TracerDefinition
  | StatsSinkDefinition;

/** A definition together with a checked config: what the code door puts into a chain. */
export interface Configured<Definition extends Extension> {
  readonly definition: Definition;
  readonly config: unknown;
}

/** An HTTP filter for `http({ filters: […] })`. */
export type ConfiguredHttpFilter = Configured<HttpFilterDefinition>;
/** A network filter for `listener({ filters: […] })`. */
export type ConfiguredNetworkFilter = Configured<NetworkFilterDefinition>;
/** A listener filter for `listener({ listenerFilters: […] })`. */
export type ConfiguredListenerFilter = Configured<ListenerFilterDefinition>;

/** A balancing policy for `cluster(name, { loadBalancing })`. */
export type ConfiguredLoadBalancer = Configured<LoadBalancerDefinition>;

/** A source of endpoints for `cluster(name, { clusterType })`. */
export type ConfiguredDiscovery = Configured<DiscoveryDefinition>;

/** An access log for `http({ accessLogs: […] })`. */
export type ConfiguredAccessLog = Configured<AccessLogDefinition>;
/** A tracer for `http({ tracing: { provider } })`. */
export type ConfiguredTracer = Configured<TracerDefinition>;
/** A sink for `createProxy({ statsSinks: […] })`. */
export type ConfiguredStatsSink = Configured<StatsSinkDefinition>;

/** A definition that can be called with its config. Without required fields the config may be left out. */
export type HttpFilterFactory<Input, RouteConfig = unknown> = HttpFilterDefinition & {
  readonly routeConfig: (StandardSchema & { readonly '~types'?: RouteConfig }) | undefined;
} & ({} extends Input ? (config?: Input) => ConfiguredHttpFilter : (config: Input) => ConfiguredHttpFilter);

/** A definition that can be called with its config. */
export type NetworkFilterFactory<Input> = NetworkFilterDefinition &
  ({} extends Input ? (config?: Input) => ConfiguredNetworkFilter : (config: Input) => ConfiguredNetworkFilter);

/** A definition that can be called with its config. */
export type ListenerFilterFactory<Input> = ListenerFilterDefinition &
  ({} extends Input ? (config?: Input) => ConfiguredListenerFilter : (config: Input) => ConfiguredListenerFilter);

/** What {@link defineHttpFilter} takes. */
export interface HttpFilterOptions<
  Config extends StandardSchema,
  State,
  RouteConfig extends StandardSchema,
  Filter = HttpFilter<State, HttpStream>,
> {
  readonly name: string;
  readonly typeUrl?: string;
  /** Any Standard Schema (zod, valibot, arktype, …) of a plain object with camelCase keys. */
  readonly config: Config;
  /** Schema of per-route config (`typed_per_filter_config`), read by `context.routeConfig(stream)`. */
  readonly routeConfig?: RouteConfig;
  /** Makes this filter's state of one request; left out, nothing is allocated per request. */
  readonly newState?: () => State;
  /** Called once per config load. The returned hooks are shared by all requests. */
  create(config: SchemaOutput<Config>, context: HttpFilterContext<SchemaOutput<RouteConfig>>): Filter;
}

/**
 * Defines an HTTP filter.
 *
 * @example
 * export const served = defineHttpFilter({
 *   name: 'acme.filters.http.served',
 *   config: z.object({ by: z.string().default('mesh') }),
 *   create: ({ by }) => ({ onResponseHeaders: (headers) => headers.set('x-served-by', by) }),
 * });
 * // in code: http({ filters: [served({ by: 'me' }), router()] }); in YAML: its name, with extensions: [...standard, served]
 */
export function defineHttpFilter<
  Config extends StandardSchema,
  State = undefined,
  RouteConfig extends StandardSchema = StandardSchema,
>(
  options: HttpFilterOptions<Config, State, RouteConfig>,
): HttpFilterFactory<SchemaInput<Config>, SchemaOutput<RouteConfig>> {
  return httpFilter(options, false);
}

/**
 * Defines a filter that ends the chain and produces the response, as the router does. Its hooks get a
 * `TerminalStream`, through which the response is sent.
 */
export function defineTerminalHttpFilter<
  Config extends StandardSchema,
  State = undefined,
  RouteConfig extends StandardSchema = StandardSchema,
>(
  options: HttpFilterOptions<Config, State, RouteConfig, TerminalHttpFilter<State>>,
): HttpFilterFactory<SchemaInput<Config>, SchemaOutput<RouteConfig>> {
  return httpFilter(options, true);
}

function httpFilter<Config extends StandardSchema, RouteConfig extends StandardSchema>(
  options: HttpFilterOptions<Config, unknown, RouteConfig, object>,
  terminal: boolean,
): HttpFilterFactory<SchemaInput<Config>, SchemaOutput<RouteConfig>> {
  return factory({
    kind: 'http-filter',
    name: options.name,
    typeUrl: options.typeUrl,
    config: options.config,
    routeConfig: options.routeConfig,
    newState: options.newState,
    terminal,
    create: (config, context) => options.create(config as never, context as never) as HttpFilter<never, never>,
  } satisfies HttpFilterDefinition) as unknown as HttpFilterFactory<SchemaInput<Config>, SchemaOutput<RouteConfig>>;
}

/** What {@link defineNetworkFilter} takes. */
export interface NetworkFilterOptions<Config extends StandardSchema, State> {
  readonly name: string;
  readonly typeUrl?: string;
  readonly config: Config;
  /** Makes this filter's state of one connection. */
  readonly newState?: () => State;
  /** It consumes the connection's bytes; exactly the last filter of a chain must be terminal. */
  readonly terminal?: boolean;
  /** Called once per config load. */
  create(config: SchemaOutput<Config>, context: NetworkFilterContext): NetworkFilter<State>;
}

/**
 * Defines a network (L4) filter.
 *
 * @example
 * export const echo = defineNetworkFilter({
 *   name: 'acme.filters.network.echo',
 *   config: z.object({}),
 *   terminal: true,
 *   create: () => ({ onData: (chunk, connection, _state, end) => void connection.write(chunk, end) }),
 * });
 */
export function defineNetworkFilter<Config extends StandardSchema, State = undefined>(
  options: NetworkFilterOptions<Config, State>,
): NetworkFilterFactory<SchemaInput<Config>> {
  return factory({
    kind: 'network-filter',
    name: options.name,
    typeUrl: options.typeUrl,
    config: options.config,
    routeConfig: undefined,
    newState: options.newState,
    terminal: options.terminal ?? false,
    create: (config, context) => options.create(config as SchemaOutput<Config>, context) as NetworkFilter<never>,
  } satisfies NetworkFilterDefinition) as unknown as NetworkFilterFactory<SchemaInput<Config>>;
}

/** What {@link defineListenerFilter} takes. */
export interface ListenerFilterOptions<Config extends StandardSchema> {
  readonly name: string;
  readonly typeUrl?: string;
  readonly config: Config;
  /** Called once per config load. What it returns is shared by all connections. */
  create(config: SchemaOutput<Config>, context: ListenerFilterContext): ListenerFilter;
}

/**
 * Defines a listener filter: it looks at the first bytes of a connection, before the filter chain is chosen.
 *
 * @example
 * export const knock = defineListenerFilter({
 *   name: 'acme.filters.listener.knock',
 *   config: z.object({ word: z.string() }),
 *   create: ({ word }) => ({
 *     onData: (bytes) => (bytes.length < word.length ? 'more' : bytes.toString('latin1', 0, word.length) === word ? word.length : 'close'),
 *   }),
 * });
 */
export function defineListenerFilter<Config extends StandardSchema>(
  options: ListenerFilterOptions<Config>,
): ListenerFilterFactory<SchemaInput<Config>> {
  return factory({
    kind: 'listener-filter',
    name: options.name,
    typeUrl: options.typeUrl,
    config: options.config,
    routeConfig: undefined,
    create: (config, context) => options.create(config as SchemaOutput<Config>, context),
  } satisfies ListenerFilterDefinition) as unknown as ListenerFilterFactory<SchemaInput<Config>>;
}

const anything: StandardSchema = {
  '~standard': { version: 1, vendor: 'mesh', validate: (value) => ({ value }) },
};

/** A definition that can be called with its config. */
export type DiscoveryFactory<Input> = DiscoveryDefinition &
  ({} extends Input ? (config?: Input) => ConfiguredDiscovery : (config: Input) => ConfiguredDiscovery);

/** What {@link defineDiscovery} takes. */
export interface DiscoveryOptions<Config, Schema extends StandardSchema = StandardSchema> {
  /** The name in `cluster_type`. */
  readonly name: string;
  readonly typeUrl?: string;
  /** Values of a cluster's `type` that it serves besides. Default none. */
  readonly types?: readonly string[];
  /** Schema of `cluster_type.typed_config`, which becomes `context.typeConfig`. Default: anything is taken as it is. */
  readonly config?: Schema;
  /** What `create` returns has a `balancer`; its clusters then need `lb_policy: CLUSTER_PROVIDED`. Default false. */
  readonly balances?: boolean;
  /** What the cluster's config comes to for clusters of this type; called before the cluster is built. */
  prepare?(config: Config, typeConfig: SchemaOutput<Schema>): Config;
  /** Called once per cluster. `context.config` is the parsed cluster config. */
  create(context: DiscoveryContext<Config, SchemaOutput<Schema>>): Discovery;
}

/**
 * Defines where a cluster's endpoints come from.
 *
 * @example
 * export const fixed = defineDiscovery({
 *   name: 'acme.clusters.fixed',
 *   config: z.object({ ip: z.string(), port: z.number() }),
 *   create: ({ publish, typeConfig: { ip, port } }) => ({
 *     start: async () => publish([{ ip, port, hostname: '', weight: 1, priority: 0, locality: { region: '', zone: '', subZone: '' } }]),
 *     close: () => {},
 *   }),
 * });
 * // in code: cluster('c', { clusterType: fixed({ ip: '127.0.0.1', port: 9001 }) });
 * // in YAML: cluster_type: { name: acme.clusters.fixed, typed_config: { ip: 127.0.0.1, port: 9001 } }
 */
export function defineDiscovery<Config, Schema extends StandardSchema = StandardSchema>(
  options: DiscoveryOptions<Config, Schema>,
): DiscoveryFactory<SchemaInput<Schema>> {
  return factory({
    kind: 'discovery',
    name: options.name,
    typeUrl: options.typeUrl,
    config: options.config ?? anything,
    routeConfig: undefined,
    types: options.types ?? [],
    balances: options.balances ?? false,
    ...(options.prepare && { prepare: (config, typeConfig) => options.prepare?.(config, typeConfig) ?? config }),
    create: (context) => options.create(context),
  } satisfies DiscoveryDefinition) as unknown as DiscoveryFactory<SchemaInput<Schema>>;
}

/** A definition that can be called with its config. */
export type LoadBalancerFactory<Input> = LoadBalancerDefinition &
  ({} extends Input ? (config?: Input) => ConfiguredLoadBalancer : (config: Input) => ConfiguredLoadBalancer);

/** What {@link defineLoadBalancer} takes. */
export interface LoadBalancerOptions<Config extends StandardSchema> {
  readonly name: string;
  readonly typeUrl?: string;
  readonly config: Config;
  /** Called once per cluster, and again whenever the cluster's config changes. */
  create(config: SchemaOutput<Config>, context: LoadBalancerContext): LoadBalancer;
}

/**
 * Defines how a cluster chooses among its hosts.
 *
 * @example
 * export const first = defineLoadBalancer({
 *   name: 'acme.load_balancing_policies.first',
 *   config: z.object({}),
 *   create: () => {
 *     let hosts: readonly Host[] = [];
 *     return { update: ({ priorities }) => void (hosts = priorities[0]?.healthy ?? []), pick: () => hosts[0] };
 *   },
 * });
 */
export function defineLoadBalancer<Config extends StandardSchema>(
  options: LoadBalancerOptions<Config>,
): LoadBalancerFactory<SchemaInput<Config>> {
  return factory({
    kind: 'load-balancer',
    name: options.name,
    typeUrl: options.typeUrl,
    config: options.config,
    routeConfig: undefined,
    create: (config, context) => options.create(config as SchemaOutput<Config>, context),
  } satisfies LoadBalancerDefinition) as unknown as LoadBalancerFactory<SchemaInput<Config>>;
}

/** What {@link defineClusterMonitor} takes. */
export interface ClusterMonitorOptions<Config> {
  readonly name: string;
  /** Called once per cluster; `undefined` when its config asks for nothing of this kind. */
  create(context: ClusterMonitorContext<Config>): ClusterMonitor | undefined;
}

/** Defines something that watches the hosts of clusters and judges them: active health checks, outlier detection. */
export function defineClusterMonitor<Config>(options: ClusterMonitorOptions<Config>): ClusterMonitorDefinition {
  return {
    kind: 'cluster-monitor',
    name: options.name,
    typeUrl: undefined,
    config: anything,
    routeConfig: undefined,
    create: (context) => options.create(context),
  };
}

/** What {@link defineAccessLog}, {@link defineTracer} and {@link defineStatsSink} take. */
export interface ObserverOptions<Config extends StandardSchema, Made> {
  readonly name: string;
  readonly typeUrl?: string;
  readonly config: Config;
  /** Called once per place in the configuration; calls `close` of what it made when that place is gone. */
  create(config: SchemaOutput<Config>, context: ObserverContext): Made;
}

/** A definition that can be called with its config. */
export type ObserverFactory<Input, Definition extends Extension> = Definition &
  ({} extends Input ? (config?: Input) => Configured<Definition> : (config: Input) => Configured<Definition>);

/**
 * Defines an access logger.
 *
 * @example
 * export const counted = defineAccessLog({
 *   name: 'acme.access_loggers.counted',
 *   config: z.object({}),
 *   create: (_, { stats }) => {
 *     const entries = stats.counter('acme.entries');
 *     return { log: () => entries.inc() };
 *   },
 * });
 */
export function defineAccessLog<Config extends StandardSchema>(
  options: ObserverOptions<Config, AccessLog>,
): ObserverFactory<SchemaInput<Config>, AccessLogDefinition> {
  return observer('access-log', options) as never;
}

/** Defines a tracer: how spans are made, how their context travels, and where they are reported. */
export function defineTracer<Config extends StandardSchema>(
  options: ObserverOptions<Config, Tracer>,
): ObserverFactory<SchemaInput<Config>, TracerDefinition> {
  return observer('tracer', options) as never;
}

/**
 * Defines a stats sink.
 *
 * @example
 * export const printed = defineStatsSink({
 *   name: 'acme.stat_sinks.printed',
 *   config: z.object({}),
 *   create: (_, { log }) => ({ flush: ({ counters }) => log('info', `${counters.length} counters`) }),
 * });
 */
export function defineStatsSink<Config extends StandardSchema>(
  options: ObserverOptions<Config, StatsSink>,
): ObserverFactory<SchemaInput<Config>, StatsSinkDefinition> {
  return observer('stats-sink', options) as never;
}

function observer<Config extends StandardSchema, Made>(
  kind: 'access-log' | 'tracer' | 'stats-sink',
  { name, typeUrl, config, create }: ObserverOptions<Config, Made>,
) {
  const definition = {
    kind,
    name,
    typeUrl,
    config,
    routeConfig: undefined,
    create: (given: unknown, context: ObserverContext) => create(given as SchemaOutput<Config>, context),
  };
  return factory(definition as unknown as AccessLogDefinition | TracerDefinition | StatsSinkDefinition);
}

/** Makes the definition callable; the properties of the function are the definition's. */
function factory<
  Definition extends
    | HttpFilterDefinition
    | NetworkFilterDefinition
    | ListenerFilterDefinition
    | LoadBalancerDefinition
    | DiscoveryDefinition
    | AccessLogDefinition
    | TracerDefinition
    | StatsSinkDefinition,
>(definition: Definition) {
  const make = (config: unknown = {}) => ({ definition: made, config: checkConfig(definition, config) });
  const made = Object.defineProperties(make, Object.getOwnPropertyDescriptors(definition)) as unknown as Definition;
  return made;
}

/** Checks a config that code gives. @throws MeshError `CONFIG_INVALID` that names every problem. */
function checkConfig(definition: Extension, config: unknown): unknown {
  const result = definition.config['~standard'].validate(config);
  if (result instanceof Promise) {
    throw new MeshError('CONFIG_INVALID', `${definition.name}: schemas that check asynchronously cannot be used`);
  }
  if (result.issues === undefined) return result.value;
  const problems = result.issues.map((issue) => `  ${issuePath(issue)}${issue.message}`).join('\n');
  throw new MeshError('CONFIG_INVALID', `invalid config for ${definition.name}:\n${problems}`);
}

function issuePath(issue: StandardIssue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return path === '' ? '' : `${path}: `;
}
