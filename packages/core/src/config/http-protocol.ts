/** HTTP protocol options, used by the connection manager and by clusters. */
import type { z } from 'zod';
import { hostText, stringMatcher } from './common.ts';
import { message, required, withDefault } from './message.ts';
import { bool, duration, enumOf, list, only, percent, uint32 } from './proto-json.ts';
import type { Report } from './schema-type.ts';
import { typedExtension } from './typed-extension.ts';

/** Envoy `HttpProtocolOptions`. Timeouts of 0 are off; an absent one has no limit, except `idle_timeout` (1 h). */
export const httpProtocolOptions = message(
  {
    idle_timeout: withDefault(duration(), 3_600_000),
    max_connection_duration: duration(),
    max_headers_count: withDefault(uint32({ min: 1 }), 100),
    max_stream_duration: duration(),
    headers_with_underscores_action: withDefault(enumOf(['ALLOW', 'REJECT_REQUEST', 'DROP_HEADER']), 'ALLOW'),
    max_requests_per_connection: withDefault(uint32(), 0),
    max_connection_duration_jitter: percent,
    /** Of upstream responses; Envoy ignores it downstream. */
    max_response_headers_kb: uint32({ min: 1, max: 8192 }),
  },
  { name: 'envoy.config.core.v3.HttpProtocolOptions' },
);

/** Canonical name of the formatter that keeps the case of header names. */
const preserveCaseName = 'envoy.http.stateful_header_formatters.preserve_case';

const preserveCase = message(
  {
    forward_reason_phrase: withDefault(bool(), false),
    formatter_type_on_envoy_headers: withDefault(enumOf(['DEFAULT', 'PROPER_CASE']), 'DEFAULT'),
  },
  { name: 'envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig' },
);

const headerKeyFormat = message(
  {
    proper_case_words: message(
      {},
      { name: 'envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat.ProperCaseWords' },
    ),
    stateful_formatter: typedExtension('envoy.config.core.v3.TypedExtensionConfig', [
      { name: preserveCaseName, schema: preserveCase as never },
    ]),
  },
  {
    name: 'envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat',
    oneofs: [{ fields: ['proper_case_words', 'stateful_formatter'], required: true }],
  },
);

/** Envoy `Http1ProtocolOptions`. */
export const http1ProtocolOptions = message(
  {
    allow_absolute_url: withDefault(bool(), true),
    accept_http_10: withDefault(bool(), false),
    default_host_for_http_10: withDefault(hostText(), ''),
    enable_trailers: withDefault(bool(), false),
    allow_chunked_length: withDefault(bool(), false),
    header_key_format: headerKeyFormat,
    override_stream_error_on_invalid_http_message: bool(),
    send_fully_qualified_url: withDefault(bool(), false),
    allow_custom_methods: withDefault(bool(), false),
    ignore_http_11_upgrade: list(stringMatcher),
  },
  {
    name: 'envoy.config.core.v3.Http1ProtocolOptions',
    known: { use_balsa_parser: 'there is one HTTP/1 parser here' },
  },
);

/** Options of the HTTP/1 codec with all defaults filled in. */
export type Http1ProtocolConfig = z.output<typeof http1ProtocolOptions>;

/** Envoy `KeepaliveSettings`. */
const keepaliveSettings = message(
  {
    interval: duration({ minMs: 1 }),
    timeout: required(duration({ minMs: 1 })),
    /** Default 15 %. */
    interval_jitter: percent,
    connection_idle_interval: duration({ minMs: 1 }),
  },
  { name: 'envoy.config.core.v3.KeepaliveSettings' },
);

const settingsParameter = message(
  { identifier: required(uint32({ max: 65_535 })), value: required(uint32()) },
  { name: 'envoy.config.core.v3.Http2ProtocolOptions.SettingsParameter' },
);

const LARGEST = 0x7fff_ffff;
const metadataReason = 'METADATA frames are an extension that only Envoy speaks';

/**
 * Envoy `Http2ProtocolOptions`, of the connection manager and of clusters. What is absent has the value that
 * `http2/options` gives it.
 */
