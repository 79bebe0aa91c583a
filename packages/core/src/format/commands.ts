/** Finds the operator of a command: `%NAME(ARGUMENT):LENGTH%`. */
import type { Operator, OperatorSpec, OperatorTable } from './operator.ts';
import { addressOperators } from './operators/address.ts';
import { certificateOperators } from './operators/certificate.ts';
import { grpcOperators } from './operators/grpc.ts';
import { headerOperators, reqWithoutQuery } from './operators/header.ts';
import { metadataOperators } from './operators/metadata.ts';
import { streamInfoOperators } from './operators/stream-info.ts';
import { timeOperators } from './operators/time.ts';
import { unknownOperators } from './operators/unknown.ts';

/** A command as written. */
export interface Command {
  readonly name: string;
  readonly argument: string;
  readonly length: number | undefined;
}

/** Names of formatter extensions that a format may ask for (`formatters`). */
export type FormatExtension = 'envoy.formatter.req_without_query' | 'envoy.formatter.metadata';

const BUILT_IN: OperatorTable = {
  ...unknownOperators,
  ...headerOperators,
  ...addressOperators,
  ...timeOperators,
  ...metadataOperators,
  ...streamInfoOperators,
  ...grpcOperators,
  ...certificateOperators,
};

/** Envoy has them, this proxy does not. */
const REFUSED: Readonly<Record<string, string>> = {
  CEL: 'CEL expressions are not built yet',
  TYPED_CEL: 'CEL expressions are not built yet',
  XFCC_VALUE: 'not built yet',
};

/** @throws SyntaxError for an unknown command and bad arguments, in Envoy's words. */
export function operatorOf(command: Command, extensions: readonly FormatExtension[]): Operator {
  const { name, argument, length } = command;
  if (name === 'COALESCE') return coalesce(command, extensions);
  const reason = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
  if (reason !== undefined) throw new SyntaxError(`%${name}% is known to Envoy, not supported here: ${reason}`);
  const spec = specOf(name, extensions);
  if (spec === undefined) throw new SyntaxError(`Not supported field in StreamInfo: ${name}`);
  checkSyntax(command, spec);
  return spec.make(argument, length);
}

function specOf(name: string, extensions: readonly FormatExtension[]): OperatorSpec | undefined {
  if (Object.hasOwn(BUILT_IN, name)) return BUILT_IN[name];
  return extensions.includes('envoy.formatter.req_without_query') ? reqWithoutQuery[name] : undefined;
}

function checkSyntax({ name, argument, length }: Command, spec: OperatorSpec): void {
  if (spec.params === 'none' && (argument !== '' || length !== undefined)) {
    throw new SyntaxError(`${name} does not take any parameters or length`);
  }
  if (spec.params === 'required' && argument === '') throw new SyntaxError(`${name} requires parameters`);
  if (!spec.length && length !== undefined) {
    throw new SyntaxError(`${name} does not allow length to be specified.`);
  }
}

/** `COALESCE({"operators": [NAME | {"command", "param", "max_length"}, …]}):N`: the first that has a value. */
function coalesce({ argument, length }: Command, extensions: readonly FormatExtension[]): Operator {
  if (argument === '') throw new SyntaxError('COALESCE requires parameters');
  const operators = coalesceEntries(argument).map((entry) => operatorOf(entry, extensions));
  return (stream, context) => {
    for (const operator of operators) {
      const value = operator(stream, context);
      if (value !== undefined && value !== null) return cut(value, length);
    }
    return undefined;
  };
}

function cut<Value>(value: Value, length: number | undefined): Value | string {
  return typeof value === 'string' && length !== undefined ? value.slice(0, length) : value;
}

function coalesceEntries(argument: string): Command[] {
  const entries = (parseJson(argument) as { readonly operators?: unknown } | null)?.operators;
  if (!Array.isArray(entries)) throw new SyntaxError("COALESCE: JSON configuration must contain 'operators' array");
  if (entries.length === 0) throw new SyntaxError("COALESCE: 'operators' array must not be empty");
  return entries.map(coalesceEntry);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const problem = (error as Error).message;
    throw new SyntaxError(`COALESCE: failed to parse JSON configuration: JSON supplied is not valid. ${problem}`);
  }
}

function coalesceEntry(entry: unknown): Command {
  if (typeof entry === 'string') return { name: entry, argument: '', length: undefined };
  const { command, param = '', max_length: length } = (entry ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof command !== 'string' || typeof param !== 'string') {
    throw new SyntaxError("COALESCE: each of 'operators' must be a text or have a text 'command'");
  }
  return { name: command, argument: param, length: typeof length === 'number' && length >= 0 ? length : undefined };
}
