/**
 * The code door: short helpers that build the same typed config that YAML becomes. Nothing here starts anything.
 */
import { isIP } from 'node:net';
import { type AdminConfig, adminSchema } from './config/admin.ts';
import { type ClusterConfig, clusterSchema } from './config/cluster.ts';
import type { customTag } from './config/custom-tags.ts';
import type { ResolvedExtension } from './config/extension.ts';
import type { FilterChainMatchConfig } from './config/filter-chain-match.ts';
import type { HealthCheckInit } from './config/health-check.ts';
import { type HttpConnectionManagerConfig, httpConnectionManagerSchema } from './config/http-connection-manager.ts';
import { didYouMean } from './config/issues.ts';
import { type FilterChainConfig, filterChainSchema, type ListenerConfig, listenerSchema } from './config/listener.ts';
import { chosen } from './config/load-balancing-policy.ts';
import {
  type DeepPartial,
  type Fields,
  fieldSchema,
  fillDefaults,
  type MessageInfo,
  type MessageInit,
  type MessageSchema,
  messageInfo,
  outputName,
} from './config/message.ts';
import { type RouteConfig, routeSchema, type VirtualHostConfig, virtualHostSchema } from './config/route.ts';
import { type DownstreamTlsContext, downstreamTlsContext } from './config/tls/tls-context.ts';
import { transportSocketNames } from './config/tls/transport-socket.ts';
import type { decorator, ManagerTracingConfig, routeTracing } from './config/tracing.ts';
import type {
  ConfiguredAccessLog,
  ConfiguredDiscovery,
  ConfiguredHttpFilter,
  ConfiguredListenerFilter,
  ConfiguredLoadBalancer,
  ConfiguredNetworkFilter,
  ConfiguredTracer,
} from './define/index.ts';
import { MeshError } from './errors.ts';
import { httpConnectionManager } from './http-connection-manager.ts';
import type { LogFilterSettings } from './log-filter/settings.ts';

/** Completes options with defaults. Misspelt options are told at once: TypeScript is not there for everyone. */
function filled<F extends Fields>(what: string, schema: MessageSchema<F>, options: object) {
  const problems = unknownKeys(what, schema.info as unknown as MessageInfo, options);
  if (problems.length > 0) throw invalid(problems.join('\n'));
  return fillDefaults(schema, options as never);
}

function unknownKeys(what: string, info: MessageInfo, options: object): string[] {
  const known = new Map(Object.entries(info.fields).map(([name, field]) => [outputName(name, field), field]));
  return Object.entries(options).flatMap(([key, value]) => {
    const field = known.get(key);
    if (field === undefined) return [`${what}: unknown option ${key}${hint(didYouMean(key, known.keys()))}`];
    const inner = messageInfo(fieldSchema(field));
    // An extension that a place fixes is given as what parsing makes of it: `{ name, config }`.
    const extension = inner !== undefined && 'typed_config' in inner.fields;
    const deeper = inner !== undefined && !extension && typeof value === 'object' && value !== null;
    return deeper ? unknownKeys(`${what}.${key}`, inner, value) : [];
  });
}

function hint(text: string | undefined): string {
  return text === undefined ? '' : ` (${text})`;
}

