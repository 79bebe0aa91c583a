/** Lanes: listeners of one proxy that differ in where their logs and spans go. */
import path from 'node:path';
import { REFUSING_PORT } from '../envoy/run.ts';
import type { Yaml } from '../envoy/scenario.ts';
import { answers, cutsAnswers, type Listening, neverReads, unreadPipe } from './broken.ts';

/** One way in which observability goes wrong. */
export interface Fault {
  readonly name: string;
  /** What is wrong, for the title of the test. */
  readonly wrong: string;
  /** Where its logs or spans go. */
  readonly kind: 'file' | 'zipkin' | 'grpc' | 'otel';
  /** The file, or a server that is started for it; default: a port that nobody listens on. */
  readonly file?: string;
  readonly server?: () => Promise<Listening>;
}

/** All of them. */
export const FAULTS: readonly Fault[] = [
  { name: 'disk_full', wrong: 'the disk is full', kind: 'file', file: '/dev/full' },
  { name: 'pipe', wrong: 'nobody reads the log pipe', kind: 'file' },
  { name: 'zipkin_refused', wrong: 'the collector is gone', kind: 'zipkin' },
  { name: 'zipkin_silent', wrong: 'the collector says nothing', kind: 'zipkin', server: neverReads },
  { name: 'zipkin_500', wrong: 'the collector answers 500', kind: 'zipkin', server: () => answers(500) },
  {
    name: 'zipkin_slow',
    wrong: 'the collector is slower than its timeout',
    kind: 'zipkin',
    server: () => answers(202, 2000),
  },
  { name: 'zipkin_cut', wrong: 'the collector closes within its answer', kind: 'zipkin', server: cutsAnswers },
  { name: 'als_refused', wrong: 'the access log service is gone', kind: 'grpc' },
  { name: 'als_silent', wrong: 'the access log service says nothing', kind: 'grpc', server: neverReads },
  { name: 'otel_refused', wrong: 'the OpenTelemetry collector is gone', kind: 'otel' },
  { name: 'otel_silent', wrong: 'the OpenTelemetry collector says nothing', kind: 'otel', server: neverReads },
];

/** Counters that tell of losses, of which at least one has to move. */
export const LOSSES: Readonly<Record<Fault['kind'], readonly string[]>> = {
  file: ['access_logs.dropped'],
  zipkin: ['reports_dropped', 'reports_failed', 'spans_dropped'].map((name) => `tracing.zipkin.${name}`),
  grpc: ['access_logs.grpc_access_log.logs_dropped'],
  otel: ['access_logs.open_telemetry_access_log.logs_dropped'],
};

/** A listener of the proxy. */
export interface Lane {
  readonly name: string;
  /** Fields of the connection manager. */
  readonly manager: Yaml;
  /** The host of its cluster `<name>_there`. */
  readonly port?: number;
  readonly http2?: true;
}

const TYPES = 'type.googleapis.com/envoy';
const HTTP2 = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': `${TYPES}.extensions.upstreams.http.v3.HttpProtocolOptions`,
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};
/** A line long enough to fill buffers soon. */
const LONG_LINE = `%REQ(:PATH)% %RESPONSE_CODE% ${'x'.repeat(4000)}\n`;

/** An access log in a file; as standard output with `/dev/stdout`. */
export function fileLog(file: string): Yaml {
  const config = {
    '@type': `${TYPES}.extensions.access_loggers.file.v3.FileAccessLog`,
    path: file,
    log_format: { text_format_source: { inline_string: LONG_LINE } },
  };
  return { access_log: [{ name: 'envoy.access_loggers.file', typed_config: config }] };
}

function zipkin(name: string): Yaml {
  const typed_config = {
    '@type': `${TYPES}.config.trace.v3.ZipkinConfig`,
    collector_cluster: `${name}_there`,
    collector_endpoint: '/api/v2/spans',
    collector_endpoint_version: 'HTTP_JSON',
  };
  return { tracing: { provider: { name: 'envoy.tracers.zipkin', typed_config } } };
}

function grpcLog(name: string): Yaml {
  const config = { '@type': `${TYPES}.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig` };
  const typed_config = { ...config, common_config: { log_name: name, ...grpcOptions(name) } };
  return { access_log: [{ name: 'envoy.access_loggers.http_grpc', typed_config }] };
}

