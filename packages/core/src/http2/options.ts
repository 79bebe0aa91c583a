/** Settings of the HTTP/2 codec (Envoy's `Http2ProtocolOptions` and the limits around it). */

/** Most bytes and fields of one head; fields that are dropped later count too, and so does each cookie crumb. */
export interface Http2HeadLimits {
  readonly maxBytes: number;
  readonly maxFields: number;
}

/** Settings of one side of HTTP/2. */
export interface Http2Options {
  readonly limits: Http2HeadLimits;
  /** `hpack_table_size`; default 4096. */
  readonly hpackTableSizeBytes: number;
  /** `max_concurrent_streams`: what the peer may open here; towards an upstream, most streams of a connection. */
  readonly maxConcurrentStreams: number;
  /** `initial_stream_window_size`: what the peer may send on a stream before this side has taken it up. */
  readonly initialStreamWindowBytes: number;
  /** `initial_connection_window_size`. */
  readonly initialConnectionWindowBytes: number;
  /** `allow_connect`: extended CONNECT (RFC 8441); default false. */
  readonly allowConnect: boolean;
  /** `max_outbound_frames`; default 10 000. Beyond it the connection is closed. */
  readonly maxOutboundFrames: number;
  /** `max_outbound_control_frames` (PING, SETTINGS, RST_STREAM); default 1000. */
  readonly maxOutboundControlFrames: number;
  /** `max_consecutive_inbound_frames_with_empty_payload`; default 1. */
  readonly maxConsecutiveInboundFramesWithEmptyPayload: number;
  /** `max_inbound_priority_frames_per_stream`; default 100: n × (1 + streams opened). */
  readonly maxInboundPriorityFramesPerStream: number;
  /** `max_inbound_window_update_frames_per_data_frame_sent`; default 10: 5 + 2 × (streams opened + n × DATA frames sent). */
  readonly maxInboundWindowUpdateFramesPerDataFrameSent: number;
  /** A message that is not HTTP ends its stream instead of the connection (`override_stream_error_on_invalid_http_message`). */
  readonly streamErrorOnInvalidMessage: boolean;
  /** `connection_keepalive`; `undefined` sends no PINGs. */
  readonly keepalive: Http2Keepalive | undefined;
  /** `custom_settings_parameters`: sent as they are. */
  readonly customSettings: readonly { readonly id: number; readonly value: number }[];
  /** `headers_with_underscores_action`, downstream. */
  readonly underscores: 'ALLOW' | 'REJECT_REQUEST' | 'DROP_HEADER';
  /** Bytes queued for a stream beyond its window above which its source is paused. */
  readonly bufferLimitBytes: number;
  /** Premature resets (`overload.premature_reset_total_stream_count`, default 500): a connection that has opened so many
   * streams, and at least half of them were reset early by the client, is closed. */
  readonly prematureResetStreamCount: number;
  /** A stream that is reset before it has lived so long was reset early (`…_min_stream_lifetime_seconds`, default 1 s). */
  readonly prematureResetLifetimeMs: number;
}

/** Envoy `KeepaliveSettings`. */
export interface Http2Keepalive {
  /** 0 sends none at intervals. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Default 15. */
  readonly intervalJitterPercent: number;
  /** A connection that has been idle this long is pinged before a stream is opened; 0 never. */
  readonly connectionIdleIntervalMs: number;
}

/**
 * Envoy's defaults, but for the windows: theirs (16 MiB, 24 MiB) let one slow reader hold that much here. These keep the
 * promise of 128 KiB per stream.
 */
export const DEFAULT_HTTP2_OPTIONS: Http2Options = Object.freeze({
  limits: Object.freeze({ maxBytes: 60 * 1024, maxFields: 100 }),
  hpackTableSizeBytes: 4096,
  maxConcurrentStreams: 1024,
  initialStreamWindowBytes: 128 * 1024,
  initialConnectionWindowBytes: 1024 * 1024,
  allowConnect: false,
  maxOutboundFrames: 10_000,
  maxOutboundControlFrames: 1000,
  maxConsecutiveInboundFramesWithEmptyPayload: 1,
  maxInboundPriorityFramesPerStream: 100,
  maxInboundWindowUpdateFramesPerDataFrameSent: 10,
  streamErrorOnInvalidMessage: false,
  keepalive: undefined,
  customSettings: Object.freeze([]),
  underscores: 'ALLOW',
  bufferLimitBytes: 32 * 1024,
  prematureResetStreamCount: 500,
  prematureResetLifetimeMs: 1000,
});
