/** Envoy `config.tap.v3.TapConfig`: what is tapped, and where it goes. */
import type { z } from 'zod';
import type { HeaderMatcherSettings } from '../routing/settings.ts';
import { type Fields, type MessageInfo, message, required, withDefault } from './message.ts';
import {
  bool,
  bytes,
  duration,
  enumOf,
  list,
  nonEmpty,
  only,
  runtimeFractionalPercent,
  uint32,
  uint64,
} from './proto-json.ts';
import { headerMatcher } from './route-match.ts';
import type { ProtoType, Report } from './schema-type.ts';

/** Envoy `MatchPredicate`: exactly one is given. */
export interface TapMatchSettings {
  readonly orMatch?: { readonly rules: readonly TapMatchSettings[] };
  readonly andMatch?: { readonly rules: readonly TapMatchSettings[] };
  readonly notMatch?: TapMatchSettings;
  readonly anyMatch?: true;
  readonly httpRequestHeadersMatch?: TapHeadersSettings;
  readonly httpRequestTrailersMatch?: TapHeadersSettings;
  readonly httpResponseHeadersMatch?: TapHeadersSettings;
  readonly httpResponseTrailersMatch?: TapHeadersSettings;
  readonly httpRequestGenericBodyMatch?: TapBodySettings;
  readonly httpResponseGenericBodyMatch?: TapBodySettings;
}

/** All of them must hold. */
export interface TapHeadersSettings {
  readonly headers: readonly HeaderMatcherSettings[];
}

/** All of them must be found in the first `bytesLimit` bytes; 0 is no limit. */
export interface TapBodySettings {
  readonly bytesLimit: number;
  readonly patterns: readonly { readonly stringMatch?: string; readonly binaryMatch?: Uint8Array }[];
}

const COMMON = 'envoy.config.common.matcher.v3';
const TAP = 'envoy.config.tap.v3';

/** The message is there twice: `match_config` has one of its own of the same form. */
function matchPredicate(prefix: string): ProtoType<TapMatchSettings, MessageInfo> {
  const headersMatch = message({ headers: list(headerMatcher) }, { name: `${prefix}.HttpHeadersMatch` });
  const pattern = message(
    { string_match: nonEmpty(), binary_match: bytes() },
    {
      name: `${prefix}.HttpGenericBodyMatch.GenericTextMatch`,
      oneofs: [{ fields: ['string_match', 'binary_match'], required: true }],
      check({ binaryMatch }, report) {
        if (binaryMatch?.length === 0)
          report({ path: ['binary_match'], message: 'value length must be at least 1 bytes' });
      },
    },
  );
  const bodyMatch = message(
    { bytes_limit: withDefault(uint32(), 0), patterns: required(list(pattern, { min: 1 }).schema) },
    { name: `${prefix}.HttpGenericBodyMatch` },
  );
  // Getters, because sets and the negation lead back to the message.
  const fields: Fields = {
    get or_match(): z.ZodType {
      return set;
    },
    get and_match(): z.ZodType {
      return set;
    },
    get not_match(): z.ZodType {
      return predicate;
    },
    any_match: only(bool(), true, 'a match that never holds has no use'),
    http_request_headers_match: headersMatch,
    http_request_trailers_match: headersMatch,
    http_response_headers_match: headersMatch,
    http_response_trailers_match: headersMatch,
    http_request_generic_body_match: bodyMatch,
    http_response_generic_body_match: bodyMatch,
  };
  const predicate = message(fields, {
    name: `${prefix}.MatchPredicate`,
    oneofs: [{ fields: Object.keys(fields), required: true }],
  }) as unknown as ProtoType<TapMatchSettings, MessageInfo>;
  const set = message(
    { rules: required(list(predicate, { min: 2 }).schema) },
    { name: `${prefix}.MatchPredicate.MatchSet` },
  );
  return predicate;
}

const noProto = 'traces are written as JSON';

const sink = message(
  {
    format: withDefault(
      enumOf(['JSON_BODY_AS_BYTES', 'JSON_BODY_AS_STRING'], {
        PROTO_BINARY: { number: 2, reason: noProto },
        PROTO_BINARY_LENGTH_DELIMITED: { number: 3, reason: noProto },
        PROTO_TEXT: { number: 4, reason: noProto },
      }),
      'JSON_BODY_AS_BYTES',
    ),
    streaming_admin: message({}, { name: `${TAP}.StreamingAdminSink` }),
    buffered_admin: message(
      { max_traces: required(uint64({ min: 1 })), timeout: withDefault(duration(), 0) },
      { name: `${TAP}.BufferedAdminSink` },
    ),
    file_per_tap: message({ path_prefix: required(nonEmpty()) }, { name: `${TAP}.FilePerTapSink` }),
  },
  {
    name: `${TAP}.OutputSink`,
    known: {
      streaming_grpc: 'Envoy has not built it either',
      custom_sink: 'sinks of extensions are not built yet',
    },
    oneofs: [
      {
        fields: ['streaming_admin', 'buffered_admin', 'file_per_tap', 'streaming_grpc', 'custom_sink'],
        required: true,
      },
    ],
  },
);

const output = message(
  {
    sinks: required(list(sink, { min: 1, max: 1 }).schema),
    max_buffered_rx_bytes: withDefault(uint32(), 1024),
    max_buffered_tx_bytes: withDefault(uint32(), 1024),
    streaming: withDefault(bool(), false),
  },
  {
    name: `${TAP}.OutputConfig`,
    known: { min_streamed_sent_bytes: 'it is for the transport socket, which is not built yet' },
  },
);

const tapFields = {
  match: matchPredicate(COMMON),
  match_config: matchPredicate(TAP),
  output_config: required(output),
  tap_enabled: runtimeFractionalPercent,
};

/** Envoy `TapConfig`. Of `match` and `match_config` the first is taken when both are there, as in Envoy. */
export const tapConfig = message(tapFields, {
  name: `${TAP}.TapConfig`,
  check({ match, matchConfig }, report) {
    if (match === undefined && matchConfig === undefined) report({ message: 'neither match nor match_config is set' });
  },
});

/** Envoy `admin.v3.TapRequest`, the body of `POST /tap`. */
export const tapRequest = message(
  { config_id: required(nonEmpty()), tap_config: required(tapConfig) },
  { name: 'envoy.admin.v3.TapRequest' },
);

/** A tap, checked. */
export type TapSettings = z.output<typeof tapConfig>;

interface SinkChoice {
  readonly streamingAdmin?: unknown;
  readonly bufferedAdmin?: unknown;
}

/** For a tap that does not come from `/tap`: nobody is there to send traces to. */
export function refuseAdminSinks(sinks: readonly (SinkChoice | undefined)[], report: Report): void {
  const path = ['output_config', 'sinks', 0];
  const problem = (kind: string) => ({
    path,
    message: `Output sink type ${kind} requires that the admin output will be configured via admin`,
  });
  if (sinks[0]?.streamingAdmin !== undefined) report(problem('StreamingAdmin'));
  if (sinks[0]?.bufferedAdmin !== undefined) report(problem('BufferedAdmin'));
}
