/** Builds the metrics of one area as an object whose properties carry Envoy's names: `stats.downstream_cx_total.value++`. */
import type { Histogram } from './histogram.ts';
import type { Counter, Gauge } from './metrics.ts';
import * as names from './names.ts';
import type { Scope } from './store.ts';

interface NameList {
  readonly counters: readonly string[];
  readonly gauges: readonly string[];
  readonly histograms: readonly string[];
}

/** The object of metrics that a list of names describes. */
export type StatsOf<L extends NameList> = Readonly<
  Record<L['counters'][number], Counter> &
    Record<L['gauges'][number], Gauge> &
    Record<L['histograms'][number], Histogram>
>;

/**
 * Registers every name of a list below `scope`. All objects made from one list share one hidden class: they come from
 * `Object.fromEntries`, because a loop of `object[name] = …` would leave a slow dictionary behind.
 */
function statsOf<const L extends NameList>(scope: Scope, list: L): StatsOf<L> {
  const entries: [string, Counter | Gauge | Histogram][] = [];
  for (const name of list.counters) entries.push([name, scope.counter(name)]);
  for (const name of list.gauges) entries.push([name, scope.gauge(name)]);
  for (const name of list.histograms) entries.push([name, scope.histogram(name)]);
  return Object.freeze(Object.fromEntries(entries)) as StatsOf<L>;
}

/** Metrics of a listener; `scope` is `listener.<address or stat_prefix>.`. */
export type ListenerStats = StatsOf<typeof names.LISTENER>;
/** @see ListenerStats */
export const listenerStats = (scope: Scope): ListenerStats => statsOf(scope, names.LISTENER);

/** Connections of a listener in one thread; `scope` is `listener.<address>.worker_<n>.` or `….main_thread.`. */
export type WorkerStats = StatsOf<typeof names.WORKER>;
/** @see WorkerStats */
export const workerStats = (scope: Scope): WorkerStats => statsOf(scope, names.WORKER);

/** Responses of a connection manager seen per listener; `scope` is `listener.<address>.http.<stat_prefix>.`. */
export type ListenerHttpStats = StatsOf<typeof names.LISTENER_HTTP>;
/** @see ListenerHttpStats */
export const listenerHttpStats = (scope: Scope): ListenerHttpStats => statsOf(scope, names.LISTENER_HTTP);

/** Metrics of all listeners; `scope` is `listener_manager.`. */
export type ListenerManagerStats = StatsOf<typeof names.LISTENER_MANAGER>;
/** @see ListenerManagerStats */
export function listenerManagerStats(scope: Scope): ListenerManagerStats {
  const stats = statsOf(scope, names.LISTENER_MANAGER);
  stats.total_listeners_warming.touch();
  return stats;
}

/** Metrics of an HTTP connection manager; `scope` is `http.<stat_prefix>.`. */
export type HttpConnectionManagerStats = StatsOf<typeof names.HTTP_CONNECTION_MANAGER>;
/** @see HttpConnectionManagerStats */
export const httpConnectionManagerStats = (scope: Scope): HttpConnectionManagerStats =>
  statsOf(scope, names.HTTP_CONNECTION_MANAGER);

/** Connections of one kind of client; `scope` is `http.<stat_prefix>.user_agent.<name>.`. */
export type UserAgentStats = StatsOf<typeof names.USER_AGENT>;
/** @see UserAgentStats */
export const userAgentStats = (scope: Scope): UserAgentStats => statsOf(scope, names.USER_AGENT);

/** Tracing decisions; `scope` is `http.<stat_prefix>.tracing.`. */
export type HttpTracingStats = StatsOf<typeof names.HTTP_TRACING>;
/** @see HttpTracingStats */
export const httpTracingStats = (scope: Scope): HttpTracingStats => statsOf(scope, names.HTTP_TRACING);

/** Metrics of a cluster; `scope` is `cluster.<name>.`. Per-code counters are `ResponseCodeStats`. */
export type ClusterStats = StatsOf<typeof names.CLUSTER>;
/** @see ClusterStats */
export function clusterStats(scope: Scope): ClusterStats {
  const stats = statsOf(scope, names.CLUSTER);
  stats.warming_state.touch();
  return stats;
}

