import { describe, it } from 'vitest';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { httpConnectionManagerSchema } from './http-connection-manager.ts';

function manager(more: object): object {
  return { stat_prefix: 's', route_config: {}, ...more };
}
const xds = 'xDS is not built yet';
const http2 = 'HTTP/2 is not built yet';
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
  ['no routes', httpConnectionManagerSchema, () => ({ stat_prefix: 's' }), 'needs one of route_config'],
  ['rds', httpConnectionManagerSchema, () => ({ stat_prefix: 's', rds: {} }), `rds: ${unsupported(xds)}`],
  [
    'HTTP2',
    httpConnectionManagerSchema,
    () => manager({ codec_type: 'HTTP2' }),
    `codec_type: HTTP2 is ${unsupported(http2)}`,
  ],
  [
    'drain_timeout',
    httpConnectionManagerSchema,
    () => manager({ drain_timeout: '1s' }),
    `drain_timeout: ${unsupported('for HTTP/2, which is not built yet')}`,
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
    'access log',
    httpConnectionManagerSchema,
    () => manager({ access_log: [{ name: 'a' }] }),
    `access_log: ${unsupported('access logs are not built yet')}`,
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
