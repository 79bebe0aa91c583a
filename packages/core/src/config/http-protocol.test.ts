import { describe, expect, it } from 'vitest';
import { DEFAULT_HTTP2_OPTIONS } from '../http2/options.ts';
import { http2Options } from './build-http2.ts';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { http1ProtocolOptions, http2ProtocolOptions, httpProtocolOptions } from './http-protocol.ts';

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
  ...http2(
    'allow_metadata: true is known to Envoy, not supported here: METADATA frames are an extension that only Envoy speaks',
    { allow_metadata: true },
  ),
  ...http2(`use_oghttp2_codec: ${unsupported('there is one HTTP/2 codec here')}`, { use_oghttp2_codec: true }),
  ...http2('max_concurrent_streams: expected a whole number from 1 to 2147483647, got 0', {
    max_concurrent_streams: 0,
  }),
  ...http2('initial_stream_window_size: expected a whole number from 65535 to 2147483647, got 65534', {
    initial_stream_window_size: 65_534,
  }),
  ...http2('initial_connection_window_size: expected a whole number from 65535 to 2147483647, got 2147483648', {
    initial_connection_window_size: 2 ** 31,
  }),
  ...http2('max_outbound_frames: expected a whole number from 1 to 4294967295, got 0', { max_outbound_frames: 0 }),
  ...http2('connection_keepalive.timeout: is required', { connection_keepalive: { interval: '1s' } }),
  ...http2('connection_keepalive.interval: must be at least 0.001s, got 0s', {
    connection_keepalive: { interval: '0s', timeout: '1s' },
  }),
  ...http2('custom_settings_parameters.0.identifier: expected a whole number from 0 to 65535, got 65536', {
    custom_settings_parameters: [{ identifier: 65_536, value: 1 }],
  }),
  ...http2(
    'custom_settings_parameters.0: the {max_concurrent_streams} HTTP/2 SETTINGS parameter(s) can not be configured through both named and custom parameters',
    { max_concurrent_streams: 5, custom_settings_parameters: [{ identifier: 3, value: 5 }] },
  ),
  ...http2(
    'custom_settings_parameters.0: server push is not supported by Envoy and can not be enabled via a SETTINGS parameter.',
    { custom_settings_parameters: [{ identifier: 2, value: 1 }] },
  ),
  ...http2(
    'custom_settings_parameters.0: the "allow_connect" SETTINGS parameter must only be configured through the named field',
    { custom_settings_parameters: [{ identifier: 8, value: 1 }] },
  ),
  ...http2(
    'custom_settings_parameters.1: inconsistent HTTP/2 custom SETTINGS parameter(s) detected; identifiers = {0x4d}',
    {
      custom_settings_parameters: [
        { identifier: 77, value: 1 },
        { identifier: 77, value: 2 },
      ],
    },
  ),
];

function http2(message: string, value: object): Refused[] {
  return [[message.slice(0, message.indexOf(':')), http2ProtocolOptions, () => value, message]];
}

describe('HTTP protocol options', () => {
  it.each(accepted)('%s: the valid minimum is accepted', (_, schema, value, part) =>
    expectAccepted(schema, value(), part),
  );

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});

describe('http2Options', () => {
  const { limits } = DEFAULT_HTTP2_OPTIONS;
  const built = (written: object, more: object = {}) =>
    http2Options(http2ProtocolOptions.parse(written), { limits, ...more });

  it('gives the defaults', () => {
    expect(built({})).toEqual(DEFAULT_HTTP2_OPTIONS);
    expect(http2Options(undefined, { limits })).toEqual(DEFAULT_HTTP2_OPTIONS);
  });

  it('takes up what is written', () => {
    const written = {
      hpack_table_size: 0,
      max_concurrent_streams: 7,
      initial_stream_window_size: 70_000,
      initial_connection_window_size: 80_000,
      allow_connect: true,
      max_outbound_frames: 1,
      max_outbound_control_frames: 2,
      max_consecutive_inbound_frames_with_empty_payload: 3,
      max_inbound_priority_frames_per_stream: 4,
      max_inbound_window_update_frames_per_data_frame_sent: 5,
      connection_keepalive: { interval: '1s', timeout: '2s', connection_idle_interval: '3s' },
    };
    expect(built(written)).toEqual({
      ...DEFAULT_HTTP2_OPTIONS,
      hpackTableSizeBytes: 0,
      maxConcurrentStreams: 7,
      initialStreamWindowBytes: 70_000,
      initialConnectionWindowBytes: 80_000,
      allowConnect: true,
      maxOutboundFrames: 1,
      maxOutboundControlFrames: 2,
      maxConsecutiveInboundFramesWithEmptyPayload: 3,
      maxInboundPriorityFramesPerStream: 4,
      maxInboundWindowUpdateFramesPerDataFrameSent: 5,
      keepalive: { intervalMs: 1000, timeoutMs: 2000, intervalJitterPercent: 15, connectionIdleIntervalMs: 3000 },
    });
  });

  it('a custom parameter that has a name of its own counts as that', () => {
    const parameters = [
      { identifier: 1, value: 0 },
      { identifier: 3, value: 9 },
      { identifier: 4, value: 100 },
      { identifier: 77, value: 1 },
    ];
    expect(built({ custom_settings_parameters: parameters })).toMatchObject({
      hpackTableSizeBytes: 0,
      maxConcurrentStreams: 9,
      initialStreamWindowBytes: 100,
      customSettings: [{ id: 77, value: 1 }],
    });
  });

  it.each([
    [{}, undefined, false],
    [{}, true, true],
    [{ override_stream_error_on_invalid_http_message: false }, true, false],
    [{ stream_error_on_invalid_http_messaging: true }, undefined, true],
    [{ stream_error_on_invalid_http_messaging: true }, false, false],
  ])('%j under a manager that says %s: %s', (written, streamErrorOnInvalidMessage, result) => {
    expect(built(written, { streamErrorOnInvalidMessage }).streamErrorOnInvalidMessage).toBe(result);
  });

  it('asks the runtime for the limits of premature resets', () => {
    const keys: Record<string, number> = {
      'overload.premature_reset_total_stream_count': 9,
      'overload.premature_reset_min_stream_lifetime_seconds': 3,
    };
    const runtime = { integer: (key: string, other: number) => keys[key] ?? other };
    const options = built({}, { runtime });
    expect(options).toMatchObject({ prematureResetStreamCount: 9, prematureResetLifetimeMs: 3000 });
    keys['overload.premature_reset_total_stream_count'] = 7;
    expect(options.prematureResetStreamCount).toBe(7);
  });
});