/** Options of {@link listener}; every field of Envoy's `Listener` that is supported may be given in camelCase. */
export interface ListenerOptions {
  /** Default: `listener_<port>`. */
  readonly name?: string;
  /** IP address to bind. Default `0.0.0.0`: all IPv4 interfaces. */
  readonly host?: string;
  /** 0 lets the system choose; see `proxy.address(name)`. */
  readonly port?: number;
  /** A unix socket instead of host and port. */
  readonly path?: string;
  /** The HTTP connection manager behind the network filters. */
  readonly http?: HttpConnectionManagerConfig;
  /** Network filters, in order. Without `http` the last one must be terminal. */
  readonly filters?: readonly ConfiguredNetworkFilter[];
  /** Secures the connections of `http` and `filters`; without it they are cleartext. */
  readonly tls?: TlsOptions;
  /** Instead of `http`, `filters` and `tls`: chains for different connections, see {@link filterChain}. */
  readonly filterChains?: readonly FilterChainConfig[];
  /** For connections that none of `filterChains` is for; without it they are closed. */
  readonly defaultFilterChain?: FilterChainConfig;
  /** Look at a connection before its filter chain is chosen, in order. */
  readonly listenerFilters?: readonly ConfiguredListenerFilter[];
  /** Written when a connection is over, also for those that are refused. */
  readonly accessLogs?: readonly AccessLogOption[];
  /** How long all listener filters may take together. Default 15 000; 0 is without limit. */
  readonly listenerFiltersTimeoutMs?: number;
  /** Then chooses a chain with what is known, instead of closing. Default false. */
  readonly continueOnListenerFiltersTimeout?: boolean;
  /** Unsent bytes per connection above which its source is paused. Default 32 KiB. */
  readonly perConnectionBufferLimitBytes?: number;
  /** OUTBOUND: it takes what this side sends out, whose spans are those of a client. Default UNSPECIFIED. */
  readonly trafficDirection?: ListenerConfig['trafficDirection'];
}

/**
 * A listener: where the proxy accepts connections, and what it does with them.
 *
 * @example listener({ port: 8000, http: http({ routes: [route('/', 'service1')], filters: [router()] }) })
 */
export function listener(options: ListenerOptions): ListenerConfig {
  const { name, host = '0.0.0.0', port = 0, path, http, tls, filters = [], listenerFilters = [], ...more } = options;
  const { accessLogs = [], ...rest } = more;
  if (path === undefined && isIP(host) === 0)
    throw invalid(`listener host ${JSON.stringify(host)} is not an IP address`);
  const own = http !== undefined || tls !== undefined || filters.length > 0 || rest.filterChains === undefined;
  if (own && rest.filterChains !== undefined) throw invalid('a listener has http, filters and tls, or filterChains');
  return filled('listener', listenerSchema, {
    name: name ?? `listener_${path ?? port}`,
    address: path === undefined ? { socketAddress: { address: host, portValue: port } } : { pipe: { path } },
    ...(own && {
      filterChains: [{ filters: chainFilters(filters, http), ...(tls && { transportSocket: tlsSocket(tls) }) }],
    }),
    listenerFilters: listenerFilters.map(({ definition, config }) => entry(definition, config)),
    accessLog: accessLogs.map(logEntry),
    ...rest,
  });
}

function chainFilters(
  filters: readonly ConfiguredNetworkFilter[],
  http: HttpConnectionManagerConfig | undefined,
): ResolvedExtension[] {
  const chain = filters.map(({ definition, config }) => entry(definition, config));
  return http === undefined ? chain : [...chain, entry(httpConnectionManager, http)];
}

/** TLS of a filter chain: the fields of Envoy's `DownstreamTlsContext` in camelCase. */
export type TlsOptions = DeepPartial<DownstreamTlsContext>;

function tlsSocket(options: TlsOptions): NonNullable<FilterChainConfig['transportSocket']> {
  return { name: transportSocketNames.tls, config: filled('tls', downstreamTlsContext, options) };
}

/** Options of {@link filterChain}; every field of Envoy's `FilterChain` that is supported may be given in camelCase. */
export interface FilterChainOptions {
  /** Shown by `explain`. Default ''. */
  readonly name?: string;
  /** Which connections it is for. Default: all. What looks at SNI and ALPN is the tls_inspector listener filter. */
  readonly match?: Partial<FilterChainMatchConfig>;
  /** The HTTP connection manager behind the network filters. */
  readonly http?: HttpConnectionManagerConfig;
  /** Network filters, in order. Without `http` the last one must be terminal. */
  readonly filters?: readonly ConfiguredNetworkFilter[];
  /** Secures the connections; without it they are cleartext. */
  readonly tls?: TlsOptions;
  /** How long a handshake may take. Default 0: without limit. */
  readonly transportSocketConnectTimeoutMs?: number;
}

