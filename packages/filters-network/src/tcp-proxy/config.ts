/** The config of `envoy.filters.network.tcp_proxy`. */
import {
  accessLogEntry,
  bool,
  bytes,
  checkLogOptions,
  duration,
  fields,
  formatText,
  headerValueOption,
  list,
  message,
  metadata,
  nonEmpty,
  pathText,
  percent,
  required,
  string,
  uint32,
  withDefault,
} from '@mesh/core/proto';

const HOUR_MS = 3_600_000;

const clusterWeight = message(
  { name: required(nonEmpty()), weight: required(uint32({ min: 1 })), metadata_match: metadata },
  { name: 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight' },
);

const weightedCluster = message(
  { clusters: { ...list(clusterWeight, { min: 1 }), presence: 'required' } },
  { name: 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster' },
);

const backoffStrategy = message(
  { base_interval: required(duration({ minMs: 1 })), max_interval: duration({ aboveMs: 0 }) },
  {
    name: 'envoy.config.core.v3.BackoffStrategy',
    check({ baseIntervalMs, maxIntervalMs }, report) {
      if (baseIntervalMs === undefined || maxIntervalMs === undefined || maxIntervalMs >= baseIntervalMs) return;
      report({ path: ['max_interval'], message: 'max_interval must be greater or equal to base_interval' });
    },
  },
);

const hashPolicy = message(
  {
    source_ip: message({}, { name: 'envoy.type.v3.HashPolicy.SourceIp' }),
    filter_state: message({ key: required(nonEmpty()) }, { name: 'envoy.type.v3.HashPolicy.FilterState' }),
  },
  { name: 'envoy.type.v3.HashPolicy', oneofs: [{ fields: ['source_ip', 'filter_state'], required: true }] },
);

const tlvEntry = message(
  { type: required(uint32({ max: 255 })), value: withDefault(bytes(), new Uint8Array()) },
  {
    name: 'envoy.config.core.v3.TlvEntry',
    known: { format_string: 'formatted TLVs are not built yet; use value' },
  },
);

const tunnelingConfig = message(
  {
    hostname: required(formatText()),
    use_post: withDefault(bool(), false),
    headers_to_add: list(headerValueOption, { max: 1000 }),
    propagate_response_headers: withDefault(bool(), false),
    post_path: withDefault(pathText(), ''),
    propagate_response_trailers: withDefault(bool(), false),
  },
  {
    name: 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TunnelingConfig',
    known: { request_id_extension: 'request ids of tunnels are not built yet' },
    check({ postPath = '', usePost }, report) {
      if (postPath === '' || usePost === true) return;
      report({ path: ['post_path'], message: "Can't set a post path when POST method isn't used" });
    },
  },
);

const accessLogOptions = message(
  {
    access_log_flush_interval: duration({ minMs: 1 }),
    flush_access_log_on_connected: withDefault(bool(), false),
    flush_access_log_on_start: withDefault(bool(), false),
  },
  { name: 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TcpAccessLogOptions' },
);

/** Envoy `TcpProxy`. */
export const tcpProxySchema = message(
  {
    stat_prefix: required(nonEmpty()),
    cluster: string(),
    weighted_clusters: weightedCluster,
    metadata_match: metadata,
    idle_timeout: withDefault(duration(), HOUR_MS),
    max_connect_attempts: withDefault(uint32({ min: 1 }), 1),
    backoff_options: backoffStrategy,
    hash_policy: list(hashPolicy, { max: 1 }),
    max_downstream_connection_duration: duration({ minMs: 1 }),
    max_downstream_connection_duration_jitter_percentage: percent,
    tunneling_config: tunnelingConfig,
    proxy_protocol_tlvs: list(tlvEntry),
    access_log: list(accessLogEntry),
    access_log_options: accessLogOptions,
    /** Deprecated: `access_log_options` has both. */
    access_log_flush_interval: duration({ minMs: 1 }),
    flush_access_log_on_connected: withDefault(bool(), false),
  },
  {
    name: 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
    oneofs: [{ fields: ['cluster', 'weighted_clusters'], required: true }],
    check({ accessLogOptions: options, accessLogFlushIntervalMs, flushAccessLogOnConnected }, report) {
      const old = {
        access_log_flush_interval: accessLogFlushIntervalMs !== undefined,
        flush_access_log_on_connected: flushAccessLogOnConnected === true,
      };
      checkLogOptions(old, options !== undefined, report);
    },
    known: {
      on_demand: 'clusters cannot be discovered on demand',
      deprecated_v1: 'Envoy has given it up; use filter_chain_match',
      ...fields(
        'downstream_idle_timeout upstream_idle_timeout',
        'Envoy has these fields and does nothing with them; use idle_timeout',
      ),
      ...fields(
        'max_early_data_bytes upstream_connect_mode',
        'the upstream connection is always made at once, and the client is read when it is there',
      ),
      proxy_protocol_tlv_merge_policy: 'TLVs are added where no PROXY protocol header has come with the client',
      check_drain_close: 'connections that drain are left to end by themselves',
    },
  },
);

/** The parsed config. */
export type TcpProxyConfig = ReturnType<typeof tcpProxySchema.parse>;
