/** The HTTP connection manager, configured as a network filter. */
import type { z } from 'zod';
import { accessLogEntry, checkLogOptions, managerLogOptions } from './access-log.ts';
import { cidrRange, headerText } from './common.ts';
import { discoveredConfig, extension, type ResolvedExtension } from './extension.ts';
import {
  clientCertDetails,
  earlyMutationExtension,
  proxyStatusConfig,
  requestIdExtension,
  schemeHeaderTransformation,
} from './http-identity.ts';
import { originalIpDetection } from './http-origin.ts';
import { http1ProtocolOptions, http2ProtocolOptions, httpProtocolOptions } from './http-protocol.ts';
import { localReplyConfig } from './local-reply.ts';
import { fields, message, nested, required, withDefault } from './message.ts';
import { bool, duration, enumOf, list, nonEmpty, only, percent, string, uint32 } from './proto-json.ts';
import { routeConfigurationSchema } from './route.ts';
import type { Report } from './schema-type.ts';
import { scopedRoutes } from './scoped-routes.ts';
import { managerTracing } from './tracing.ts';

/** Canonical name of the connection manager among network filters. */
export const httpConnectionManagerName = 'envoy.filters.network.http_connection_manager';
/** Type URL of the connection manager's configuration. */
export const httpConnectionManagerTypeUrl =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** Envoy `HttpFilter`. A `disabled` filter runs only where a route switches it on. */
const httpFilterEntry = extension('http-filter', {
  name: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter',
  extra: {
    disabled: withDefault(bool(), false),
    is_optional: withDefault(only(bool(), false, 'every configured extension must be known'), false),
  },
  known: discoveredConfig,
});

