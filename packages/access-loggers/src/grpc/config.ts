/** `CommonGrpcAccessLogConfig`, and the messages around it. */
import {
  customTag,
  duration,
  fields,
  grpcService,
  list,
  type MessageOutput,
  message,
  nonEmpty,
  required,
  string,
  transportApiVersion,
  uint32,
  withDefault,
} from '@mesh/core/proto';

const backOff = message(
  { base_interval: required(duration({ aboveMs: 0 })), max_interval: duration({ aboveMs: 0 }) },
  { name: 'envoy.config.core.v3.BackoffStrategy' },
);

/** Of a `RetryPolicy` Envoy looks at `num_retries` only: connections that fail are tried again. */
const streamRetryPolicy = message(
  {
    num_retries: withDefault(uint32(), 1),
    retry_back_off: backOff,
    retry_on: withDefault(string(), ''),
    host_selection_retry_max_attempts: withDefault(uint32(), 1),
  },
  {
    name: 'envoy.config.core.v3.RetryPolicy',
    known: fields('retry_priority retry_host_predicate', 'Envoy does not look at it here either'),
  },
);

const commonFields = {
  log_name: required(nonEmpty()),
  grpc_service: required(grpcService),
  transport_api_version: transportApiVersion(),
  buffer_flush_interval: withDefault(duration({ aboveMs: 0 }), 1000),
  buffer_size_bytes: withDefault(uint32(), 16_384),
  filter_state_objects_to_log: list(string()),
  grpc_stream_retry_policy: streamRetryPolicy,
  custom_tags: list(customTag),
} as const;

/** Envoy `CommonGrpcAccessLogConfig`. */
export const commonGrpcConfig = message(commonFields, {
  name: 'envoy.extensions.access_loggers.grpc.v3.CommonGrpcAccessLogConfig',
});

/** It, read. */
export type CommonGrpcConfig = MessageOutput<typeof commonFields>;

const headerNames = list(string());

/** Envoy `HttpGrpcAccessLogConfig`. */
export const httpGrpcConfig = message(
  {
    common_config: required(commonGrpcConfig),
    additional_request_headers_to_log: headerNames,
    additional_response_headers_to_log: headerNames,
    additional_response_trailers_to_log: headerNames,
  },
  { name: 'envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig' },
);

/** Envoy `TcpGrpcAccessLogConfig`. */
export const tcpGrpcConfig = message(
  { common_config: required(commonGrpcConfig) },
  { name: 'envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig' },
);
