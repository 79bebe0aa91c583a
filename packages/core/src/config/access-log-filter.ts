/** Which exchanges a log or a local reply mapper is for. */
import { z } from 'zod';
import { ResponseFlag } from '../errors.ts';
import { LOG_TYPES, type LogFilterSettings } from '../log-filter/settings.ts';
import { type Fields, type MessageInfo, message, required, withDefault } from './message.ts';
import { bool, enumOf, fractionalPercent, list, nonEmpty, string, uint32 } from './proto-json.ts';
import { headerMatcher } from './route-match.ts';
import type { ProtoType } from './schema-type.ts';
import { metadataMatcher } from './value-matcher.ts';

const prefix = 'envoy.config.accesslog.v3.';

const comparison = message(
  {
    op: withDefault(enumOf(['EQ', 'GE', 'LE', 'NE']), 'EQ'),
    value: required(
      message(
        { default_value: withDefault(uint32(), 0), runtime_key: withDefault(string(), '') },
        { name: 'envoy.config.core.v3.RuntimeUInt32' },
      ),
    ),
  },
  { name: `${prefix}ComparisonFilter` },
);

const runtimeFilter = message(
  {
    runtime_key: required(nonEmpty()),
    percent_sampled: fractionalPercent,
    use_independent_randomness: withDefault(bool(), false),
  },
  { name: `${prefix}RuntimeFilter` },
);

const flagNames = Object.keys(ResponseFlag);
const flagName = string({ pattern: new RegExp(`^(?:${flagNames.join('|')})$`), expected: 'a response flag' });

const grpcStatus = enumOf([
  'OK',
  'CANCELED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]);

/** Those of UDP are read and never come up. */
const logType = z.enum([...LOG_TYPES, 'UdpTunnelUpstreamConnected', 'UdpPeriodic', 'UdpSessionEnd']);

/** Getters, because two of them lead back to the message. */
const filterFields: Fields = {
  status_code_filter: message({ comparison: required(comparison) }, { name: `${prefix}StatusCodeFilter` }),
  duration_filter: message({ comparison: required(comparison) }, { name: `${prefix}DurationFilter` }),
  not_health_check_filter: message({}, { name: `${prefix}NotHealthCheckFilter` }),
  traceable_filter: message({}, { name: `${prefix}TraceableFilter` }),
  runtime_filter: runtimeFilter,
  get and_filter(): z.ZodType {
    return andFilter;
  },
  get or_filter(): z.ZodType {
    return orFilter;
  },
  header_filter: message({ header: required(headerMatcher) }, { name: `${prefix}HeaderFilter` }),
  response_flag_filter: message({ flags: list(flagName) }, { name: `${prefix}ResponseFlagFilter` }),
  grpc_status_filter: message(
    { statuses: list(grpcStatus), exclude: withDefault(bool(), false) },
    { name: `${prefix}GrpcStatusFilter` },
  ),
  metadata_filter: message(
    { matcher: metadataMatcher, match_if_key_not_found: withDefault(bool(), true) },
    { name: `${prefix}MetadataFilter` },
  ),
  log_type_filter: message(
    { types: list(logType), exclude: withDefault(bool(), false) },
    { name: `${prefix}LogTypeFilter` },
  ),
};

const specifiers = [
  ...['status_code_filter', 'duration_filter', 'not_health_check_filter', 'traceable_filter', 'runtime_filter'],
  ...['and_filter', 'or_filter', 'header_filter', 'response_flag_filter', 'grpc_status_filter', 'metadata_filter'],
  ...['log_type_filter', 'extension_filter'],
];

/** Envoy `AccessLogFilter`. */
export const accessLogFilter = message(filterFields, {
  name: `${prefix}AccessLogFilter`,
  known: { extension_filter: 'filters of extensions are not built yet' },
  oneofs: [{ fields: specifiers, required: true }],
}) as unknown as ProtoType<LogFilterSettings, MessageInfo>;

const several = () => ({ filters: required(list(accessLogFilter, { min: 2 }).schema) });
const andFilter = message(several(), { name: `${prefix}AndFilter` });
const orFilter = message(several(), { name: `${prefix}OrFilter` });
