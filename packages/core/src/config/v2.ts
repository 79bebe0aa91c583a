/**
 * The 2018 (v2) form of a configuration, rewritten to the v3 form before parsing: `hosts`, `config`, short filter
 * names, lower-case enum values. Nodes keep their identity, so that problems are still told where they were written.
 */

import type { Extensions } from './extension.ts';
import { httpConnectionManagerName } from './http-connection-manager.ts';
import { isMap, type RawMap, rawMap, type SourceMap } from './source-map.ts';
import { upgradeHealthCheckFilter, upgradeHealthChecks } from './v2-health.ts';
import { upgradeRoutes } from './v2-routes.ts';
import { upgradeTls } from './v2-tls.ts';
import { upgradeTracing } from './v2-tracing.ts';

/** v2 names of filters and the names that v3 gave them; the rest follows the pattern of {@link canonicalName}. */
const RENAMED: Readonly<Record<string, string>> = {
  'envoy.rate_limit': 'envoy.filters.http.ratelimit',
  'envoy.http_dynamo_filter': 'envoy.filters.http.dynamo',
};

const NETWORK_FILTERS = [
  'client_ssl_auth',
  'echo',
  'ext_authz',
  'http_connection_manager',
  'mongo_proxy',
  'ratelimit',
  'redis_proxy',
  'tcp_proxy',
];

const ACCESS_LOGS: Readonly<Record<string, string>> = {
  file_access_log: 'envoy.access_loggers.file',
  http_grpc_access_log: 'envoy.access_loggers.http_grpc',
  tcp_grpc_access_log: 'envoy.access_loggers.tcp_grpc',
};

const STAT_SINKS: Readonly<Record<string, string>> = {
  statsd: 'envoy.stat_sinks.statsd',
  dog_statsd: 'envoy.stat_sinks.dog_statsd',
  metrics_service: 'envoy.stat_sinks.metrics_service',
};

type FilterKind = 'http-filter' | 'network-filter' | 'listener-filter' | 'access-log' | 'stats-sink' | 'tracer';

/** The v3 name of a filter that may be written in the short v2 form. */
export function canonicalName(kind: FilterKind, name: string): string {
  if (kind === 'listener-filter') return name.replace(/^envoy\.listener\.(?=[a-z_]+$)/, 'envoy.filters.listener.');
  const short = /^envoy\.([a-z_]+)$/.exec(name)?.[1];
  if (short === undefined) return name;
  if (kind === 'tracer') return `envoy.tracers.${short}`;
  if (kind === 'stats-sink') return STAT_SINKS[short] ?? name;
  if (kind === 'access-log') return ACCESS_LOGS[short] ?? name;
  if (kind === 'http-filter') return RENAMED[name] ?? `envoy.filters.http.${short}`;
  return NETWORK_FILTERS.includes(short) ? `envoy.filters.network.${short}` : name;
}

