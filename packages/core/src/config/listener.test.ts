import { describe, it } from 'vitest';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { listenerSchema } from './listener.ts';

const socket = { socket_address: { address: '127.0.0.1', port_value: 80 } };
const chain = [{ filters: [] }];
const unsupported = (reason: string) => `known to Envoy, not supported here: ${reason}`;
const noIp =
  "malformed IP address: localhost. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'";

const accepted: readonly Accepted[] = [
  [
    'Listener',
    listenerSchema,
    () => ({ address: socket, filter_chains: chain }),
    { name: '', drainType: 'DEFAULT', bindToPort: true },
  ],
  [
    'Listener.pipe',
    listenerSchema,
    () => ({ address: { pipe: { path: '@abstract' } }, filter_chains: chain }),
    { address: { pipe: { path: '@abstract', mode: 0 } } },
  ],
  ['Listener.default_filter_chain', listenerSchema, () => ({ address: socket, default_filter_chain: chain[0] }), {}],
];

const refused: readonly Refused[] = [
  [
    'no chains',
    listenerSchema,
    () => ({ name: 'l', address: socket }),
    "error adding listener 'l': no filter chains specified",
  ],
  ['no address', listenerSchema, () => ({ filter_chains: chain }), 'address: is required'],
  [
    'two chains',
    listenerSchema,
    () => ({ address: socket, filter_chains: [...chain, ...chain] }),
    `filter_chains.1: a second filter chain is ${unsupported('one filter chain per listener is built, matching all connections')}`,
  ],
  [
    'chain match',
    listenerSchema,
    () => ({ address: socket, filter_chains: [{ filter_chain_match: { server_names: ['a'] } }] }),
    `filter_chains.0.filter_chain_match: ${unsupported('one filter chain per listener is built, matching all connections')}`,
  ],
  [
    'additional address',
    listenerSchema,
    () => ({
      address: socket,
      additional_addresses: [{ address: { socket_address: { address: 'localhost', port_value: 1 } } }],
      filter_chains: chain,
    }),
    `additional_addresses.0.address.socket_address.address: ${noIp}`,
  ],
  [
    'buffer limit',
    listenerSchema,
    () => ({ address: socket, filter_chains: chain, per_connection_buffer_limit_bytes: 0 }),
    'per_connection_buffer_limit_bytes: expected a whole number from 1 to 4294967295, got 0',
  ],
  [
    'bind_to_port',
    listenerSchema,
    () => ({ address: socket, filter_chains: chain, bind_to_port: false }),
    `bind_to_port: false is ${unsupported('a listener is reached by its port only')}`,
  ],
];

describe('listenerSchema', () => {
  it.each(accepted)('%s: the valid minimum is accepted', (_, schema, value, part) =>
    expectAccepted(schema, value(), part),
  );

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});