/**
 * A filter chain: what is done with the connections that `match` is for.
 *
 * @example
 * listener({
 *   port: 8443,
 *   listenerFilters: [tlsInspector()],
 *   filterChains: [filterChain({ match: { serverNames: ['a.example'] }, filters: [tcpProxy({ … })] })],
 * })
 */
export function filterChain(options: FilterChainOptions): FilterChainConfig {
  const { match, http, tls, filters = [], ...rest } = options;
  const chain = filled('filterChain', filterChainSchema, {
    ...(match && { filterChainMatch: match }),
    filters: chainFilters(filters, http),
    ...rest,
  });
  return tls === undefined ? chain : { ...chain, transportSocket: tlsSocket(tls) };
}

function logEntry({ definition, config, filter }: AccessLogOption): ResolvedExtension {
  return { ...entry(definition, config), ...(filter && { filter }) };
}

/** @internal What parsing makes of a definition and its config. */
export function entry(definition: { name: string; typeUrl: string | undefined }, config: unknown): ResolvedExtension {
  return { name: definition.name, typeUrl: definition.typeUrl, definition, config } as unknown as ResolvedExtension;
}

/** Options of {@link http}; every supported field of Envoy's `HttpConnectionManager` may be given in camelCase. */
export type HttpOptions = Partial<
  Omit<HttpConnectionManagerConfig, 'routeConfig' | 'httpFilters' | 'tracing' | 'accessLog'>
> & {
  /** Routes of one virtual host that serves every domain. */
  readonly routes?: readonly RouteConfig[];
  /** Instead of `routes`: virtual hosts of your own, see {@link virtualHost}. */
  readonly virtualHosts?: readonly VirtualHostConfig[];
  /** Name of the route table, by which `proxy.routes.set` finds it. Default `local_route`. */
  readonly routeConfigName?: string;
  /** HTTP filters, in order. The last one must be terminal: the router. */
  readonly filters: readonly ConfiguredHttpFilter[];
  /** Which requests have spans, and where these are reported. Default: none. */
  readonly tracing?: TracingOptions;
  /** Written when an exchange is over, and at the moments that `accessLogOptions` names. */
  readonly accessLogs?: readonly AccessLogOption[];
};

/**
 * An access log, e.g. `fileAccessLog({ path: '/dev/stdout' })`; with a filter
 * `{ ...fileAccessLog({ path }), filter: { durationFilter: { comparison: { op: 'GE', value: { defaultValue: 500, runtimeKey: '' } } } } }`.
 */
export type AccessLogOption = ConfiguredAccessLog & {
  /** Which entries it gets. Default all. */
  readonly filter?: LogFilterSettings;
};

/** Tracing of a connection manager; every field of Envoy's `HttpConnectionManager.Tracing` may be given in camelCase. */
export interface TracingOptions
  extends Omit<
    DeepPartial<ManagerTracingConfig>,
    'provider' | 'clientSampling' | 'randomSampling' | 'overallSampling' | 'customTags'
  > {
  /** Where spans are reported, e.g. `zipkin({ collectorCluster: 'zipkin', collectorEndpoint: '/api/v2/spans' })`. */
  readonly provider?: ConfiguredTracer;
  /** Percent of the requests with `x-client-trace-id` that are traced for it. Default 100. */
  readonly clientSampling?: number;
  /** Percent of all requests. Default 100. */
  readonly randomSampling?: number;
  /** Upper limit of both, in percent. Default 100. */
  readonly overallSampling?: number;
  /** Tags beside Envoy's own, e.g. `{ tag: 'team', literal: { value: 'blue' } }`. */
  readonly customTags?: readonly CustomTagInit[];
}

/** A tag for {@link TracingOptions}: exactly one of its sources is given. */
export type CustomTagInit = MessageInit<(typeof customTag)['info']['fields']>;

