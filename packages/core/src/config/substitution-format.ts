/** Bodies and lines that a format makes. */
import { isUtf8 } from 'node:buffer';
import { compileBodyFormat } from '../format/body-format.ts';
import { headerText } from './common.ts';
import { dataSource, readDataSource } from './data-source.ts';
import { message, withDefault } from './message.ts';
import { bool, list, string, struct } from './proto-json.ts';
import { typedExtension } from './typed-extension.ts';

const reqWithoutQuery = message({}, { name: 'envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery' });
/** Its command is built in by now; the extension is still accepted. */
const metadataFormatter = message({}, { name: 'envoy.extensions.formatter.metadata.v3.Metadata' });

/** An entry of `formatters`: extensions whose commands formats may use. */
export const formatter = typedExtension('envoy.config.core.v3.TypedExtensionConfig', [
  { name: 'envoy.formatter.req_without_query', schema: reqWithoutQuery },
  { name: 'envoy.formatter.metadata', schema: metadataFormatter },
  {
    name: 'envoy.formatter.cel',
    schema: undefined,
    type: 'envoy.extensions.formatter.cel.v3.Cel',
    reason: 'CEL expressions are not built yet',
  },
  {
    name: 'envoy.formatter.file_content',
    schema: undefined,
    type: 'envoy.extensions.formatter.file_content.v3.FileContent',
    reason: 'not built yet',
  },
  {
    name: 'envoy.formatter.generic_secret',
    schema: undefined,
    type: 'envoy.extensions.formatter.generic_secret.v3.GenericSecret',
    reason: 'xDS is not built yet',
  },
]);

/** Envoy `SubstitutionFormatString`. */
export const substitutionFormat = message(
  {
    text_format: string(),
    text_format_source: dataSource,
    json_format: struct(),
    omit_empty_values: withDefault(bool(), false),
    content_type: withDefault(headerText(), ''),
    formatters: list(formatter),
    // Envoy sorts keys whatever this says.
    json_format_options: message(
      { sort_properties: withDefault(bool(), false) },
      { name: 'envoy.config.core.v3.JsonFormatOptions' },
    ),
  },
  {
    name: 'envoy.config.core.v3.SubstitutionFormatString',
    oneofs: [{ fields: ['text_format', 'text_format_source', 'json_format'], required: true }],
    check({ textFormat, textFormatSource, jsonFormat, formatters = [] }, report) {
      const field = jsonFormat ? 'json_format' : textFormatSource ? 'text_format_source' : 'text_format';
      const text = textFormatSource === undefined ? undefined : sourceText(textFormatSource);
      if (text?.problem !== undefined) report({ path: [field, text.field], message: text.problem });
      if (field === 'text_format_source' && text?.text === undefined) return;
      const problem = formatProblem({
        textFormat: text?.text ?? textFormat ?? '',
        ...(jsonFormat && { jsonFormat: jsonFormat as Record<string, unknown> }),
        formatters: formatters.filter((each) => each !== undefined) as { name: string }[],
      });
      if (problem !== undefined) report({ path: [field], message: problem });
    },
  },
);

function sourceText(source: Parameters<typeof readDataSource>[0]) {
  const { bytes, field } = readDataSource(source);
  // Without bytes it has been told by the data source itself.
  if (bytes === undefined) return { field };
  if (!isUtf8(bytes)) return { field, problem: 'a format must be UTF-8 text' };
  return { field, text: bytes.toString() };
}

function formatProblem(settings: {
  readonly textFormat: string;
  readonly jsonFormat?: Readonly<Record<string, unknown>>;
  readonly formatters: readonly { readonly name: string }[];
}): string | undefined {
  try {
    compileBodyFormat({ ...settings, omitEmptyValues: false, contentType: '' });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
