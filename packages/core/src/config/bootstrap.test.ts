import { describe, it } from 'vitest';
import { adminSchema } from './admin.ts';
import { bootstrapSchema } from './bootstrap.ts';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';

const socket = { socket_address: { address: '127.0.0.1', port_value: 80 } };
const xds = 'xDS is not built yet';
const tls = 'secrets by xDS (SDS) are not built yet; TLS contexts hold certificates inline or by file';
const unsupported = (reason: string) => `known to Envoy, not supported here: ${reason}`;
const noIp =
  "malformed IP address: localhost. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'";

const accepted: readonly Accepted[] = [
  [
    'Bootstrap',
    bootstrapSchema,
    () => ({}),
    { statsFlushIntervalMs: 5000, staticResources: { listeners: [], clusters: [] } },
  ],
  [
    'Bootstrap.node',
    bootstrapSchema,
    () => ({ node: { id: 'n', metadata: { a: 1 } } }),
    { node: { id: 'n', cluster: '', metadata: { a: 1 } } },
  ],
  [
    'Bootstrap.layered_runtime',
    bootstrapSchema,
    () => ({ layered_runtime: { layers: [{ name: 'admin', admin_layer: {} }] } }),
    {},
  ],
  [
    'Admin',
    adminSchema,
    () => ({ access_log_path: '/dev/null', address: socket, allow_paths: [{ prefix: '/stats' }] }),
    { accessLogPath: '/dev/null', profilePath: '/var/log/envoy/envoy.prof', ignoreGlobalConnLimit: false },
  ],
];

const refused: readonly Refused[] = [
  ['xDS', bootstrapSchema, () => ({ dynamic_resources: {} }), `dynamic_resources: ${unsupported(xds)}`],
  [
    'secrets',
    bootstrapSchema,
    () => ({ static_resources: { secrets: [] } }),
    `static_resources.secrets: ${unsupported(tls)}`,
  ],
  [
    'flush interval',
    bootstrapSchema,
    () => ({ stats_flush_interval: '300s' }),
    'stats_flush_interval: must be less than 300s, got 300s',
  ],
  [
    'flush interval',
    bootstrapSchema,
    () => ({ stats_flush_interval: '0.0001s' }),
    'stats_flush_interval: must be at least 0.001s, got 0.0001s',
  ],
  [
    'runtime values',
    bootstrapSchema,
    () => ({ layered_runtime: { layers: [{ name: 'a', static_layer: { x: null } }] } }),
    'layered_runtime.layers.0.static_layer.x: Invalid runtime entry value for x',
  ],
  [
    'socket options of the admin server',
    adminSchema,
    () => ({ socket_options: [{}] }),
    'socket_options: known to Envoy, not supported here: this socket option is not available in Node.js',
  ],
  [
    'admin address',
    adminSchema,
    () => ({ address: { socket_address: { address: 'localhost', port_value: 1 } } }),
    `address.socket_address.address: ${noIp}`,
  ],
];

describe('bootstrapSchema', () => {
  it.each(accepted)('%s: the valid minimum is accepted', (_, schema, value, part) =>
    expectAccepted(schema, value(), part),
  );

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});
