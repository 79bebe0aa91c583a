/** The config of `envoy.stat_sinks.open_telemetry`. */
import { bool, grpcService, httpService, list, message, string, uint32, withDefault } from '@mesh/core/proto';
import { resourceDetector } from './resource.ts';

export const SINK_CONFIG = 'envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig';

export const sinkConfig = message(
  {
    grpc_service: grpcService,
    http_service: httpService,
    resource_detectors: list(resourceDetector),
    report_counters_as_deltas: withDefault(bool(), false),
    report_histograms_as_deltas: withDefault(bool(), false),
    emit_tags_as_attributes: withDefault(bool(), true),
    use_tag_extracted_name: withDefault(bool(), true),
    prefix: withDefault(string(), ''),
    max_data_points_per_request: withDefault(uint32(), 0),
  },
  {
    name: SINK_CONFIG,
    known: { custom_metric_conversions: 'matcher trees are not built yet' },
    oneofs: [{ fields: ['grpc_service', 'http_service'], required: true }],
  },
);
