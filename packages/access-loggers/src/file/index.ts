/** `envoy.access_loggers.file`: a line per entry, into a file. */
import { defineAccessLog, type LogFormatSettings } from '@mesh/core';
import { lineLog } from '../shared/line-log.ts';
import { type FileAccessLogConfig, fileAccessLogSchema } from './config.ts';

/**
 * Writes entries into a file, which is shared by all that name its path, buffered, bounded, and opened again on
 * `/reopen_logs` and SIGUSR1. `/dev/stdout` and `/dev/stderr` are the process's own.
 *
 * @example http({ accessLogs: [fileAccessLog({ path: '/var/log/access.log', logFormat: { jsonFormat: { code: '%RESPONSE_CODE%' } } })], … })
 */
export const fileAccessLog = defineAccessLog({
  name: 'envoy.access_loggers.file',
  typeUrl: 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
  config: fileAccessLogSchema,
  create: (config, context) => lineLog(config.path, formatOf(config), context),
});

function formatOf({
  format,
  jsonFormat,
  typedJsonFormat,
  logFormat,
}: FileAccessLogConfig): LogFormatSettings | undefined {
  if (logFormat !== undefined) return logFormat;
  const json = jsonFormat ?? typedJsonFormat;
  if (json !== undefined) return { jsonFormat: json };
  return format ? { textFormat: format } : undefined;
}