/** How large messages are; `scope` is the cluster's. */
export const requestResponseSizes = (scope: Scope): StatsOf<typeof names.REQUEST_RESPONSE_SIZES> =>
  statsOf(scope, names.REQUEST_RESPONSE_SIZES);

/** How much of their timeouts requests take, in percent; `scope` is the cluster's. */
export const timeoutBudgets = (scope: Scope): StatsOf<typeof names.TIMEOUT_BUDGETS> =>
  statsOf(scope, names.TIMEOUT_BUDGETS);

/** Open breakers of one priority. */
export type CircuitBreakerStats = StatsOf<typeof names.CIRCUIT_BREAKER>;
/** `scope` is the cluster's; the names go below `circuit_breakers.<priority>.`. */
export const circuitBreakerStats = (scope: Scope, priority: 'default' | 'high'): CircuitBreakerStats =>
  statsOf(scope.scope(`circuit_breakers.${priority}`), names.CIRCUIT_BREAKER);

/** Room left below the thresholds of one priority, kept only when `track_remaining` is set. */
export type CircuitBreakerRemainingStats = StatsOf<typeof names.CIRCUIT_BREAKER_REMAINING>;
/** `scope` is the cluster's; the names go below `circuit_breakers.<priority>.`. */
export const circuitBreakerRemainingStats = (
  scope: Scope,
  priority: 'default' | 'high',
): CircuitBreakerRemainingStats =>
  statsOf(scope.scope(`circuit_breakers.${priority}`), names.CIRCUIT_BREAKER_REMAINING);

/** Metrics of all clusters; `scope` is `cluster_manager.`. */
export type ClusterManagerStats = StatsOf<typeof names.CLUSTER_MANAGER>;
/** @see ClusterManagerStats */
export const clusterManagerStats = (scope: Scope): ClusterManagerStats => statsOf(scope, names.CLUSTER_MANAGER);

/** Events of the HTTP/1 codec. */
export type Http1CodecStats = StatsOf<typeof names.HTTP1_CODEC>;
/** `scope` is the root (downstream) or the cluster's; the names go below `http1.`. */
export const http1CodecStats = (scope: Scope): Http1CodecStats => statsOf(scope.scope('http1'), names.HTTP1_CODEC);

/** Events of the HTTP/2 codec. */
export type Http2CodecStats = StatsOf<typeof names.HTTP2_CODEC>;
/** `scope` is the root (downstream) or the cluster's; the names go below `http2.`. */
export function http2CodecStats(scope: Scope): Http2CodecStats {
  const stats = statsOf(scope.scope('http2'), names.HTTP2_CODEC);
  // They go up and down by plain additions, which leave no trace at 0; with a connection they are in use.
  for (const name of names.HTTP2_IN_USE) stats[name].touch();
  return stats;
}

/** TLS handshakes; ciphers and the like are counted by `net/tls/ssl-stats.ts`. */
export type SslStats = StatsOf<typeof names.SSL>;
/** `scope` is the listener's or the cluster's; the names go below `ssl.`. */
export const sslStats = (scope: Scope): SslStats => statsOf(scope.scope('ssl'), names.SSL);

/** What becomes of secrets; `scope` is the listener's or the cluster's. */
export const sslSocketFactoryStats = (
  scope: Scope,
  side: 'server' | 'client',
): StatsOf<typeof names.SSL_SOCKET_FACTORY> =>
  statsOf(scope.scope(`${side}_ssl_socket_factory`), names.SSL_SOCKET_FACTORY);

/** Metrics of the process; `scope` is `server.`. */
export type ServerStats = StatsOf<typeof names.SERVER>;
/** @see ServerStats */
export function serverStats(scope: Scope): ServerStats {
  const stats = statsOf(scope, names.SERVER);
  for (const name of names.SERVER_IN_USE) stats[name].touch();
  return stats;
}

/** Metrics of the layered runtime; `scope` is `runtime.`. */
export type RuntimeStats = StatsOf<typeof names.RUNTIME>;
/** @see RuntimeStats */
export const runtimeStats = (scope: Scope): RuntimeStats => statsOf(scope, names.RUNTIME);

/** Metrics of access-log files; `scope` is `filesystem.`. */
export type FilesystemStats = StatsOf<typeof names.FILESYSTEM>;
/** @see FilesystemStats */
export const filesystemStats = (scope: Scope): FilesystemStats => statsOf(scope, names.FILESYSTEM);
