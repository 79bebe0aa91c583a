/** Envoy `OpenTelemetryAccessLogConfig`. */
import {
  bool,
  customTag,
  type DeepPartial,
  duration,
  fields,
  formatter,
  grpcService,
  httpService,
  list,
  type MessageOutput,
  message,
  type Report,
  string,
  struct,
  uint32,
  withDefault,
} from '@mesh/core/proto';
import { commonGrpcConfig } from '../grpc/config.ts';
import { readAnyValue, readKeyValues } from './any-value.ts';
import { compilePairs, compileValue, type Formatters } from './value-format.ts';

const configFields = {
  common_config: commonGrpcConfig,
  grpc_service: grpcService,
  http_service: httpService,
  disable_builtin_labels: withDefault(bool(), false),
  // Of these three the JSON form is read by `any-value`: they may contain one another.
  resource_attributes: struct(),
  body: struct(),
  attributes: struct(),
  stat_prefix: withDefault(string(), ''),
  formatters: list(formatter),
  log_name: withDefault(string(), ''),
  buffer_flush_interval: duration(),
  buffer_size_bytes: uint32(),
  filter_state_objects_to_log: list(string()),
  custom_tags: list(customTag),
} as const;

export type OpenTelemetryConfig = MessageOutput<typeof configFields>;

/** The schema; the one of `common_config`, `grpc_service` and `http_service` that is given says how records travel. */
export const openTelemetryConfig = message(configFields, {
  name: 'envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig',
  known: fields('resource_detectors', 'use resource_attributes'),
  check(output, report) {
    const { commonConfig, grpcService: grpc, httpService: http } = output;
    const given = [commonConfig, grpc, http].filter((each) => each !== undefined).length;
    const which = 'grpc_service, http_service, or common_config.grpc_service';
    if (given === 0) {
      report({ message: `OpenTelemetry access logger requires one of: ${which} to be configured.` });
    } else if (given > 1) {
      const only = 'OpenTelemetry access logger can only have one transport configured.';
      report({ message: `${only} Specify exactly one of: ${which}.` });
    }
    checkValues(output, report);
  },
});

function checkValues(output: DeepPartial<OpenTelemetryConfig>, report: Report): void {
  const { attributes, body, resourceAttributes } = output;
  const formatters = (output.formatters ?? []).filter((each) => each !== undefined) as Formatters;
  let wrong = false;
  const problem = (path: readonly (string | number)[], message: string) => {
    wrong = true;
    report({ path: [...path], message });
  };
  const compiles = (field: string, compile: () => unknown) => {
    if (wrong) return;
    try {
      compile();
    } catch (error) {
      report({ path: [field], message: (error as Error).message });
    }
  };
  readKeyValues(resourceAttributes, ['resource_attributes'], problem);
  const pairs = readKeyValues(attributes, ['attributes'], problem);
  compiles('attributes', () => compilePairs(pairs, formatters));
  if (body === undefined) return;
  const value = readAnyValue(body, ['body'], problem);
  if (value.kind !== 'none') compiles('body', () => compileValue(value, formatters));
}