export const http2ProtocolOptions = message(
  {
    hpack_table_size: uint32(),
    max_concurrent_streams: uint32({ min: 1, max: LARGEST }),
    initial_stream_window_size: uint32({ min: 65_535, max: LARGEST }),
    initial_connection_window_size: uint32({ min: 65_535, max: LARGEST }),
    allow_connect: withDefault(bool(), false),
    allow_metadata: withDefault(only(bool(), false, metadataReason), false),
    max_outbound_frames: uint32({ min: 1 }),
    max_outbound_control_frames: uint32({ min: 1 }),
    max_consecutive_inbound_frames_with_empty_payload: uint32(),
    max_inbound_priority_frames_per_stream: uint32(),
    max_inbound_window_update_frames_per_data_frame_sent: uint32({ min: 1 }),
    /** Deprecated; `override_stream_error_on_invalid_http_message` comes first. */
    stream_error_on_invalid_http_messaging: withDefault(bool(), false),
    override_stream_error_on_invalid_http_message: bool(),
    custom_settings_parameters: list(settingsParameter),
    connection_keepalive: keepaliveSettings,
  },
  {
    name: 'envoy.config.core.v3.Http2ProtocolOptions',
    known: {
      use_oghttp2_codec: 'there is one HTTP/2 codec here',
      max_metadata_size: metadataReason,
      max_header_field_size_kb: 'the limit of a whole head holds for each of its fields',
      enable_huffman_encoding: 'the encoder chooses the shorter form',
    },
    check: checkCustomSettings,
  },
);

/** Options of the HTTP/2 codec as configured. */
export type Http2ProtocolConfig = z.output<typeof http2ProtocolOptions>;

/** Identifiers of RFC 9113 6.5.2. */
export const SETTING = {
  hpackTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  enableConnectProtocol: 8,
} as const;

interface CustomSettings {
  readonly hpackTableSize?: number | undefined;
  readonly maxConcurrentStreams?: number | undefined;
  readonly initialStreamWindowSize?: number | undefined;
  readonly customSettingsParameters?:
    | readonly ({ readonly identifier?: number | undefined; readonly value?: number | undefined } | undefined)[]
    | undefined;
}

/** Envoy's rules, in its words. */
function checkCustomSettings(config: CustomSettings, report: Report): void {
  const named = new Map([
    [SETTING.hpackTableSize as number, ['hpack_table_size', config.hpackTableSize] as const],
    [SETTING.maxConcurrentStreams, ['max_concurrent_streams', config.maxConcurrentStreams] as const],
    [SETTING.initialWindowSize, ['initial_stream_window_size', config.initialStreamWindowSize] as const],
  ]);
  const values = new Map<number, number>();
  for (const [index, one] of (config.customSettingsParameters ?? []).entries()) {
    const { identifier = 0, value = 0 } = one ?? {};
    const refuse = (message: string) => report({ path: ['custom_settings_parameters', index], message });
    if ((values.get(identifier) ?? value) !== value) {
      const hex = identifier.toString(16).padStart(2, '0');
      refuse(`inconsistent HTTP/2 custom SETTINGS parameter(s) detected; identifiers = {0x${hex}}`);
    }
    values.set(identifier, value);
    const [name, given] = named.get(identifier) ?? ['', undefined];
    if (given !== undefined) {
      refuse(
        `the {${name}} HTTP/2 SETTINGS parameter(s) can not be configured through both named and custom parameters`,
      );
    }
    const wrong = wrongSetting(identifier, value);
    if (wrong !== undefined) refuse(wrong);
  }
}

function wrongSetting(identifier: number, value: number): string | undefined {
  if (identifier === SETTING.enableConnectProtocol) {
    return 'the "allow_connect" SETTINGS parameter must only be configured through the named field';
  }
  if (identifier === SETTING.enablePush && value !== 0) {
    return 'server push is not supported by Envoy and can not be enabled via a SETTINGS parameter.';
  }
  if (identifier === SETTING.maxFrameSize && value !== 16_384) {
    return 'known to Envoy, not supported here: frames of up to 16384 bytes are taken';
  }
  if (identifier === SETTING.initialWindowSize && value > LARGEST) return `must be at most ${LARGEST}`;
  return undefined;
}
