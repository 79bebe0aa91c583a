/** `envoy.access_loggers.open_telemetry`: entries go to an OpenTelemetry collector as log records. */
import { defineAccessLog } from '@mesh/core';
import { SharedLoggers } from '../shipping/shared-loggers.ts';
import { openTelemetryConfig } from './config.ts';
import { Exporter } from './exporter.ts';
import { compileRecord } from './record.ts';

const exporters = new SharedLoggers<Exporter>();

/** Exports entries over OTLP, by gRPC or by HTTP; loggers of the same configuration share their batches. */
export const openTelemetryAccessLog = defineAccessLog({
  name: 'envoy.access_loggers.open_telemetry',
  typeUrl: 'type.googleapis.com/envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig',
  config: openTelemetryConfig,
  create(config, context) {
    const record = compileRecord(config);
    const { logger, release } = exporters.take(context, JSON.stringify(config), () => new Exporter(config, context));
    return { log: (subject, type) => logger.log(() => record(subject, type)), close: release };
  },
});
