/** The config of `envoy.access_loggers.file`. */
import { compileAccessLogFormat } from '@mesh/core';
import { message, nonEmpty, required, string, struct, substitutionFormat } from '@mesh/core/proto';

/** Envoy `FileAccessLog`. Without a format it is Envoy's default one. */
export const fileAccessLogSchema = message(
  {
    path: required(nonEmpty()),
    /** Deprecated: a text. Empty is the default format. */
    format: string(),
    /** Deprecated. */
    json_format: struct(),
    /** Deprecated; since values of `json_format` keep their types the two are the same. */
    typed_json_format: struct(),
    log_format: substitutionFormat,
  },
  {
    name: 'envoy.extensions.access_loggers.file.v3.FileAccessLog',
    oneofs: [{ fields: ['format', 'json_format', 'typed_json_format', 'log_format'] }],
    check({ format, jsonFormat, typedJsonFormat }, report) {
      const field = format !== undefined ? 'format' : jsonFormat !== undefined ? 'json_format' : 'typed_json_format';
      const json = jsonFormat ?? typedJsonFormat;
      if (format === undefined && json === undefined) return;
      try {
        compileAccessLogFormat(json === undefined ? { textFormat: format ?? '' } : { jsonFormat: json });
      } catch (error) {
        report({ path: [field], message: (error as Error).message });
      }
    },
  },
);

/** The parsed config. */
export type FileAccessLogConfig = ReturnType<typeof fileAccessLogSchema.parse>;
