/** HTTP protocol options, used by the connection manager and by clusters. */
import type { z } from 'zod';
import { hostText, stringMatcher } from './common.ts';
import { message, withDefault } from './message.ts';
import { bool, duration, enumOf, list, percent, uint32 } from './proto-json.ts';
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
