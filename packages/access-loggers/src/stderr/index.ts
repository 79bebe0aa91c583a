/** `envoy.access_loggers.stderr`: a line per entry, on standard error. */
import { defineAccessLog } from '@mesh/core';
import { message, substitutionFormat } from '@mesh/core/proto';
import { lineLog } from '../shared/line-log.ts';

/** Writes entries to standard error, buffered like a file; without `logFormat` in Envoy's default format. */
export const stderrAccessLog = defineAccessLog({
  name: 'envoy.access_loggers.stderr',
  typeUrl: 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StderrAccessLog',
  config: message(
    { log_format: substitutionFormat },
    { name: 'envoy.extensions.access_loggers.stream.v3.StderrAccessLog' },
  ),
  create: ({ logFormat }, context) => lineLog('/dev/stderr', logFormat, context),
});