function otelLog(name: string): Yaml {
  const config = { '@type': `${TYPES}.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig` };
  const typed_config = { ...config, ...grpcOptions(name) };
  return { access_log: [{ name: 'envoy.access_loggers.open_telemetry', typed_config }] };
}

function grpcOptions(name: string): Yaml {
  const grpc_service = { envoy_grpc: { cluster_name: `${name}_there` }, timeout: '0.3s' };
  return { grpc_service, buffer_flush_interval: '0.05s' };
}

const MANAGERS = { zipkin, grpc: grpcLog, otel: otelLog };

/** Opens what the faults need, and makes a lane of each; the first one, `calm`, has none. */
export async function openLanes(folder: string): Promise<{ lanes: readonly Lane[]; close(): void }> {
  const collector = await answers(202);
  const pipe = path.join(folder, 'pipe');
  const opened: { close(): void }[] = [collector, unreadPipe(pipe)];
  const calm = { ...fileLog(path.join(folder, 'access.log')), ...zipkin('calm') };
  const lanes: Lane[] = [{ name: 'calm', manager: calm, port: collector.port }];
  for (const { name, kind, file = pipe, server } of FAULTS) {
    if (kind === 'file') {
      lanes.push({ name, manager: fileLog(file) });
      continue;
    }
    const there = await server?.();
    if (there !== undefined) opened.push(there);
    const port = there?.port ?? REFUSING_PORT;
    const manager = MANAGERS[kind](name);
    lanes.push(kind === 'zipkin' ? { name, manager, port } : { name, manager, port, http2: true });
  }
  const close = () => {
    for (const each of opened) each.close();
  };
  return { lanes, close };
}

/** Sinks of the whole proxy: nobody listens for the datagrams, the connection is refused, or nothing of it is read. */
function sinks(statsdPort: number): {
  readonly stats_sinks: readonly Yaml[];
  readonly clusters: readonly Yaml[];
} {
  const statsd = (config: Yaml) => ({
    name: 'envoy.stat_sinks.statsd',
    typed_config: { '@type': `${TYPES}.config.metrics.v3.StatsdSink`, ...config },
  });
  return {
    stats_sinks: [
      statsd({ address: { socket_address: { address: '127.0.0.1', port_value: REFUSING_PORT } } }),
      statsd({ tcp_cluster_name: 'statsd_refused' }),
      statsd({ tcp_cluster_name: 'statsd_silent' }),
      {
        name: 'envoy.stat_sinks.metrics_service',
        typed_config: {
          '@type': `${TYPES}.config.metrics.v3.MetricsServiceConfig`,
          transport_api_version: 'V3',
          grpc_service: { envoy_grpc: { cluster_name: 'metrics_silent' } },
        },
      },
    ],
    clusters: [
      cluster('statsd_refused', REFUSING_PORT),
      cluster('statsd_silent', statsdPort),
      cluster('metrics_silent', statsdPort, HTTP2),
    ],
  };
}

/** A cluster of one loopback host. */
export function cluster(name: string, port: number, more: Yaml = {}): Yaml {
  const endpoint = { address: { socket_address: { address: '127.0.0.1', port_value: port } } };
  return {
    name,
    connect_timeout: '0.2s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
    ...more,
  };
}

/** A listener that sends everything to the cluster `app`. */
export function listener(name: string, manager: Yaml): Yaml {
  const config = {
    '@type': `${TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    route_config: {
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'app' } }] }],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': `${TYPES}.extensions.filters.http.router.v3.Router` },
      },
    ],
    ...manager,
  };
  return {
    name,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters: [{ name: 'http', typed_config: config }] }],
  };
}

/** The whole configuration. */
export function bootstrap(lanes: readonly Lane[], appPort: number, statsdPort: number): Yaml {
  const { stats_sinks, clusters } = sinks(statsdPort);
  const theirs = lanes.flatMap(({ name, port, http2 }) => {
    return port === undefined ? [] : [cluster(`${name}_there`, port, http2 === true ? HTTP2 : {})];
  });
  const soon = { 'tracing.zipkin.request_timeout': 300, 'tracing.zipkin.flush_interval_ms': 100 };
  return {
    node: { id: 'observed', cluster: 'observed' },
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    stats_flush_interval: '0.1s',
    stats_sinks,
    layered_runtime: { layers: [{ name: 'static', static_layer: soon }] },
    static_resources: {
      listeners: lanes.map(({ name, manager }) => listener(name, manager)),
      clusters: [cluster('app', appPort), ...theirs, ...clusters],
    },
  };
}
