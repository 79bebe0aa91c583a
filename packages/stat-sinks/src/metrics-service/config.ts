/** Envoy `MetricsServiceConfig`. */
import {
  bool,
  enumOf,
  grpcService,
  type MessageOutput,
  message,
  required,
  transportApiVersion,
  uint32,
  withDefault,
} from '@mesh/core/proto';

const configFields = {
  grpc_service: required(grpcService),
  transport_api_version: transportApiVersion(),
  report_counters_as_deltas: withDefault(bool(), false),
  emit_tags_as_labels: withDefault(bool(), false),
  histogram_emit_mode: withDefault(enumOf(['SUMMARY_AND_HISTOGRAM', 'SUMMARY', 'HISTOGRAM']), 'SUMMARY_AND_HISTOGRAM'),
  /** Metrics per message; 0 is all of them. */
  batch_size: withDefault(uint32(), 0),
} as const;

export type MetricsServiceConfig = MessageOutput<typeof configFields>;

export const metricsServiceConfig = message(configFields, {
  name: 'envoy.config.metrics.v3.MetricsServiceConfig',
});
