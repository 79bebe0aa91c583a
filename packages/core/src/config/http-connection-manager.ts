/** The HTTP connection manager, configured as a network filter. */
import type { z } from 'zod';
import { cidrRange, headerText } from './common.ts';
import { discoveredConfig, extension, type ResolvedExtension } from './extension.ts';
import { http1ProtocolOptions, httpProtocolOptions } from './http-protocol.ts';
import { fields, message, nested, required, withDefault } from './message.ts';
import { bool, duration, enumOf, list, nonEmpty, onlyEmpty, uint32 } from './proto-json.ts';
import { routeConfigurationSchema } from './route.ts';

/** Canonical name of the connection manager among network filters. */
export const httpConnectionManagerName = 'envoy.filters.network.http_connection_manager';
/** Type URL of the connection manager's configuration. */
export const httpConnectionManagerTypeUrl =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** Envoy `HttpFilter`. A `disabled` filter runs only where a route switches it on. */
const httpFilterEntry = extension('http-filter', {
  name: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter',
  extra: { disabled: withDefault(bool(), false) },
  known: { ...discoveredConfig, is_optional: 'every configured extension must be known' },
});

const internalAddressConfig = message(
  { unix_sockets: withDefault(bool(), false), cidr_ranges: list(cidrRange) },
  { name: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.InternalAddressConfig' },
);

const codecType = enumOf(['AUTO', 'HTTP1'], {
  HTTP2: { number: 2, reason: 'HTTP/2 is not built yet' },
  HTTP3: { number: 3, reason: 'HTTP/3 is not built yet' },
});

const logging = 'access logs are not built yet';
const tls = 'TLS is not built yet';
const extending = 'this extension point is not built yet';

/** Envoy `HttpConnectionManager`. Timeouts of 0 are off. */
export const httpConnectionManagerSchema = message(
  {
    codec_type: withDefault(codecType, 'AUTO'),
    stat_prefix: required(nonEmpty()),
    route_config: routeConfigurationSchema,
    http_filters: list(httpFilterEntry),
    common_http_protocol_options: nested(httpProtocolOptions),
    http_protocol_options: nested(http1ProtocolOptions),
    server_name: withDefault(headerText(), 'envoy'),
    server_header_transformation: withDefault(enumOf(['OVERWRITE', 'APPEND_IF_ABSENT', 'PASS_THROUGH']), 'OVERWRITE'),
    max_request_headers_kb: withDefault(uint32({ min: 1, max: 8192 }), 60),
    stream_idle_timeout: withDefault(duration(), 300_000),
    request_timeout: withDefault(duration(), 0),
    request_headers_timeout: withDefault(duration(), 0),
    delayed_close_timeout: withDefault(duration(), 1000),
    access_log: onlyEmpty('list', logging),
    use_remote_address: withDefault(bool(), false),
    xff_num_trusted_hops: withDefault(uint32(), 0),
    internal_address_config: nested(internalAddressConfig),
    skip_xff_append: withDefault(bool(), false),
    via: withDefault(headerText(), ''),
    generate_request_id: withDefault(bool(), true),
    preserve_external_request_id: withDefault(bool(), false),
    always_set_request_id_in_response: withDefault(bool(), false),
    proxy_100_continue: withDefault(bool(), false),
    normalize_path: withDefault(bool(), false),
    merge_slashes: withDefault(bool(), false),
    path_with_escaped_slashes_action: withDefault(
      enumOf([
        'IMPLEMENTATION_SPECIFIC_DEFAULT',
        'KEEP_UNCHANGED',
        'REJECT_REQUEST',
        'UNESCAPE_AND_REDIRECT',
        'UNESCAPE_AND_FORWARD',
      ]),
      'IMPLEMENTATION_SPECIFIC_DEFAULT',
    ),
    strip_matching_host_port: withDefault(bool(), false),
    strip_any_host_port: withDefault(bool(), false),
  },
  {
    name: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    known: {
      ...fields('rds scoped_routes', 'xDS is not built yet'),
      add_user_agent: 'not built yet',
      tracing: 'tracing is not built yet',
      http1_safe_max_connection_duration: 'not built yet',
      http2_protocol_options: 'HTTP/2 is not built yet',
      http3_protocol_options: 'HTTP/3 is not built yet',
      scheme_header_transformation: 'not built yet',
      stream_flush_timeout: 'not built yet',
      ...fields('drain_timeout drain_timeout_jitter', 'for HTTP/2, which is not built yet'),
      ...fields('access_log_flush_interval flush_access_log_on_new_request access_log_options', logging),
      ...fields('original_ip_detection_extensions early_header_mutation_extensions', extending),
      ...fields('request_id_extension typed_header_validation_config', extending),
      ...fields('forward_client_cert_details set_current_client_cert_details forward_client_cert_matcher', tls),
      upgrade_configs: 'upgrades are not built yet',
      local_reply_config: 'not built yet',
      ...fields(
        'represent_ipv4_remote_address_as_ipv4_mapped_ipv6 stream_error_on_invalid_http_message path_normalization_options strip_trailing_host_dot proxy_status_config append_x_forwarded_port append_local_overload add_proxy_protocol_connection_state forward_proto_config record_route_resolution_stats',
        'not built yet',
      ),
    },
    oneofs: [{ fields: ['route_config', 'rds', 'scoped_routes'], required: true }],
    check({ stripMatchingHostPort, stripAnyHostPort }, report) {
      if (!stripMatchingHostPort || !stripAnyHostPort) return;
      const message = 'strip_matching_host_port and strip_any_host_port can not be used together';
      report({ path: ['strip_any_host_port'], at: 'key', message });
    },
  },
);

/** A connection manager with all defaults filled in. */
export type HttpConnectionManagerConfig = z.output<typeof httpConnectionManagerSchema>;

/** An HTTP filter of a connection manager. */
export type HttpFilterConfig = ResolvedExtension & { readonly disabled: boolean };