const V2_TYPES: Readonly<Record<string, string>> = {
  'envoy.config.filter.network.http_connection_manager.v2.HttpConnectionManager':
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  'envoy.config.filter.http.health_check.v2.HealthCheck': 'envoy.extensions.filters.http.health_check.v3.HealthCheck',
  'envoy.config.filter.http.router.v2.Router': 'envoy.extensions.filters.http.router.v3.Router',
  'envoy.config.filter.network.echo.v2.Echo': 'envoy.extensions.filters.network.echo.v3.Echo',
  'envoy.config.filter.network.tcp_proxy.v2.TcpProxy': 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  'envoy.config.filter.network.rbac.v2.RBAC': 'envoy.extensions.filters.network.rbac.v3.RBAC',
  'envoy.config.filter.network.sni_cluster.v2.SniCluster': 'envoy.extensions.filters.network.sni_cluster.v3.SniCluster',
  'envoy.config.filter.network.local_rate_limit.v2alpha.LocalRateLimit':
    'envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit',
  'envoy.config.filter.listener.tls_inspector.v2.TlsInspector':
    'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
  'envoy.config.filter.listener.http_inspector.v2.HttpInspector':
    'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector',
  'envoy.config.filter.listener.proxy_protocol.v2.ProxyProtocol':
    'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol',
  'envoy.config.filter.listener.original_dst.v2.OriginalDst':
    'envoy.extensions.filters.listener.original_dst.v3.OriginalDst',
  'envoy.config.cluster.aggregate.v2alpha.ClusterConfig': 'envoy.extensions.clusters.aggregate.v3.ClusterConfig',
  'envoy.config.cluster.dynamic_forward_proxy.v2alpha.ClusterConfig':
    'envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig',
  'envoy.config.filter.http.dynamic_forward_proxy.v2alpha.FilterConfig':
    'envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig',
  'envoy.config.accesslog.v2.FileAccessLog': 'envoy.extensions.access_loggers.file.v3.FileAccessLog',
  'envoy.config.accesslog.v2.HttpGrpcAccessLogConfig':
    'envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig',
  'envoy.config.accesslog.v2.TcpGrpcAccessLogConfig': 'envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig',
  'envoy.config.metrics.v2.StatsdSink': 'envoy.config.metrics.v3.StatsdSink',
  'envoy.config.metrics.v2.DogStatsdSink': 'envoy.config.metrics.v3.DogStatsdSink',
  'envoy.config.metrics.v2.MetricsServiceConfig': 'envoy.config.metrics.v3.MetricsServiceConfig',
  'envoy.config.metrics.v2.HystrixSink': 'envoy.config.metrics.v3.HystrixSink',
  'envoy.config.trace.v2.ZipkinConfig': 'envoy.config.trace.v3.ZipkinConfig',
  'envoy.config.filter.network.direct_response.v2.Config': 'envoy.extensions.filters.network.direct_response.v3.Config',
};

/** Enum fields that the v2 form writes in lower case. */
const ENUM_FIELDS = ['type', 'lb_policy', 'dns_lookup_family', 'codec_type'];

/** Rewrites `data` in place. What is not in the v2 form is left alone. */
export function upgradeV2(data: RawMap, sources: SourceMap, extensions: Extensions): void {
  new Upgrade(sources, extensions).bootstrap(data);
}

class Upgrade {
  private readonly sources: SourceMap;
  private readonly extensions: Extensions;

  constructor(sources: SourceMap, extensions: Extensions) {
    this.sources = sources;
    this.extensions = extensions;
  }

  bootstrap(data: RawMap): void {
    for (const sink of maps(get(data, 'stats_sinks'))) this.filter('stats-sink', sink);
    const tracing = get(data, 'tracing');
    if (isMap(tracing)) this.provider(tracing, 'http');
    const resources = get(data, 'static_resources');
    if (!isMap(resources)) return;
    for (const cluster of maps(get(resources, 'clusters'))) this.cluster(cluster);
    for (const listener of maps(get(resources, 'listeners'))) this.listener(listener);
  }

  private cluster(cluster: RawMap): void {
    this.upperCaseEnums(cluster);
    upgradeTls(cluster, 'UpstreamTlsContext', this.sources);
    upgradeHealthChecks(get(cluster, 'health_checks'), this.sources);
    const hosts = cluster.hosts;
    if (!Array.isArray(hosts) || get(cluster, 'load_assignment') !== undefined) return;
    const endpoints = hosts.map((host, index) => {
      const endpoint = rawMap([['address', host]]);
      this.sources.copy(this.sources, hosts, index, endpoint, 'address');
      const entry = rawMap([['endpoint', endpoint]]);
      this.sources.copy(this.sources, hosts, index, entry, 'endpoint');
      return entry;
    });
    for (const index of hosts.keys()) this.sources.copy(this.sources, hosts, index, endpoints, index);
    const group = rawMap([['lb_endpoints', endpoints]]);
    const groups = [group];
    const assignment = rawMap([
      ['cluster_name', cluster.name],
      ['endpoints', groups],
    ]);
    this.at(cluster, 'hosts', group, 'lb_endpoints');
    this.at(cluster, 'hosts', groups, 0);
    this.at(cluster, 'hosts', assignment, 'endpoints');
    this.at(cluster, 'name', assignment, 'cluster_name');
    this.move(cluster, 'hosts', 'load_assignment', assignment);
  }

