import { describe, it } from 'vitest';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { http1ProtocolOptions, httpProtocolOptions } from './http-protocol.ts';

const unsupported = (reason: string) => `known to Envoy, not supported here: ${reason}`;
const host = 'a host: ASCII without spaces and control characters';

const accepted: readonly Accepted[] = [
  [
    'HttpProtocolOptions',
    httpProtocolOptions,
    () => ({ idle_timeout: '0s' }),
    { idleTimeoutMs: 0, headersWithUnderscoresAction: 'ALLOW' },
  ],
  ['Http1ProtocolOptions', http1ProtocolOptions, () => ({ allow_absolute_url: true }), { acceptHttp10: false }],
];

const refused: readonly Refused[] = [
  [
    'absolute URLs',
    http1ProtocolOptions,
    () => ({ allow_absolute_url: false }),
    `allow_absolute_url: false is ${unsupported('absolute URLs are always understood')}`,
  ],
  [
    'HTTP/1.0 host',
    http1ProtocolOptions,
    () => ({ default_host_for_http_10: 'a b' }),
    `default_host_for_http_10: expected ${host}, got "a b"`,
  ],
];

describe('HTTP protocol options', () => {
  it.each(accepted)('%s: the valid minimum is accepted', (_, schema, value, part) =>
    expectAccepted(schema, value(), part),
  );

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});
