/** A live proxy on a free loopback port. */
import {
  type ClusterConfig,
  type ClusterOptions,
  type ConfiguredHttpFilter,
  type ConfiguredNetworkFilter,
  cluster,
  createProxy,
  type HttpOptions,
  http,
  type ListenerConfig,
  type ListenerOptions,
  listener,
  type MeshProxy,
  type ProxyOptions,
  route,
} from '@mesh/core';
import { router } from '@mesh/filters-http';
import { type LogLine, statValue } from './filter/test-filter.ts';
import { until } from './signal.ts';

/** Something with a port on 127.0.0.1: an `Upstream`, a proxy, or the number itself. */
export type Port = number | { readonly port: number };

/** Options of {@link startProxy}; fields of the HTTP connection manager may be given beside them. */
export interface StartProxyOptions extends Partial<Omit<HttpOptions, 'filters'>> {
  /** HTTP filters in front of the router. One that ends in a terminal filter of its own gets no router. */
  readonly filters?: readonly ConfiguredHttpFilter[];
  /** Endpoints of the cluster `upstream`, to which every request goes unless `routes` say otherwise. */
  readonly upstream?: Port | readonly Port[];
  /** More settings of the cluster `upstream`. */
  readonly cluster?: Partial<Omit<ClusterOptions, 'endpoints'>>;
  /** More clusters. */
  readonly clusters?: readonly ClusterConfig[];
  /** Network filters in front of the HTTP connection manager; when the last one is terminal there is no HTTP. */
  readonly networkFilters?: readonly ConfiguredNetworkFilter[];
  /** More settings of the listener. */
  readonly listener?: Partial<Omit<ListenerOptions, 'http' | 'filters'>>;
  /** An Envoy bootstrap instead of all of the above; its first listener is the one that `port` tells. */
  readonly config?: string | object;
  readonly extensions?: ProxyOptions['extensions'];
  readonly clock?: ProxyOptions['clock'];
  readonly random?: ProxyOptions['random'];
  readonly drainTimeMs?: number;
}

/** A running proxy, see {@link startProxy}. */
export class LiveProxy {
  readonly proxy: MeshProxy;
  /** What it logged. */
  readonly logs: readonly LogLine[];

  /** @internal */
  constructor(proxy: MeshProxy, logs: readonly LogLine[]) {
    this.proxy = proxy;
    this.logs = logs;
  }

  get port(): number {
    return this.proxy.address().port;
  }

  /** `http://127.0.0.1:<port>`, without a final slash. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** A counter's or gauge's value by its full name. @throws Error for an unknown name. */
  stats(name: string): number {
    return statValue(this.proxy.stats, name);
  }

  /** Resolves when a counter or gauge has reached `value`; what a client sees may be earlier than what is counted. */
  untilStat(name: string, value: number): Promise<void> {
    return until(() => this.stats(name) === value, `${name} to be ${value}`);
  }

  /** Ends it at once. */
  close(): Promise<void> {
    return this.proxy.close();
  }
}

/**
 * Starts a proxy with the given filters, the router, and a cluster that is `upstream`.
 *
 * @example
 * const upstream = await startUpstream({ body: 'hello' });
 * const proxy = await startProxy({ filters: [gate({ keys: ['k1'] })], upstream });
 * const response = await fetch(proxy.url);
 * await proxy.close();
 * await upstream.close();
 */
export async function startProxy(options: StartProxyOptions = {}): Promise<LiveProxy> {
  const logs: LogLine[] = [];
  const { config, extensions, clock, random, drainTimeMs } = options;
  const proxy = await createProxy({
    ...(config === undefined ? codeConfig(options) : { config }),
    ...(extensions === undefined ? {} : { extensions }),
    ...(clock === undefined ? {} : { clock }),
    ...(random === undefined ? {} : { random }),
    ...(drainTimeMs === undefined ? {} : { drainTimeMs }),
    logger: { log: (level, component, message) => void logs.push({ level, component, message }) },
  });
  await proxy.start();
  return new LiveProxy(proxy, logs);
}

function codeConfig(options: StartProxyOptions): { listeners: ListenerConfig[]; clusters: ClusterConfig[] } {
  const { upstream, clusters = [], networkFilters = [], listener: more } = options;
  // Chains of the caller's own need no HTTP beside them.
  const layer4 = networkFilters.at(-1)?.definition.terminal === true || more?.filterChains !== undefined;
  const built = listener({
    host: '127.0.0.1',
    port: 0,
    ...more,
    filters: networkFilters,
    ...(layer4 ? {} : { http: httpConfig(options) }),
  });
  const own =
    upstream === undefined ? [] : [cluster('upstream', { ...options.cluster, endpoints: endpoints(upstream) })];
  return { listeners: [built], clusters: [...own, ...clusters] };
}

function httpConfig(options: StartProxyOptions) {
  const {
    filters = [],
    upstream: _upstream,
    cluster: _cluster,
    clusters: _clusters,
    networkFilters: _networkFilters,
    listener: _listener,
    config: _config,
    extensions: _extensions,
    clock: _clock,
    random: _random,
    drainTimeMs: _drainTimeMs,
    ...manager
  } = options;
  const chain = filters.at(-1)?.definition.terminal === true ? filters : [...filters, router()];
  return http({ routes: [route('/', 'upstream')], ...manager, filters: chain });
}

function endpoints(upstream: Port | readonly Port[]): string[] {
  const list = Array.isArray(upstream) ? (upstream as readonly Port[]) : [upstream as Port];
  return list.map((each) => `127.0.0.1:${typeof each === 'number' ? each : each.port}`);
}
