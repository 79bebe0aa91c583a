/** HTTP protocol options, used by the connection manager and by clusters. */
import { hostText } from './common.ts';
import { fields, message, withDefault } from './message.ts';
import { bool, duration, enumOf, only, uint32 } from './proto-json.ts';

/** Envoy `HttpProtocolOptions`. Timeouts of 0 are off; an absent one has no limit, except `idle_timeout` (1 h). */
export const httpProtocolOptions = message(
  {
    idle_timeout: withDefault(duration(), 3_600_000),
    max_connection_duration: duration(),
    max_headers_count: withDefault(uint32({ min: 1 }), 100),
    max_stream_duration: duration(),
    headers_with_underscores_action: withDefault(enumOf(['ALLOW', 'REJECT_REQUEST', 'DROP_HEADER']), 'ALLOW'),
    max_requests_per_connection: withDefault(uint32(), 0),
  },
  {
    name: 'envoy.config.core.v3.HttpProtocolOptions',
    known: {
      max_connection_duration_jitter: 'not built yet',
      max_response_headers_kb: 'not built yet',
    },
  },
);

/** Envoy `Http1ProtocolOptions`. */
export const http1ProtocolOptions = message(
  {
    allow_absolute_url: withDefault(only(bool(), true, 'absolute URLs are always understood'), true),
    accept_http_10: withDefault(bool(), false),
    default_host_for_http_10: withDefault(hostText(), ''),
    enable_trailers: withDefault(bool(), false),
    allow_chunked_length: withDefault(bool(), false),
  },
  {
    name: 'envoy.config.core.v3.Http1ProtocolOptions',
    known: {
      header_key_format: 'header names are written in lower case',
      use_balsa_parser: 'there is one HTTP/1 parser here',
      ...fields(
        'override_stream_error_on_invalid_http_message send_fully_qualified_url allow_custom_methods ignore_http_11_upgrade',
        'not built yet',
      ),
    },
  },
);
