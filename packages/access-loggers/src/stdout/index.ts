/** `envoy.access_loggers.stdout`: a line per entry, on standard output. */
import { defineAccessLog } from '@mesh/core';
import { message, substitutionFormat } from '@mesh/core/proto';
import { lineLog } from '../shared/line-log.ts';

/** Writes entries to standard output, buffered like a file; without `logFormat` in Envoy's default format. */
export const stdoutAccessLog = defineAccessLog({
  name: 'envoy.access_loggers.stdout',
  typeUrl: 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog',
  config: message(
    { log_format: substitutionFormat },
    { name: 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog' },
  ),
  create: ({ logFormat }, context) => lineLog('/dev/stdout', logFormat, context),
});
