/** HTTP/2 options of the config → options of the codecs. */
import type { Runtime } from '../api/runtime.ts';
import { DEFAULT_HTTP2_OPTIONS, type Http2Keepalive, type Http2Options } from '../http2/options.ts';
import { type Http2ProtocolConfig, SETTING } from './http-protocol.ts';

/** What the codec takes from elsewhere than `http2_protocol_options`. */
export interface Http2Context {
  readonly limits: Http2Options['limits'];
  readonly underscores?: Http2Options['underscores'];
  /** `stream_error_on_invalid_http_message` of the connection manager. */
  readonly streamErrorOnInvalidMessage?: boolean | undefined;
  /** `per_connection_buffer_limit_bytes` of the listener or the cluster. */
  readonly bufferLimitBytes?: number;
  /** Asked for the limits of premature resets whenever a stream is reset. */
  readonly runtime?: Runtime | undefined;
}

const DEFAULT_JITTER_PERCENT = 15;
const LIFETIME_SECONDS = DEFAULT_HTTP2_OPTIONS.prematureResetLifetimeMs / 1000;

/** What an HTTP/2 codec, of either side, runs on. */
export function http2Options(config: Http2ProtocolConfig | undefined, context: Http2Context): Http2Options {
  const standard = DEFAULT_HTTP2_OPTIONS;
  const custom = new Map(config?.customSettingsParameters.map(({ identifier, value }) => [identifier, value]));
  const integer = (key: string, fallback: number) => context.runtime?.integer(key, fallback) ?? fallback;
  return {
    limits: context.limits,
    hpackTableSizeBytes: config?.hpackTableSize ?? custom.get(SETTING.hpackTableSize) ?? standard.hpackTableSizeBytes,
    maxConcurrentStreams:
      config?.maxConcurrentStreams ?? custom.get(SETTING.maxConcurrentStreams) ?? standard.maxConcurrentStreams,
    initialStreamWindowBytes:
      config?.initialStreamWindowSize ?? custom.get(SETTING.initialWindowSize) ?? standard.initialStreamWindowBytes,
    initialConnectionWindowBytes: config?.initialConnectionWindowSize ?? standard.initialConnectionWindowBytes,
    allowConnect: config?.allowConnect ?? standard.allowConnect,
    ...floodLimits(config),
    streamErrorOnInvalidMessage:
      config?.overrideStreamErrorOnInvalidHttpMessage ??
      context.streamErrorOnInvalidMessage ??
      config?.streamErrorOnInvalidHttpMessaging ??
      standard.streamErrorOnInvalidMessage,
    keepalive: keepalive(config),
    // Those with a meaning of their own have been taken up above.
    customSettings: [...custom].filter(([id]) => !OWN.has(id)).map(([id, value]) => ({ id, value })),
    underscores: context.underscores ?? standard.underscores,
    bufferLimitBytes: context.bufferLimitBytes ?? standard.bufferLimitBytes,
    get prematureResetStreamCount() {
      return integer('overload.premature_reset_total_stream_count', standard.prematureResetStreamCount);
    },
    get prematureResetLifetimeMs() {
      return 1000 * integer('overload.premature_reset_min_stream_lifetime_seconds', LIFETIME_SECONDS);
    },
  };
}

const OWN: ReadonlySet<number> = new Set(Object.values(SETTING));

function floodLimits(config: Http2ProtocolConfig | undefined) {
  const standard = DEFAULT_HTTP2_OPTIONS;
  return {
    maxOutboundFrames: config?.maxOutboundFrames ?? standard.maxOutboundFrames,
    maxOutboundControlFrames: config?.maxOutboundControlFrames ?? standard.maxOutboundControlFrames,
    maxConsecutiveInboundFramesWithEmptyPayload:
      config?.maxConsecutiveInboundFramesWithEmptyPayload ?? standard.maxConsecutiveInboundFramesWithEmptyPayload,
    maxInboundPriorityFramesPerStream:
      config?.maxInboundPriorityFramesPerStream ?? standard.maxInboundPriorityFramesPerStream,
    maxInboundWindowUpdateFramesPerDataFrameSent:
      config?.maxInboundWindowUpdateFramesPerDataFrameSent ?? standard.maxInboundWindowUpdateFramesPerDataFrameSent,
  };
}

function keepalive(config: Http2ProtocolConfig | undefined): Http2Keepalive | undefined {
  const given = config?.connectionKeepalive;
  if (given === undefined) return undefined;
  return {
    intervalMs: given.intervalMs ?? 0,
    timeoutMs: given.timeoutMs,
    intervalJitterPercent: given.intervalJitter?.value ?? DEFAULT_JITTER_PERCENT,
    connectionIdleIntervalMs: given.connectionIdleIntervalMs ?? 0,
  };
}
