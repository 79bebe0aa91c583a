/** JSON objects whose texts are formats: one command alone keeps its type, text around it makes it a text. */
import type { LogSubject } from '../api/access-log.ts';
import { wireText } from '../regex/wire-text.ts';
import type { FormatExtension } from './commands.ts';
import { type CommandPart, type FormatPart, parseFormat, partText } from './format.ts';
import { type FormatContext, NO_CONTEXT } from './operator.ts';
import { isPlain, wireJson } from './value.ts';

/** What a JSON format may be told. */
export interface JsonFormatOptions {
  /** Leaves out what has no value, null, and objects without members. Default false: null, and `-` within texts. */
  readonly omitEmptyValues?: boolean;
  readonly extensions?: readonly FormatExtension[];
}

/** Prints one value; `undefined` when it is to be left out. */
type Printer = (stream: LogSubject, context: FormatContext) => string | undefined;

/** A compiled JSON format. */
export interface JsonFormat {
  /** One line that ends with a line break, in wire form. Keys are sorted, as in Envoy. */
  format(stream: LogSubject, context?: FormatContext): string;
}

/**
 * Compiles an object.
 * @throws SyntaxError as `compileFormat`.
 */
export function compileJsonFormat(
  fields: Readonly<Record<string, unknown>>,
  options: JsonFormatOptions = {},
): JsonFormat {
  // Nothing is ever left out then: all keys and braces are known now.
  if (options.omitEmptyValues !== true) return new FlatJsonFormat(fields, options);
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
  const text = textOf(parts, { omitEmptyValues });
  return (stream, context) => wireJson(text(stream, context));
}

/** A text in wire form, not yet in quotes. */
function textOf(
  parts: readonly FormatPart[],
  { omitEmptyValues = false }: JsonFormatOptions,
): (stream: LogSubject, context: FormatContext) => string {
  const missing = omitEmptyValues ? '' : '-';
  return (stream, context) => {
    let text = '';
    for (const part of parts) {
      text += typeof part === 'string' ? part : partText(part, part.operator(stream, context), missing);
    }
    return text;
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

/** Literals and values alternate. The quotes of values are part of literals, so that a field costs two additions. */
class FlatJsonFormat implements JsonFormat {
  /** One more than there are values; without quotes. */
  private readonly literals: string[] = [''];
  /** The same behind a value in quotes, in front of one, and between two. */
  private readonly closing: readonly string[];
  private readonly opening: readonly string[];
  private readonly between: readonly string[];
  private readonly values: FlatValue[] = [];

  constructor(fields: Readonly<Record<string, unknown>>, options: JsonFormatOptions) {
    this.add(fields, options);
    this.literal('\n');
    this.closing = this.literals.map((literal) => `"${literal}`);
    this.opening = this.literals.map((literal) => `${literal}"`);
    this.between = this.literals.map((literal) => `"${literal}"`);
  }

  private literal(text: string): void {
    this.literals[this.values.length] += text;
  }

  private add(value: unknown, options: JsonFormatOptions): void {
    if (typeof value === 'string') this.addText(parseFormat(wireText(value), options.extensions), options);
    else if (Array.isArray(value)) {
      this.literal('[');
      for (const [index, item] of value.entries()) {
        if (index > 0) this.literal(',');
        this.add(item, options);
      }
      this.literal(']');
    } else if (typeof value === 'object' && value !== null) {
      this.addObject(value as Readonly<Record<string, unknown>>, options);
    } else this.literal(JSON.stringify(value) ?? 'null');
  }

  private addObject(fields: Readonly<Record<string, unknown>>, options: JsonFormatOptions): void {
    const keys = Object.keys(fields).sort((a, b) => (a < b ? -1 : 1));
    this.literal('{');
    for (const [index, key] of keys.entries()) {
      this.literal(`${index === 0 ? '' : ','}${wireText(JSON.stringify(key))}:`);
      this.add(fields[key], options);
    }
    this.literal('}');
  }

  private addText(parts: readonly FormatPart[], options: JsonFormatOptions): void {
    const [first = ''] = parts;
    if (parts.length <= 1 && typeof first === 'string') {
      this.literal(wireJson(first));
      return;
    }
    this.values.push(parts.length === 1 ? (first as CommandPart).operator : textOf(parts, options));
    this.literals.push('');
  }

  format(stream: LogSubject, context: FormatContext = NO_CONTEXT): string {
    const { between, closing, literals, opening, values } = this;
    let text = '';
    let quoted = false;
    for (let i = 0; i < values.length; i++) {
      const value = (values[i] as FlatValue)(stream, context);
      if (typeof value === 'string' && isPlain(value)) {
        text += (quoted ? between[i] : opening[i]) as string;
        text += value;
        quoted = true;
      } else {
        text += (quoted ? closing[i] : literals[i]) as string;
        // A command alone keeps its type.
        text += value === undefined || value === null ? 'null' : wireJson(value);
        quoted = false;
      }
    }
    return text + ((quoted ? closing : literals)[values.length] as string);
  }
}

/** What a field says: the value of a command alone, or a text. */
type FlatValue = CommandPart['operator'];
