/** Values whose texts are formats: the body and the attributes of records. */
import {
  type AccessLogType,
  compileAccessLogFormat,
  type LogFormatSettings,
  type LogSubject,
  textOfWire,
} from '@mesh/core';
import type { AnyValue, KeyValue } from './any-value.ts';

/** Extensions whose commands the texts may use. */
export type Formatters = NonNullable<LogFormatSettings['formatters']>;

/** Makes the value of one record. */
export type ValueFormat = (subject: LogSubject, type: AccessLogType) => AnyValue;

/** Compiles a value. @throws SyntaxError in Envoy's words, for wrong formats and for values that are no texts. */
export function compileValue(value: AnyValue, formatters: Formatters): ValueFormat {
  switch (value.kind) {
    case 'string':
      return textValue(value.value, formatters);
    case 'array': {
      const items = value.values.map((item) => compileValue(item, formatters));
      return (subject, type) => ({ kind: 'array', values: items.map((item) => item(subject, type)) });
    }
    case 'kvlist': {
      const pairs = compilePairs(value.values, formatters);
      return (subject, type) => ({ kind: 'kvlist', values: pairs(subject, type) });
    }
    default:
      throw new SyntaxError(
        'Only string values, nested key value lists and array values are supported in OpenTelemetry access log format.',
      );
  }
}

/** Compiles the values of a list. @throws SyntaxError as {@link compileValue}. */
export function compilePairs(
  values: readonly KeyValue[],
  formatters: Formatters,
): (subject: LogSubject, type: AccessLogType) => readonly KeyValue[] {
  const pairs = values.map(({ key, value }) => ({ key, format: compileValue(value, formatters) }));
  return (subject, type) => pairs.map(({ key, format }) => ({ key, value: format(subject, type) }));
}

function textValue(textFormat: string, formatters: Formatters): ValueFormat {
  // A format that is empty has no text to print.
  if (textFormat === '') return () => ({ kind: 'string', value: '' });
  const format = compileAccessLogFormat({ textFormat, formatters });
  return (subject, type) => ({ kind: 'string', value: textOfWire(format(subject, type)) });
}