  private listener(listener: RawMap): void {
    this.accessLogs(listener, 'access_log');
    for (const filter of maps(get(listener, 'listener_filters'))) this.filter('listener-filter', filter);
    for (const chain of maps(get(listener, 'filter_chains'))) {
      upgradeTls(chain, 'DownstreamTlsContext', this.sources);
      for (const filter of maps(get(chain, 'filters'))) {
        this.filter('network-filter', filter);
        const inner = get(filter, 'typed_config');
        if (isMap(inner)) this.accessLogs(inner, 'access_log');
        if (filter.name !== httpConnectionManagerName) continue;
        const manager = get(filter, 'typed_config');
        if (isMap(manager)) this.connectionManager(manager, listener);
      }
    }
  }

  private accessLogs(holder: RawMap, field: string): void {
    for (const entry of maps(get(holder, field))) this.filter('access-log', entry);
  }

  private provider(holder: RawMap, field: string): void {
    const entry = get(holder, field);
    if (isMap(entry)) this.filter('tracer', entry);
  }

  private connectionManager(manager: RawMap, listener: RawMap): void {
    const tracing = get(manager, 'tracing');
    if (isMap(tracing)) {
      this.provider(tracing, 'provider');
      upgradeTracing(tracing, listener, this.sources);
    }
    this.upperCaseEnums(manager);
    for (const filter of maps(get(manager, 'http_filters'))) {
      this.filter('http-filter', filter);
      const inner = get(filter, 'typed_config');
      if (isMap(inner)) this.accessLogs(inner, 'upstream_log');
    }
    const routes = get(manager, 'route_config');
    if (isMap(routes)) upgradeRoutes(routes, this.sources, (name) => canonicalName('http-filter', name));
    if (manager.idle_timeout === undefined || get(manager, 'common_http_protocol_options') !== undefined) return;
    const options = rawMap([['idle_timeout', manager.idle_timeout]]);
    this.at(manager, 'idle_timeout', options, 'idle_timeout');
    this.move(manager, 'idle_timeout', 'common_http_protocol_options', options);
  }

  private filter(kind: FilterKind, filter: RawMap): void {
    if (typeof filter.name !== 'string') return;
    filter.name = canonicalName(kind, filter.name);
    if (isMap(filter.config) && get(filter, 'typed_config') === undefined) this.untyped(kind, filter, filter.config);
    const typed = get(filter, 'typed_config');
    if (filter.name === 'envoy.filters.http.health_check') upgradeHealthCheckFilter(typed, this.sources);
    if (!isMap(typed) || typeof typed['@type'] !== 'string') return;
    const [host, type] = [typed['@type'].replace(/[^/]*$/, ''), typed['@type'].replace(/^.*\//, '')];
    typed['@type'] = host + (V2_TYPES[type] ?? type);
  }

  /** `config` has no type: it follows from the name, when that is known; an unknown name is told later. */
  private untyped(kind: string, filter: RawMap, config: RawMap): void {
    const typeUrl = this.extensions.find(kind, { name: filter.name as string })?.typeUrl;
    this.move(filter, 'config', 'typed_config', config);
    if (typeUrl === undefined || config['@type'] !== undefined) return;
    config['@type'] = typeUrl;
    this.at(filter, 'name', config, '@type');
  }

  private upperCaseEnums(node: RawMap): void {
    for (const field of ENUM_FIELDS) {
      const value = node[field];
      if (typeof value === 'string' && /^[a-z][a-z0-9_]*$/.test(value)) node[field] = value.toUpperCase();
    }
  }

  /** `to[toKey]` was written where `from[fromKey]` is. */
  private at(from: object, fromKey: string, to: object, toKey: string | number): void {
    this.sources.copy(this.sources, from, fromKey, to, toKey);
  }

  private move(node: RawMap, from: string, to: string, value: unknown): void {
    this.at(node, from, node, to);
    delete node[from];
    node[to] = value;
  }
}

/** The value of a field in either spelling. */
function get(node: RawMap, field: string): unknown {
  return node[field] ?? node[field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())];
}

function maps(list: unknown): RawMap[] {
  return Array.isArray(list) ? list.filter(isMap) : [];
}
