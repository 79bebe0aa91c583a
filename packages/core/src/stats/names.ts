/** Envoy's stat names by area, in the order `/stats` prints them. Everything here is registered when its owner is configured. */

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

/** `http.<stat_prefix>.tracing.` */
export const HTTP_TRACING = {
  counters: ['client_enabled', 'health_check', 'not_traceable', 'random_sampling', 'service_forced'],
  gauges: [],
  histograms: [],
} as const;

/** `cluster.<name>.` */
export const CLUSTER = {
  counters: [
    'assignment_stale',
    'assignment_timeout_received',
    'assignment_use_cached',
    'bind_errors',
    'default.total_match_count',
    'lb_healthy_panic',
    'lb_local_cluster_not_ok',
    'lb_recalculate_zone_structures',
    'lb_subsets_created',
    'lb_subsets_fallback',
    'lb_subsets_fallback_panic',
    'lb_subsets_removed',
    'lb_subsets_selected',
    'lb_zone_cluster_too_small',
    'lb_zone_no_capacity_left',
    'lb_zone_routing_all_directly',
    'lb_zone_routing_cross_zone',
    'lb_zone_routing_sampled',
    'membership_change',
    'original_dst_host_invalid',
    'retry_or_shadow_abandoned',
    'update_attempt',
    'update_empty',
    'update_failure',
    'update_no_rebuild',
    'update_success',
    'upstream_cx_close_notify',
    'upstream_cx_connect_attempts_exceeded',
    'upstream_cx_connect_fail',
    'upstream_cx_connect_timeout',
    'upstream_cx_connect_with_0_rtt',
    'upstream_cx_destroy',
    'upstream_cx_destroy_local',
    'upstream_cx_destroy_local_with_active_rq',
    'upstream_cx_destroy_remote',
    'upstream_cx_destroy_remote_with_active_rq',
    'upstream_cx_destroy_with_active_rq',
    'upstream_cx_http1_total',
    'upstream_cx_http2_total',
    'upstream_cx_http3_total',
    'upstream_cx_idle_timeout',
    'upstream_cx_max_duration_reached',
    'upstream_cx_max_requests',
    'upstream_cx_none_healthy',
    'upstream_cx_overflow',
    'upstream_cx_pool_overflow',
    'upstream_cx_preconnect_skipped',
    'upstream_cx_protocol_error',
    'upstream_cx_rx_bytes_total',
    'upstream_cx_total',
    'upstream_cx_tx_bytes_total',
    'upstream_flow_control_backed_up_total',
    'upstream_flow_control_drained_total',
    'upstream_flow_control_paused_reading_total',
    'upstream_flow_control_resumed_reading_total',
    'upstream_http3_broken',
    'upstream_internal_redirect_failed_total',
    'upstream_internal_redirect_succeeded_total',
    'upstream_rq_0rtt',
    'upstream_rq_active_overflow',
    'upstream_rq_cancelled',
    'upstream_rq_completed',
    'upstream_rq_maintenance_mode',
    'upstream_rq_max_duration_reached',
    'upstream_rq_pending_failure_eject',
    'upstream_rq_pending_overflow',
    'upstream_rq_pending_total',
    'upstream_rq_per_try_idle_timeout',
    'upstream_rq_per_try_timeout',
    'upstream_rq_retry',
    'upstream_rq_retry_backoff_exponential',
    'upstream_rq_retry_backoff_ratelimited',
    'upstream_rq_retry_limit_exceeded',
    'upstream_rq_retry_overflow',
    'upstream_rq_retry_success',
    'upstream_rq_rx_reset',
    'upstream_rq_rx_reset_no_error',
    'upstream_rq_timeout',
    'upstream_rq_total',
    'upstream_rq_tx_reset',
  ],
  gauges: [
    'lb_subsets_active',
    'max_host_weight',
    'membership_degraded',
    'membership_excluded',
    'membership_healthy',
    'membership_total',
    'upstream_cx_active',
    'upstream_cx_rx_bytes_buffered',
    'upstream_cx_tx_bytes_buffered',
    'upstream_queue_overloaded',
    'upstream_rq_active',
    'upstream_rq_pending_active',
    'version',
    'warming_state',
  ],
  histograms: ['upstream_cx_connect_ms', 'upstream_cx_length_ms', 'upstream_rq_per_cx'],
} as const;

/** `cluster.<name>.circuit_breakers.<priority>.` */
export const CIRCUIT_BREAKER = {
  counters: [],
  gauges: ['cx_open', 'cx_pool_open', 'rq_open', 'rq_pending_open', 'rq_retry_open'],
  histograms: [],
} as const;

/** The same scope, when `track_remaining` is set. */
export const CIRCUIT_BREAKER_REMAINING = {
  counters: [],
  gauges: ['remaining_cx', 'remaining_cx_pools', 'remaining_pending', 'remaining_retries', 'remaining_rq'],
  histograms: [],
} as const;

/** `cluster_manager.` */
export const CLUSTER_MANAGER = {
  counters: [
    'cluster_added',
    'cluster_modified',
    'cluster_removed',
    'cluster_updated',
    'cluster_updated_via_merge',
    'update_merge_cancelled',
    'update_out_of_merge_window',
  ],
  gauges: ['active_clusters', 'warming_clusters'],
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
  histograms: [],
} as const;

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
