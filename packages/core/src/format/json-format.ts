/** JSON objects whose texts are formats: one command alone keeps its type, text around it makes it a text. */
import type { HttpStream } from '../api/http-stream.ts';
import { wireText } from '../regex/wire-text.ts';
import type { FormatExtension } from './commands.ts';
import { type FormatPart, parseFormat, partText } from './format.ts';
import { type FormatContext, NO_CONTEXT } from './operator.ts';
import { wireJson } from './value.ts';

/** What a JSON format may be told. */
export interface JsonFormatOptions {
  /** Leaves out what has no value, null, and objects without members. Default false: null, and `-` within texts. */
  readonly omitEmptyValues?: boolean;
  readonly extensions?: readonly FormatExtension[];
}

/** Prints one value; `undefined` when it is to be left out. */
type Printer = (stream: HttpStream, context: FormatContext) => string | undefined;

/** A compiled JSON format. */
export interface JsonFormat {
  /** One line that ends with a line break, in wire form. Keys are sorted, as in Envoy. */
  format(stream: HttpStream, context?: FormatContext): string;
}

/**
 * Compiles an object.
 * @throws SyntaxError as `compileFormat`.
 */
export function compileJsonFormat(
  fields: Readonly<Record<string, unknown>>,
  options: JsonFormatOptions = {},
): JsonFormat {
  const print = compileObject(fields, options);
  return { format: (stream, context = NO_CONTEXT) => `${print(stream, context) ?? '{}'}\n` };
}

function compileValue(value: unknown, options: JsonFormatOptions): Printer {
  if (typeof value === 'string') return compileText(parseFormat(wireText(value), options.extensions), options);
  if (Array.isArray(value)) return compileList(value, options);
  if (typeof value === 'object' && value !== null) return compileObject(value as Record<string, unknown>, options);
  const json = JSON.stringify(value) ?? 'null';
  return () => (json === 'null' && options.omitEmptyValues ? undefined : json);
}

function compileText(parts: readonly FormatPart[], { omitEmptyValues = false }: JsonFormatOptions): Printer {
  const [first] = parts;
  if (parts.length === 0) return () => '""';
  if (parts.length === 1 && typeof first === 'object') {
    return (stream, context) => {
      const value = first.operator(stream, context);
      if (value === undefined || value === null) return omitEmptyValues ? undefined : 'null';
      return wireJson(value);
    };
  }
  const missing = omitEmptyValues ? '' : '-';
  return (stream, context) => {
    let text = '';
    for (const part of parts) {
      text += typeof part === 'string' ? part : partText(part, part.operator(stream, context), missing);
    }
    return wireJson(text);
  };
}

function compileObject(fields: Readonly<Record<string, unknown>>, options: JsonFormatOptions): Printer {
  const keys = Object.keys(fields).sort((a, b) => (a < b ? -1 : 1));
  const members = keys.map((key) => ({
    start: `${wireText(JSON.stringify(key))}:`,
    print: compileValue(fields[key], options),
  }));
  return (stream, context) => {
    let text = '';
    for (const { start, print } of members) {
      const value = print(stream, context);
      if (value !== undefined) text += `${text === '' ? '' : ','}${start}${value}`;
    }
    return text === '' && options.omitEmptyValues ? undefined : `{${text}}`;
  };
}

function compileList(items: readonly unknown[], options: JsonFormatOptions): Printer {
  const printers = items.map((item) => compileValue(item, options));
  return (stream, context) => {
    const printed = printers.map((print) => print(stream, context)).filter((item) => item !== undefined);
    return `[${printed.join(',')}]`;
  };
}
