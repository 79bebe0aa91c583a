/** Texts with `%COMMAND%` substitutions: taken apart when the configuration arrives, walked per exchange. */
import type { LogSubject } from '../api/access-log.ts';
import { wireText } from '../regex/wire-text.ts';
import { type FormatExtension, operatorOf } from './commands.ts';
import { oneLine } from './one-line.ts';
import { type FormatContext, type FormatValue, NO_CONTEXT, type Operator } from './operator.ts';
import { valueText } from './value.ts';

/** A compiled format. Shared by all exchanges; its output is in wire form: one character per byte. */
export interface Format {
  /** Nothing is substituted: `format` returns the same text for every exchange, without looking at it. */
  readonly isLiteral: boolean;
  format(stream: LogSubject, context?: FormatContext): string;
}

export interface FormatOptions {
  /** Stands for a value that a command does not have. Default '', as in headers; logs say `-`. */
  readonly missing?: '' | '-';
  /** Extensions whose commands may be used. Default none. */
  readonly extensions?: readonly FormatExtension[];
  /** For lines of a log: line breaks and other control characters of values are escaped. Default false. */
  readonly oneLine?: boolean;
}

/** A piece of a format: a literal in wire form, or a command with the length that its text is cut to. */
export type FormatPart = string | CommandPart;

/** A command of a format. */
export interface CommandPart {
  readonly name: string;
  readonly operator: Operator;
  readonly length: number | undefined;
}

/**
 * Compiles a text.
 * @throws SyntaxError in Envoy's words, for a stray `%`, an unknown command, and bad arguments.
 * @example compileFormat('%REQ(x-user?x-name):8% from %PROTOCOL%').format(stream)
 */
export function compileFormat(text: string, options: FormatOptions = {}): Format {
  const parts = parseFormat(wireText(text), options.extensions);
  const [first = '', ...rest] = parts;
  if (rest.length === 0 && typeof first === 'string') return new LiteralFormat(first);
  return new CommandFormat(options.oneLine === true ? parts.map(escaped) : parts, options.missing ?? '');
}

function escaped(part: FormatPart): FormatPart {
  return typeof part === 'string' ? part : { ...part, operator: oneLine(part.name, part.operator) };
}

/** Takes a text in wire form apart; neighbouring literals are one part. @throws SyntaxError as {@link compileFormat}. */
export function parseFormat(wire: string, extensions: readonly FormatExtension[] = []): readonly FormatPart[] {
  const parts: FormatPart[] = [];
  let literal = '';
  for (let i = 0; i < wire.length; ) {
    const percent = wire.indexOf('%', i);
    if (percent < 0) {
      literal += wire.slice(i);
      break;
    }
    literal += wire.slice(i, percent);
    if (wire[percent + 1] === '%') {
      literal += '%';
      i = percent + 2;
      continue;
    }
    const { part, end } = parseCommand(wire, percent, extensions);
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push(part);
    i = end;
  }
  if (literal !== '') parts.push(literal);
  return parts;
}

const COMMAND = /%([A-Z0-9_]+)(?:\(([^\n]*?)\))?(?::([0-9]+))?%/y;
const MAX_LENGTH = 2n ** 64n;

function parseCommand(wire: string, start: number, extensions: readonly FormatExtension[]) {
  COMMAND.lastIndex = start;
  const match = COMMAND.exec(wire);
  const [whole = '', name = '', argument = '', digits] = match ?? [];
  if (match === null || (digits !== undefined && BigInt(digits) >= MAX_LENGTH)) {
    throw new SyntaxError(`Incorrect configuration: ${wire}. Couldn't find valid command at position ${start}`);
  }
  const length = digits === undefined ? undefined : Number(digits);
  const part: CommandPart = { name, operator: operatorOf({ name, argument, length }, extensions), length };
  return { part, end: start + whole.length };
}

/** The text of one command's value. */
export function partText({ length }: CommandPart, value: FormatValue, missing: string): string {
  if (value === undefined || value === null) return missing;
  const text = valueText(value);
  return length === undefined || text.length <= length ? text : text.slice(0, length);
}

class LiteralFormat implements Format {
  readonly isLiteral = true;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  format(): string {
    return this.text;
  }
}

/** Walked once per line: literals and commands alternate, so that nothing is asked of a part. */
class CommandFormat implements Format {
  readonly isLiteral = false;
  /** One more than there are commands. */
  private readonly literals: readonly string[];
  private readonly commands: readonly CommandPart[];
  private readonly missing: string;

  constructor(parts: readonly FormatPart[], missing: string) {
    const { literals, commands } = alternating(parts);
    this.literals = literals;
    this.commands = commands;
    this.missing = missing;
  }

  format(stream: LogSubject, context: FormatContext = NO_CONTEXT): string {
    const { commands, literals, missing } = this;
    let text = literals[0] as string;
    for (let i = 0; i < commands.length; i++) {
      const command = commands[i] as CommandPart;
      const value = command.operator(stream, context);
      if (typeof value === 'string' && command.length === undefined) text += value;
      else text += partText(command, value, missing);
      text += literals[i + 1] as string;
    }
    return text;
  }
}

function alternating(parts: readonly FormatPart[]) {
  const literals = [''];
  const commands: CommandPart[] = [];
  for (const part of parts) {
    if (typeof part === 'string') literals[commands.length] += part;
    else {
      commands.push(part);
      literals.push('');
    }
  }
  return { literals, commands };
}
