import { describe, it } from 'vitest';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { httpConnectionManagerSchema } from './http-connection-manager.ts';

function manager(more: object): object {
  return { stat_prefix: 's', route_config: {}, ...more };
}
function xff(more: object): object {
  const type = 'type.googleapis.com/envoy.extensions.http.original_ip_detection.xff.v3.XffConfig';
  return { name: 'x', typed_config: { '@type': type, ...more } };
}
const xds = 'xDS is not built yet';
const unsupported = (reason: string) => `known to Envoy, not supported here: ${reason}`;

const accepted: readonly Accepted[] = [
  [
    'HttpConnectionManager',
    httpConnectionManagerSchema,
    () => manager({}),
    {
      codecType: 'AUTO',
      serverName: 'envoy',
      maxRequestHeadersKb: 60,
      streamIdleTimeoutMs: 300_000,
      delayedCloseTimeoutMs: 1000,
      generateRequestId: true,
      commonHttpProtocolOptions: { idleTimeoutMs: 3_600_000, maxHeadersCount: 100 },
    },
  ],
];

const refused: readonly Refused[] = [
  ['no routes', httpConnectionManagerSchema, () => ({ stat_prefix: 's' }), 'needs one of route_config, scoped_routes'],
  ['rds', httpConnectionManagerSchema, () => ({ stat_prefix: 's', rds: {} }), `rds: ${unsupported(xds)}`],
  [
    'HTTP3',
    httpConnectionManagerSchema,
    () => manager({ codec_type: 'HTTP3' }),
    `codec_type: HTTP3 is ${unsupported('HTTP/3 is not built yet')}`,
  ],
  [
    'detection beside use_remote_address',
    httpConnectionManagerSchema,
    () => manager({ use_remote_address: true, original_ip_detection_extensions: [xff({})] }),
    'original_ip_detection_extensions: Original IP detection extensions and use_remote_address may not be mixed',
  ],
  [
    'detection beside xff_num_trusted_hops',
    httpConnectionManagerSchema,
    () => manager({ xff_num_trusted_hops: 1, original_ip_detection_extensions: [xff({})] }),
    'original_ip_detection_extensions: Original IP detection extensions and xff_num_trusted_hops may not be mixed',
  ],
  [
    'hops and trusted ranges',
    httpConnectionManagerSchema,
    () => manager({ original_ip_detection_extensions: [xff({ xff_num_trusted_hops: 1, xff_trusted_cidrs: {} })] }),
    'original_ip_detection_extensions.0.typed_config.xff_trusted_cidrs: Cannot set both xff_num_trusted_hops and xff_trusted_cidrs',
  ],
  [
    'scheme',
    httpConnectionManagerSchema,
    () => manager({ scheme_header_transformation: { scheme_to_overwrite: 'ftp' } }),
    'scheme_header_transformation.scheme_to_overwrite: expected one of http, https, got "ftp"',
  ],
  [
    'match_upstream',
    httpConnectionManagerSchema,
    () => manager({ scheme_header_transformation: { match_upstream: true } }),
    `scheme_header_transformation.match_upstream: true is ${unsupported('not built yet: the scheme stays that of the client')}`,
  ],
  [
    'two proxy names',
    httpConnectionManagerSchema,
    () => manager({ proxy_status_config: { use_node_id: true, literal_proxy_name: 'a' } }),
    'proxy_status_config.literal_proxy_name: only one of use_node_id, literal_proxy_name may be given',
  ],
  [
    'an upgrade that comes twice',
    httpConnectionManagerSchema,
    () => manager({ upgrade_configs: [{ upgrade_type: 'websocket' }, { upgrade_type: 'WebSocket' }] }),
    "upgrade_configs.1.upgrade_type: Error: multiple upgrade configs with the same name: 'WebSocket'",
  ],
  [
    'both strips',
    httpConnectionManagerSchema,
    () => manager({ strip_any_host_port: true, strip_matching_host_port: true }),
    'strip_any_host_port: strip_matching_host_port and strip_any_host_port can not be used together',
  ],
  [
    'server_name',
    httpConnectionManagerSchema,
    () => manager({ server_name: 'a\r\nb: c' }),
    'server_name: expected printable ASCII text, got "a\\r\\nb: c"',
  ],
  ['via', httpConnectionManagerSchema, () => manager({ via: 'é' }), 'via: expected printable ASCII text, got "é"'],
  [
    'header kilobytes',
    httpConnectionManagerSchema,
    () => manager({ max_request_headers_kb: 8193 }),
    'max_request_headers_kb: expected a whole number from 1 to 8192, got 8193',
  ],
  [
    'access log options in their old and their new place',
    httpConnectionManagerSchema,
    () => manager({ access_log_options: {}, flush_access_log_on_new_request: true }),
    'flush_access_log_on_new_request: Only one of flush_access_log_on_new_request or access_log_options can be specified.',
  ],
];

describe('httpConnectionManagerSchema', () => {
  it.each(accepted)('%s: the valid minimum is accepted', (_, schema, value, part) =>
    expectAccepted(schema, value(), part),
  );

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});
