/** How HTTP, network and listener filters are defined. */
import type { EntryLogs } from '../api/access-log.ts';
import type { Timers } from '../api/clock.ts';
import type { HttpFilter, TerminalHttpFilter } from '../api/http-filter.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { ListenerFilter, ListenerFilterContext } from '../api/listener-filter.ts';
import type { NetworkFilter, NetworkFilterContext } from '../api/network-filter.ts';
import type { Runtime } from '../api/runtime.ts';
import type { SideCalls } from '../api/side-calls.ts';
import type { StatsScope } from '../api/stats.ts';
import type { Taps } from '../api/tap.ts';
import type { Clusters } from '../api/upstream.ts';
import type { StandardSchema } from '../config/standard-schema.ts';
import { type Configured, type ExtensionBase, factory, type SchemaInput, type SchemaOutput } from './extension.ts';

/** What `create` of an HTTP filter gets besides its config. */
export interface HttpFilterContext<RouteConfig = unknown> {
  /** Scope `http.<stat_prefix>.` of the connection manager that the filter is in. */
  readonly stats: StatsScope;
  /** This filter's `typed_per_filter_config` for the stream's route, most specific first; `undefined` without one. */
  routeConfig(stream: HttpStream): RouteConfig | undefined;
  /** Every cluster of the proxy; they come and go while it runs. */
  readonly clusters: Clusters;
  /** Requests of the filter's own to hosts of these clusters, e.g. to a service that decides who may pass. */
  readonly sideCalls: SideCalls;
  /** The proxy that the filter runs in. */
  readonly server: ServerHealth;
  readonly timers: Timers;
  readonly runtime: Runtime;
  /**
   * Makes the access logs of a list that `accessLogEntry` of `@mesh/core/proto` has read; `undefined` when it is empty.
   * They are closed with the filter chain.
   */
  accessLogs(entries: readonly object[]): EntryLogs | undefined;
  /** Where filters that can be tapped are offered to the admin server; absent where there is none. */
  readonly taps?: Taps | undefined;
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

/** An HTTP filter for `http({ filters: […] })`. */
export type ConfiguredHttpFilter = Configured<HttpFilterDefinition>;
/** A network filter for `listener({ filters: […] })`. */
export type ConfiguredNetworkFilter = Configured<NetworkFilterDefinition>;
/** A listener filter for `listener({ listenerFilters: […] })`. */
export type ConfiguredListenerFilter = Configured<ListenerFilterDefinition>;

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
