/** Envoy's stat names by area, in the order `/stats` prints them. Everything here is registered when its owner is configured. */

export * from './names-cluster.ts';

/** `listener.<address>.` */
export const LISTENER = {
  counters: [
    'downstream_cx_destroy',
    'downstream_cx_overflow',
    'downstream_cx_overload_reject',
    'downstream_cx_total',
    'downstream_cx_transport_socket_connect_timeout',
    'downstream_global_cx_overflow',
    'downstream_listener_filter_error',
    'downstream_listener_filter_remote_close',
    'downstream_pre_cx_timeout',
    'extension_config_missing',
    'network_extension_config_missing',
    'no_filter_chain_match',
  ],
  gauges: ['downstream_cx_active', 'downstream_pre_cx_active'],
  histograms: ['connections_accepted_per_socket_event', 'downstream_cx_length_ms'],
} as const;

/** `listener.<address>.worker_<n>.` */
export const WORKER = {
  counters: ['downstream_cx_total'],
  gauges: ['downstream_cx_active'],
  histograms: [],
} as const;

/** `listener.<address>.http.<stat_prefix>.` */
export const LISTENER_HTTP = {
  counters: [
    'downstream_rq_1xx',
    'downstream_rq_2xx',
    'downstream_rq_3xx',
    'downstream_rq_4xx',
    'downstream_rq_5xx',
    'downstream_rq_completed',
  ],
  gauges: [],
  histograms: [],
} as const;

/** `listener_manager.` */
export const LISTENER_MANAGER = {
  counters: [
    'listener_added',
    'listener_create_failure',
    'listener_create_success',
    'listener_in_place_updated',
    'listener_modified',
    'listener_removed',
    'listener_stopped',
  ],
  gauges: [
    'total_filter_chains_draining',
    'total_listeners_active',
    'total_listeners_draining',
    'total_listeners_warming',
    'workers_pinned',
    'workers_started',
  ],
  histograms: [],
} as const;

/** `http.<stat_prefix>.` */
export const HTTP_CONNECTION_MANAGER = {
  counters: [
    'downstream_cx_delayed_close_timeout',
    'downstream_cx_destroy',
    'downstream_cx_destroy_active_rq',
    'downstream_cx_destroy_local',
    'downstream_cx_destroy_local_active_rq',
    'downstream_cx_destroy_remote',
    'downstream_cx_destroy_remote_active_rq',
    'downstream_cx_drain_close',
    'downstream_cx_http1_total',
    'downstream_cx_http2_total',
    'downstream_cx_http3_total',
    'downstream_cx_idle_timeout',
    'downstream_cx_max_duration_reached',
    'downstream_cx_max_requests_reached',
    'downstream_cx_overload_disable_keepalive',
    'downstream_cx_protocol_error',
    'downstream_cx_rx_bytes_total',
    'downstream_cx_ssl_total',
    'downstream_cx_total',
    'downstream_cx_tx_bytes_total',
    'downstream_cx_upgrades_total',
    'downstream_flow_control_paused_reading_total',
    'downstream_flow_control_resumed_reading_total',
    'downstream_rq_1xx',
    'downstream_rq_2xx',
    'downstream_rq_3xx',
    'downstream_rq_4xx',
    'downstream_rq_5xx',
    'downstream_rq_completed',
    'downstream_rq_failed_path_normalization',
    'downstream_rq_header_timeout',
    'downstream_rq_http1_total',
    'downstream_rq_http2_total',
    'downstream_rq_http3_total',
    'downstream_rq_idle_timeout',
    'downstream_rq_max_duration_reached',
    'downstream_rq_non_relative_path',
    'downstream_rq_overload_close',
    'downstream_rq_redirected_with_normalized_path',
    'downstream_rq_rejected_via_ip_detection',
    'downstream_rq_response_before_rq_complete',
    'downstream_rq_rx_reset',
    'downstream_rq_timeout',
    'downstream_rq_too_large',
    'downstream_rq_too_many_premature_resets',
    'downstream_rq_total',
    'downstream_rq_tx_reset',
    'downstream_rq_ws_on_non_ws_route',
    'rs_too_large',
  ],
  gauges: [
    'downstream_cx_active',
    'downstream_cx_http1_active',
    'downstream_cx_http1_soft_drain',
    'downstream_cx_http2_active',
    'downstream_cx_http3_active',
    'downstream_cx_rx_bytes_buffered',
    'downstream_cx_ssl_active',
    'downstream_cx_tx_bytes_buffered',
    'downstream_cx_upgrades_active',
    'downstream_rq_active',
  ],
  histograms: ['downstream_cx_length_ms', 'downstream_rq_time'],
} as const;

/** `http.<stat_prefix>.user_agent.<name>.` */
export const USER_AGENT = {
  counters: ['downstream_cx_destroy_remote_active_rq', 'downstream_cx_total', 'downstream_rq_total'],
  gauges: [],
  histograms: ['downstream_cx_length_ms'],
} as const;