/** An HTTP connection manager: codec, filters and routes. `statPrefix` defaults to `ingress_http`. */
export function http(options: HttpOptions): HttpConnectionManagerConfig {
  const { routes = [], virtualHosts, routeConfigName = 'local_route', filters, tracing, accessLogs, ...rest } = options;
  return filled('http', httpConnectionManagerSchema, {
    statPrefix: 'ingress_http',
    ...rest,
    ...(tracing && { tracing: managerTracingOf(tracing) }),
    ...(accessLogs && { accessLog: accessLogs.map(logEntry) }),
    routeConfig: {
      name: routeConfigName,
      virtualHosts: virtualHosts ?? [virtualHost('default', { domains: ['*'], routes })],
    },
    httpFilters: filters.map(({ definition, config }) => ({ ...entry(definition, config), disabled: false })),
  });
}

function managerTracingOf(options: TracingOptions): object {
  const { provider, clientSampling, randomSampling, overallSampling, ...rest } = options;
  return {
    ...rest,
    ...(provider && { provider: entry(provider.definition, provider.config) }),
    ...(clientSampling !== undefined && { clientSampling: percentOf('clientSampling', clientSampling) }),
    ...(randomSampling !== undefined && { randomSampling: percentOf('randomSampling', randomSampling) }),
    ...(overallSampling !== undefined && { overallSampling: percentOf('overallSampling', overallSampling) }),
  };
}

function percentOf(name: string, value: number): { readonly value: number } {
  if (value >= 0 && value <= 100) return { value };
  throw invalid(`http tracing.${name} is a number from 0 to 100, got ${value}`);
}

/** Options of {@link virtualHost}; every supported field of Envoy's `VirtualHost` may be given in camelCase. */
export type VirtualHostOptions = Partial<Omit<VirtualHostConfig, 'name'>> & {
  /** `example.com`, `*.example.com`, `example.*` or `*`. */
  readonly domains: readonly string[];
  readonly routes: readonly RouteConfig[];
};

/** Routes for some domains. */
export function virtualHost(name: string, options: VirtualHostOptions): VirtualHostConfig {
  return filled(`virtualHost ${name}`, virtualHostSchema, { name, ...options });
}

/** What a route does besides forwarding to a cluster with default settings. */
export type RouteOptions = Partial<Omit<RouteConfig, 'match' | 'route' | 'decorator' | 'tracing'>> & {
  /** Names the spans of its requests. */
  readonly decorator?: MessageInit<(typeof decorator)['info']['fields']>;
  /** What is traced of its requests, in the place of what the connection manager says. */
  readonly tracing?: MessageInit<(typeof routeTracing)['info']['fields']>;
  readonly match?: Record<string, unknown>;
  readonly route?: Record<string, unknown>;
};

/**
 * A route: requests whose path begins with `prefix` go to `cluster`; without one, to what `route` of the options says
 * (`clusterHeader`, `weightedClusters`), or they are answered by one of the other actions.
 *
 * @example route('/service/1', 'service1')
 * @example route('/api', 'api', { route: { prefixRewrite: '/', timeoutMs: 3000 } })
 * @example route('/canary', undefined, { route: { weightedClusters: { clusters: [{ name: 'a', weight: 9 }, { name: 'b', weight: 1 }] } } })
 * @example route('/old', undefined, { redirect: { pathRedirect: '/new' } })
 */
export function route(prefix: string, cluster: string | undefined, options: RouteOptions = {}): RouteConfig {
  const { match, route: action, ...rest } = options;
  return filled(`route ${prefix}`, routeSchema, {
    match: { prefix, ...match },
    ...(cluster === undefined && action === undefined ? {} : { route: { ...(cluster && { cluster }), ...action } }),
    ...rest,
  });
}