const internalAddressConfig = message(
  { unix_sockets: withDefault(bool(), false), cidr_ranges: list(cidrRange) },
  { name: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.InternalAddressConfig' },
);

const codecType = enumOf(['AUTO', 'HTTP1', 'HTTP2'], {
  HTTP3: { number: 3, reason: 'HTTP/3 is not built yet' },
});

/** Envoy `HttpConnectionManager.UpgradeConfig`. */
const managerUpgradeConfig = message(
  { upgrade_type: withDefault(string(), ''), filters: list(httpFilterEntry), enabled: withDefault(bool(), true) },
  { name: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.UpgradeConfig' },
);

/** Envoy `HttpConnectionManager`. Timeouts of 0 are off. */
export const httpConnectionManagerSchema = message(
  {
    codec_type: withDefault(codecType, 'AUTO'),
    stat_prefix: required(nonEmpty()),
    route_config: routeConfigurationSchema,
    http_filters: list(httpFilterEntry),
    common_http_protocol_options: nested(httpProtocolOptions),
    http_protocol_options: nested(http1ProtocolOptions),
    http2_protocol_options: nested(http2ProtocolOptions),
    server_name: withDefault(headerText(), 'envoy'),
    server_header_transformation: withDefault(enumOf(['OVERWRITE', 'APPEND_IF_ABSENT', 'PASS_THROUGH']), 'OVERWRITE'),
    max_request_headers_kb: withDefault(uint32({ min: 1, max: 8192 }), 60),
    stream_idle_timeout: withDefault(duration(), 300_000),
    stream_flush_timeout: duration(),
    request_timeout: withDefault(duration(), 0),
    request_headers_timeout: withDefault(duration(), 0),
    delayed_close_timeout: withDefault(duration(), 1000),
    drain_timeout: withDefault(duration(), 5000),
    drain_timeout_jitter: percent,
    http1_safe_max_connection_duration: withDefault(bool(), false),
    add_user_agent: withDefault(bool(), false),
    scheme_header_transformation: schemeHeaderTransformation,
    original_ip_detection_extensions: list(originalIpDetection),
    early_header_mutation_extensions: list(earlyMutationExtension),
    request_id_extension: requestIdExtension,
    forward_client_cert_details: withDefault(
      enumOf(['SANITIZE', 'FORWARD_ONLY', 'APPEND_FORWARD', 'SANITIZE_SET', 'ALWAYS_FORWARD_ONLY']),
      'SANITIZE',
    ),
    set_current_client_cert_details: nested(clientCertDetails),
    /** Read and without effect, as in Envoy 1.40. */
    represent_ipv4_remote_address_as_ipv4_mapped_ipv6: withDefault(bool(), false),
    stream_error_on_invalid_http_message: bool(),
    strip_trailing_host_dot: withDefault(bool(), false),
    proxy_status_config: proxyStatusConfig,
    append_x_forwarded_port: withDefault(bool(), false),
    upgrade_configs: list(managerUpgradeConfig),
    scoped_routes: scopedRoutes,
    local_reply_config: localReplyConfig,
    access_log: list(accessLogEntry),
    access_log_options: managerLogOptions,
    /** Deprecated: `access_log_options` has both. */
    access_log_flush_interval: duration({ minMs: 1 }),
    flush_access_log_on_new_request: withDefault(bool(), false),
    tracing: managerTracing,
    use_remote_address: withDefault(bool(), false),
    xff_num_trusted_hops: withDefault(uint32(), 0),
    internal_address_config: nested(internalAddressConfig),
    skip_xff_append: withDefault(bool(), false),
    via: withDefault(headerText(), ''),
    generate_request_id: withDefault(bool(), true),
    preserve_external_request_id: withDefault(bool(), false),
    always_set_request_id_in_response: withDefault(bool(), false),
    proxy_100_continue: withDefault(bool(), false),
    /** Absent: the runtime key `http_connection_manager.normalize_path` decides. */
    normalize_path: bool(),
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
      rds: 'xDS is not built yet',
      http3_protocol_options: 'HTTP/3 is not built yet',
      forward_client_cert_matcher: 'xDS matchers are not built yet',
      ...fields('path_normalization_options typed_header_validation_config', 'Envoy does not implement it either'),
      append_local_overload: 'the overload manager is not built yet',
      add_proxy_protocol_connection_state: 'clusters with upstream_proxy_protocol always tell of the client',
      forward_proto_config: 'x-forwarded-proto by the ports of PROXY protocol is not built yet',
      record_route_resolution_stats:
        'downstream_rq_route_resolution_time_us and downstream_rq_route_resolutions are not built yet',
    },
    oneofs: [{ fields: ['route_config', 'rds', 'scoped_routes'], required: true }],
    check: checkManager,
  },
);

interface Checked {
  readonly accessLogOptions?: object | undefined;
  readonly accessLogFlushIntervalMs?: number | undefined;
  readonly flushAccessLogOnNewRequest?: boolean | undefined;
  readonly stripMatchingHostPort?: boolean | undefined;
  readonly stripAnyHostPort?: boolean | undefined;
  readonly useRemoteAddress?: boolean | undefined;
  readonly xffNumTrustedHops?: number | undefined;
  readonly originalIpDetectionExtensions?: readonly unknown[] | undefined;
  readonly upgradeConfigs?: readonly ({ readonly upgradeType?: string | undefined } | undefined)[] | undefined;
}

/** Types have no case. */
function checkUpgrades({ upgradeConfigs = [] }: Checked, report: Report): void {
  const seen = new Set<string>();
  for (const [index, one] of upgradeConfigs.entries()) {
    const type = one?.upgradeType ?? '';
    if (seen.has(type.toLowerCase())) {
      const message = `Error: multiple upgrade configs with the same name: '${type}'`;
      report({ path: ['upgrade_configs', index, 'upgrade_type'], message });
    }
    seen.add(type.toLowerCase());
  }
}

function checkManager(config: Checked, report: Report): void {
  checkUpgrades(config, report);
  const old = {
    flush_access_log_on_new_request: config.flushAccessLogOnNewRequest === true,
    access_log_flush_interval: config.accessLogFlushIntervalMs !== undefined,
  };
  checkLogOptions(old, config.accessLogOptions !== undefined, report);
  if (config.stripMatchingHostPort && config.stripAnyHostPort) {
    const message = 'strip_matching_host_port and strip_any_host_port can not be used together';
    report({ path: ['strip_any_host_port'], at: 'key', message });
  }
  if ((config.originalIpDetectionExtensions ?? []).length === 0) return;
  const other = config.useRemoteAddress ? 'use_remote_address' : config.xffNumTrustedHops ? 'xff_num_trusted_hops' : '';
  if (other === '') return;
  const message = `Original IP detection extensions and ${other} may not be mixed`;
  report({ path: ['original_ip_detection_extensions'], at: 'key', message });
}

/** A connection manager with all defaults filled in. */
export type HttpConnectionManagerConfig = z.output<typeof httpConnectionManagerSchema>;

/** An HTTP filter of a connection manager. */
export type HttpFilterConfig = ResolvedExtension & { readonly disabled: boolean };
