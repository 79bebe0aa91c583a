/** Bodies made by a format: `SubstitutionFormatString`, for local replies, direct responses and logs. */
import type { LogSubject } from '../api/access-log.ts';
import type { FormatExtension } from './commands.ts';
import { compileFormat } from './format.ts';
import { compileJsonFormat } from './json-format.ts';
import type { FormatContext } from './operator.ts';

/** Envoy `SubstitutionFormatString`: one of the first three is given. */
export interface BodyFormatSettings {
  readonly textFormat?: string;
  readonly textFormatSource?: TextSource;
  readonly jsonFormat?: Readonly<Record<string, unknown>>;
  /** What has no value prints nothing instead of `-`, and leaves JSON. Default false. */
  readonly omitEmptyValues: boolean;
  /** '' when not given: `text/plain` or `application/json`. */
  readonly contentType: string;
  readonly formatters: readonly { readonly name: string }[];
}

/** Envoy `DataSource`, one of the four. */
interface TextSource {
  readonly filename?: string;
  readonly inlineBytes?: Uint8Array;
  readonly inlineString?: string;
  readonly environmentVariable?: string;
}

/** A compiled body format. */
export interface BodyFormat {
  /** `text/plain` for text and `application/json` for JSON, unless another one is configured. */
  readonly contentType: string;
  /** Whether the content type takes the place of one that the response has already: it is configured, or JSON's. */
  readonly ownContentType: boolean;
  /** The body in wire form: one character per byte. */
  format(stream: LogSubject, context?: FormatContext): string;
}

/**
 * Compiles a body format. `readText` gives the text of a source, which was checked when the configuration was read.
 * With `oneLine` no value of a text breaks its line; JSON escapes by itself.
 * @throws SyntaxError as `compileFormat`.
 */
export function compileBodyFormat(
  settings: BodyFormatSettings,
  readText: (source: TextSource) => string = inlineText,
  oneLine = false,
): BodyFormat {
  const { jsonFormat, omitEmptyValues, contentType } = settings;
  const extensions = settings.formatters.map(({ name }) => name as FormatExtension);
  if (jsonFormat !== undefined) {
    const json = compileJsonFormat(jsonFormat, { omitEmptyValues, extensions });
    return bodyFormat(contentType || 'application/json', true, json);
  }
  const text = settings.textFormat ?? (settings.textFormatSource ? readText(settings.textFormatSource) : '');
  const format = compileFormat(text, { missing: omitEmptyValues ? '' : '-', extensions, oneLine });
  return bodyFormat(contentType || 'text/plain', contentType !== '', format);
}

function bodyFormat(contentType: string, ownContentType: boolean, inner: Pick<BodyFormat, 'format'>): BodyFormat {
  return { contentType, ownContentType, format: (stream, context) => inner.format(stream, context) };
}

function inlineText({ inlineString, inlineBytes }: TextSource): string {
  return inlineString ?? Buffer.from(inlineBytes ?? []).toString();
}
