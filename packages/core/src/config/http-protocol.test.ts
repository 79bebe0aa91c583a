import { describe, it } from 'vitest';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { http1ProtocolOptions, httpProtocolOptions } from './http-protocol.ts';

const unsupported = (reason: string) => `known to Envoy, not supported here: ${reason}`;
const preserving = {
  name: 'preserve_case',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig',
  },
};
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
    'use_balsa_parser',
    http1ProtocolOptions,
    () => ({ use_balsa_parser: true }),
    `use_balsa_parser: ${unsupported('there is one HTTP/1 parser here')}`,
  ],
  [
    'an empty format',
    http1ProtocolOptions,
    () => ({ header_key_format: {} }),
    'header_key_format: needs one of proper_case_words, stateful_formatter',
  ],
  [
    'two formats',
    http1ProtocolOptions,
    () => ({ header_key_format: { proper_case_words: {}, stateful_formatter: preserving } }),
    'header_key_format.stateful_formatter: only one of proper_case_words, stateful_formatter may be given',
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
