/** Formats of header values: two spellings of older files are understood, and the result is always a legal value. */
import { isFieldValue } from '../headers/validate.ts';
import { compileFormat, type Format } from './format.ts';

/**
 * Compiles the value of a header. Beside what formats have, `%PER_REQUEST_STATE(key)%` and the list form
 * `%DYNAMIC_METADATA(["ns", "key"])%` (and `UPSTREAM_METADATA`) are understood, as Envoy does in headers only.
 * @throws SyntaxError as `compileFormat`.
 */
export function compileHeaderFormat(value: string): Format {
  return compileFormat(value.includes('%') ? modern(value) : value);
}

function modern(value: string): string {
  return value
    .replace(/%(UPSTREAM|DYNAMIC)_METADATA\((\[.*?\])\)%/g, (whole, kind: string, list: string) => {
      const path = textsOf(list);
      return path === undefined ? whole : `%${kind}_METADATA(${path.join(':')})%`;
    })
    .replace(/%PER_REQUEST_STATE\((.*?)\)%/g, '%FILTER_STATE($1:PLAIN)%');
}

function textsOf(json: string): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What came out of a format, as a field value. Commands print what clients send (a decoded query parameter may hold a
 * line break), so what may not stand in a field becomes a space (RFC 9110 5.5).
 */
export function legalValue(text: string): string {
  return isFieldValue(text) ? text : text.replace(/[^\t\x20-\x7e\x80-\xff]/g, ' ');
}
