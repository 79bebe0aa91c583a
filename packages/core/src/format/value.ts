/** Values of commands as text and as JSON, in wire form: one character per byte. */
import { isUtf8 } from 'node:buffer';
import { wireText } from '../regex/wire-text.ts';
import type { FormatValue } from './operator.ts';

/** A value with its texts (at any depth) in wire form. */
export function wireValue(value: FormatValue): FormatValue {
  return typeof value === 'string' ? wireText(value) : value;
}

/** A value as text: texts as they are, numbers in digits, all else as JSON with sorted keys. */
export function valueText(value: FormatValue): string {
  if (typeof value === 'string') return value;
  return typeof value === 'object' ? wireText(sortedJson(value)) : String(value);
}

/** JSON without spaces, keys in order of their bytes. What has no JSON form is null; cycles end as null too. */
function sortedJson(value: unknown, depth = 0): string {
  if (typeof value !== 'object' || value === null) return scalarJson(value);
  if (depth > MAX_DEPTH) return 'null';
  if (Array.isArray(value)) return `[${value.map((item) => sortedJson(item, depth + 1)).join(',')}]`;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${sortedJson(item, depth + 1)}`).join(',')}}`;
}

const MAX_DEPTH = 32;

function scalarJson(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  return JSON.stringify(value) ?? 'null';
}

/** The text that wire form stands for: bytes read as UTF-8. */
export function textOfWire(wire: string): string {
  // Looking is cheaper than a regular expression: most values are short.
  for (let i = 0; i < wire.length; i++)
    if (wire.charCodeAt(i) > 127) return Buffer.from(wire, 'latin1').toString('utf8');
  return wire;
}

/** A value as JSON in wire form. Bytes of a text that are no UTF-8 are told by number, as Envoy does. */
export function wireJson(value: FormatValue): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value !== 'string') return wireText(sortedJson(value));
  if (isPlain(value)) return `"${value}"`;
  if (/^[\x20-\x7e]*$/.test(value)) return JSON.stringify(value);
  const bytes = Buffer.from(value, 'latin1');
  if (isUtf8(bytes)) return wireText(JSON.stringify(bytes.toString('utf8')));
  return `"${value.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, escaped)}"`;
}

/** Visible US-ASCII that JSON takes as it is: most of what is ever printed. */
export function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false;
  }
  return true;
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