/** `http.<stat_prefix>.tracing.` */
export const HTTP_TRACING = {
  counters: ['client_enabled', 'health_check', 'not_traceable', 'random_sampling', 'service_forced'],
  gauges: [],
  histograms: [],
} as const;

/** `http1.` (downstream) and `cluster.<name>.http1.`; registered with the first connection of that protocol. */
export const HTTP1_CODEC = {
  counters: [
    'dropped_headers_with_underscores',
    'metadata_not_supported_error',
    'requests_rejected_with_underscores_in_headers',
    'response_flood',
  ],
  gauges: [],
  histograms: [],
} as const;

/** `http2.` (downstream) and `cluster.<name>.http2.`; registered with the first connection of that protocol. */
export const HTTP2_CODEC = {
  counters: [
    'cookies_total_bytes_too_large',
    'dropped_headers_with_underscores',
    'goaway_sent',
    'header_list_size_too_large',
    'header_overflow',
    'headers_cb_no_stream',
    'inbound_empty_frames_flood',
    'inbound_priority_frames_flood',
    'inbound_window_update_frames_flood',
    'keepalive_timeout',
    'metadata_empty_frames',
    'outbound_control_flood',
    'outbound_flood',
    'requests_rejected_with_underscores_in_headers',
    'rx_messaging_error',
    'rx_reset',
    'stream_refused_errors',
    'trailers',
    'tx_flush_timeout',
    'tx_reset',
  ],
  gauges: [
    'deferred_stream_close',
    'outbound_control_frames_active',
    'outbound_frames_active',
    'pending_send_bytes',
    'streams_active',
  ],
  // Envoy has them too, and records nothing unless a runtime feature is on.
  histograms: ['cookie_count', 'cookie_size', 'header_count', 'header_list_size'],
} as const;

/** Of these, what Envoy sets with the first connection. */
export const HTTP2_IN_USE = [
  'outbound_control_frames_active',
  'outbound_frames_active',
  'pending_send_bytes',
  'streams_active',
] as const;

/** `listener.<address>.ssl.` and `cluster.<name>.ssl.`; the last two are not Envoy's. */
export const SSL = {
  counters: [
    'connection_error',
    'fail_verify_cert_hash',
    'fail_verify_error',
    'fail_verify_no_cert',
    'fail_verify_san',
    'handshake',
    'no_certificate',
    'ocsp_staple_failed',
    'ocsp_staple_omitted',
    'ocsp_staple_requests',
    'ocsp_staple_responses',
    'session_reused',
    'certificate_reload_failure',
    'certificate_reload_success',
  ],
  gauges: [],
  histograms: [],
} as const;

/** `server.` */
export const SERVER = {
  counters: [
    'debug_assertion_failures',
    'dropped_stat_flushes',
    'dynamic_unknown_fields',
    'envoy_bug_failures',
    'static_unknown_fields',
    'wip_protos',
  ],
  gauges: [
    'compilation_settings.fips_mode',
    'concurrency',
    'days_until_first_cert_expiring',
    'hot_restart_epoch',
    'live',
    'memory_allocated',
    'memory_heap_size',
    'memory_physical_size',
    'parent_connections',
    'seconds_until_first_ocsp_response_expiring',
    'state',
    'stats_recent_lookups',
    'total_connections',
    'uptime',
    'version',
  ],
  histograms: ['initialization_time_ms'],
} as const;

/** Of these, what Envoy sets when it starts, if only to 0. */
export const SERVER_IN_USE = [
  'compilation_settings.fips_mode',
  'dynamic_unknown_fields',
  'hot_restart_epoch',
  'parent_connections',
  'static_unknown_fields',
  'stats_recent_lookups',
  'version',
  'wip_protos',
] as const;

/** `listener.<address>.server_ssl_socket_factory.` and `cluster.<name>.client_ssl_socket_factory.`: they stay 0 without SDS. */
export const SSL_SOCKET_FACTORY = {
  counters: ['downstream_context_secrets_not_ready', 'ssl_context_update_by_sds', 'upstream_context_secrets_not_ready'],
  gauges: [],
  histograms: [],
} as const;

/** `runtime.` */
export const RUNTIME = {
  counters: ['deprecated_feature_use', 'load_error', 'load_success', 'override_dir_exists', 'override_dir_not_exists'],
  gauges: ['admin_overrides_active', 'deprecated_feature_seen_since_process_start', 'num_keys', 'num_layers'],
  histograms: [],
} as const;

/** `filesystem.` */
export const FILESYSTEM = {
  counters: ['flushed_by_timer', 'reopen_failed', 'write_buffered', 'write_completed', 'write_failed'],
  gauges: ['write_total_buffered'],
  histograms: [],
} as const;
