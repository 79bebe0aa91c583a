/** The lines of access logs: what a logger's `log_format` and its siblings come to. */
import type { AccessLogType, LogSubject } from '../api/access-log.ts';
import { type BodyFormatSettings, compileBodyFormat } from '../format/body-format.ts';
import { logContext } from './log-context.ts';

/** Envoy's default, with its line break. */
const DEFAULT_LOG_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

/** Prints an entry in wire form: one character per byte. Of JSON it is a line with its line break; of text what the text says; a value never breaks the line. */
export type LogFormat = (subject: LogSubject, type: AccessLogType) => string;

/** Envoy `SubstitutionFormatString`, as `substitutionFormat` of `@mesh/core/proto` reads it; all of it may be left out. */
export type LogFormatSettings = Partial<BodyFormatSettings>;

/**
 * Compiles the format of an access log; without `settings` it is Envoy's default. A content type is of no use there.
 * @throws SyntaxError in Envoy's words, for a stray `%`, an unknown command, and bad arguments.
 */
export function compileLogFormat(
  settings: LogFormatSettings | undefined,
  readText: Parameters<typeof compileBodyFormat>[1],
): LogFormat {
  const { omitEmptyValues = false, formatters = [], ...format } = settings ?? { textFormat: DEFAULT_LOG_FORMAT };
  const compiled = compileBodyFormat({ ...format, omitEmptyValues, formatters, contentType: '' }, readText, true);
  return (subject, type) => compiled.format(subject, logContext(type));
}