/** Options of {@link cluster}; every supported field of Envoy's `Cluster` may be given in camelCase. */
export type ClusterOptions = DeepPartial<
  Omit<ClusterConfig, 'name' | 'loadBalancingPolicy' | 'clusterType' | 'healthChecks'>
> & {
  /** Active checks; they need `activeHealthChecks` of `@mesh/health` among the extensions. */
  readonly healthChecks?: readonly HealthCheckInit[];
  /** How hosts are chosen, e.g. `maglev({ tableSize: 2039 })`. Default: what `lbPolicy` says, round robin. */
  readonly loadBalancing?: ConfiguredLoadBalancer;
  /**
   * `host:port`, `[v6]:port` or `unix:/path`. Names need `type: 'STRICT_DNS'` and its discovery among the extensions. To be
   * left out where the type knows its hosts itself.
   */
  readonly endpoints?: readonly string[];
  /** Where the hosts come from, in the place of `type`, e.g. `aggregate({ clusters: ['near', 'far'] })`. */
  readonly clusterType?: ConfiguredDiscovery;
};

/**
 * A cluster: where requests can be sent.
 *
 * @example cluster('service1', { endpoints: ['127.0.0.1:9001', '127.0.0.1:9002'] })
 */
export function cluster(name: string, options: ClusterOptions): ClusterConfig {
  const { clusterType, endpoints, loadBalancing, ...rest } = options;
  const type = clusterType?.definition.name ?? rest.type ?? 'STATIC';
  const provided = clusterType?.definition.balances === true || type === 'ORIGINAL_DST';
  const lbEndpoints = endpoints?.map((text) => ({ endpoint: { address: endpointAddress(name, text, type) } }));
  const config = filled(`cluster ${name}`, clusterSchema, {
    name,
    ...(provided && { lbPolicy: 'CLUSTER_PROVIDED' }),
    ...rest,
    ...(clusterType && { clusterType: entry(clusterType.definition, clusterType.config) }),
    ...(lbEndpoints && { loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints }] } }),
  });
  return loadBalancing === undefined ? config : { ...config, loadBalancingPolicy: chosen(loadBalancing) };
}

function endpointAddress(cluster: string, text: string, type: string) {
  if (text.startsWith('unix:')) return { pipe: { path: text.slice(5), mode: 0 } };
  const parts = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  if (host === undefined || !(port <= 65535)) {
    throw invalid(`cluster ${cluster}: endpoint ${JSON.stringify(text)} is not host:port, [v6]:port or unix:/path`);
  }
  if (type === 'STATIC' && isIP(host) === 0) {
    throw invalid(`cluster ${cluster}: ${host} is not an IP address; names need type: 'STRICT_DNS'`);
  }
  return { socketAddress: { protocol: 'TCP', address: host, portValue: port, ipv4Compat: false } };
}

/** The admin server: where it listens, and what it writes. */
export type AdminOptions = AdminFiles &
  (
    | {
        readonly port: number;
        /** Default `127.0.0.1`: the admin interface can stop the process and shows the whole config. */
        readonly host?: string;
      }
    | {
        /** A unix socket; `@name` is an abstract one. */
        readonly path: string;
        /** Of the socket's file, e.g. `0o600`; default what the process's umask leaves. */
        readonly mode?: number;
      }
  );

/** What the admin server writes. */
interface AdminFiles {
  /** `/cpuprofiler` and `/heapprofiler` write there, with an extension; default `/var/log/envoy/envoy.prof`. */
  readonly profilePath?: string;
}

/** @internal */
export function adminConfig(options: AdminOptions): AdminConfig {
  const { profilePath } = options;
  const address =
    'path' in options
      ? { pipe: { path: options.path, mode: options.mode ?? 0 } }
      : { socketAddress: { address: options.host ?? '127.0.0.1', portValue: options.port } };
  return fillDefaults(adminSchema, { address, ...(profilePath && { profilePath }) } as never);
}

function invalid(message: string): MeshError {
  return new MeshError('CONFIG_INVALID', message);
}
