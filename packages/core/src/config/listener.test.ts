import { describe, it } from 'vitest';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { listenerSchema } from './listener.ts';

const socket = { socket_address: { address: '127.0.0.1', port_value: 80 } };
const chain = [{ filters: [] }];
const named = (name: string, match: object) => ({ name, filters: [], filter_chain_match: match });
const range = (address_prefix: string, prefix_len: number) => ({ prefix_ranges: [{ address_prefix, prefix_len }] });
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
  [
    'Listener.filter_chains, several',
    listenerSchema,
    () => ({
      address: socket,
      filter_chains: [named('a', { server_names: ['*.A.test'] }), named('a', { transport_protocol: 'foo' }), ...chain],
      default_filter_chain: named('d', { server_names: ['*.A.test'] }),
    }),
    {
      listenerFiltersTimeoutMs: 15_000,
      continueOnListenerFiltersTimeout: false,
      filterChains: [{ filterChainMatch: { serverNames: ['*.A.test'], sourceType: 'ANY' } }, {}, {}],
    },
  ],
  ['Listener.default_filter_chain', listenerSchema, () => ({ address: socket, default_filter_chain: chain[0] }), {}],
];

const refused: readonly Refused[] = [
  [
    'no chains',
    listenerSchema,
    () => ({ name: 'l', address: socket }),
    "error adding listener '127.0.0.1:80': no filter chains specified",
  ],
  ['no address', listenerSchema, () => ({ filter_chains: chain }), 'address: is required'],
  [
    'two chains that are the same',
    listenerSchema,
    () => ({ address: socket, filter_chains: [...chain, ...chain] }),
    "filter_chains.1: error adding listener '127.0.0.1:80': filter chain '' has the same matching rules defined as ''. duplicate matcher is: {}",
  ],
  [
    'two chains with the same match',
    listenerSchema,
    () => ({
      address: socket,
      filter_chains: [named('a', { server_names: ['a'] }), named('b', { server_names: ['a'] })],
    }),
    `filter_chains.1: error adding listener '127.0.0.1:80': filter chain 'b' has the same matching rules defined as 'a'. duplicate matcher is: {"server_names":["a"]}`,
  ],
  ...[
    [{ server_names: ['a', 'b'] }, { server_names: ['b'] }],
    [{ server_names: ['a'] }, { server_names: ['A'] }],
    [range('10.1.2.3', 8), range('10.0.0.0', 8)],
    [{ server_names: ['a', 'a'] }],
    [{ source_ports: [1, 2] }, { source_ports: [2] }],
  ].map(
    (matches): Refused => [
      `overlap ${JSON.stringify(matches)}`,
      listenerSchema,
      () => ({ address: socket, filter_chains: matches.map((match, index) => named(`c${index}`, match)) }),
      `filter_chains.${matches.length - 1}: error adding listener '127.0.0.1:80': multiple filter chains with overlapping matching rules are defined`,
    ],
  ),
  ...['www.*', '*', '*x.com'].map(
    (name): Refused => [
      `server name ${name}`,
      listenerSchema,
      () => ({ address: socket, filter_chains: [named('a', { server_names: ['ok', name] })] }),
      'filter_chains.0.filter_chain_match.server_names.1: partial wildcards are not supported in "server_names"',
    ],
  ),
  [
    'ports',
    listenerSchema,
    () => ({ address: socket, filter_chains: [named('a', { destination_port: 0, source_ports: [70000] })] }),
    'filter_chains.0.filter_chain_match.source_ports.0: expected a whole number from 1 to 65535, got 70000',
    'filter_chains.0.filter_chain_match.destination_port: expected a whole number from 1 to 65535, got 0',
  ],
  [
    'address_suffix',
    listenerSchema,
    () => ({ address: socket, filter_chains: [named('a', { address_suffix: '1.1.1.1' })] }),
    `filter_chains.0.filter_chain_match.address_suffix: ${unsupported('Envoy does not implement it either')}`,
  ],
  [
    'filter_disabled',
    listenerSchema,
    () => ({
      address: socket,
      filter_chains: chain,
      listener_filters: [
        { name: 'a', filter_disabled: {} },
        { name: 'b', filter_disabled: { any_match: false } },
        { name: 'c', filter_disabled: { or_match: { rules: [{ any_match: true }] } } },
      ],
    }),
    'listener_filters.0.filter_disabled: needs one of or_match, and_match, not_match, any_match, destination_port_range',
    `listener_filters.1.filter_disabled.any_match: false is ${unsupported('Envoy takes true only')}`,
    'listener_filters.2.filter_disabled.or_match.rules: needs at least 2 items, got a list',
  ],
  [
    'use_original_dst',
    listenerSchema,
    () => ({ address: socket, filter_chains: chain, use_original_dst: true }),
    `use_original_dst: true is ${unsupported('Node.js cannot ask for the address that a connection was redirected from')}`,
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
