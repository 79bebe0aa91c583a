import { describe, it } from 'vitest';
import { address, cidrRange, node, regexMatcher, stringMatcher, tcpKeepalive } from './common.ts';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';

const unsupported = (reason: string) => `known to Envoy, not supported here: ${reason}`;

const accepted: readonly Accepted[] = [
  ['StringMatcher', stringMatcher, () => ({ exact: '' }), { exact: '', ignoreCase: false }],
  ['CidrRange', cidrRange, () => ({ address_prefix: '::1', prefix_len: 128 }), {}],
  ['TcpKeepalive', tcpKeepalive, () => ({ keepalive_time: 5 }), { keepaliveTime: 5 }],
  ['Node', node, () => ({}), { id: '', cluster: '', metadata: {} }],
];

const refused: readonly Refused[] = [
  [
    'ignore_case',
    stringMatcher,
    () => ({ safe_regex: { regex: 'a' }, ignore_case: true }),
    'ignore_case: ignore_case has no effect for safe_regex. (write (?i) at the start of the regex)',
  ],
  ['empty prefix', stringMatcher, () => ({ prefix: '' }), 'prefix: expected a non-empty string, got ""'],
  [
    'program size',
    regexMatcher,
    () => ({ regex: 'a', google_re2: { max_program_size: 1 } }),
    `google_re2: ${unsupported('program sizes are meaningless for the regular expressions used here')}`,
  ],
  [
    'port',
    address,
    () => ({ socket_address: { address: '::', port_value: 65536 } }),
    'socket_address.port_value: expected a whole number from 0 to 65535, got 65536',
  ],
  ['no port', address, () => ({ socket_address: { address: '::' } }), 'socket_address: needs one of port_value'],
  [
    'UDP',
    address,
    () => ({ socket_address: { protocol: 'UDP', address: '::', port_value: 1 } }),
    `socket_address.protocol: UDP is ${unsupported('UDP is not built yet')}`,
  ],
  [
    'range',
    cidrRange,
    () => ({ address_prefix: '10.0.0.0', prefix_len: 33 }),
    'prefix_len: expected at most 32 for an IPv4 range, got 33',
  ],
  ['range of a name', cidrRange, () => ({ address_prefix: 'local' }), 'address_prefix: malformed IP address: local'],
  [
    'keep-alive probes',
    tcpKeepalive,
    () => ({ keepalive_probes: 3 }),
    `keepalive_probes: ${unsupported('Node.js can only set the time before the first probe')}`,
  ],
];

describe('common schemas', () => {
  it.each(accepted)('%s: the valid minimum is accepted', (_, schema, value, part) =>
    expectAccepted(schema, value(), part),
  );

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});
