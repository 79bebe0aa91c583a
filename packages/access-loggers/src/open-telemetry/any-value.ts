/** OTLP's `AnyValue` as configurations have it: read from JSON, and written with whatever its texts come to. */
import { WireType } from '@bufbuild/protobuf/wire';
import { message, text } from '../grpc/wire.ts';
import type { ProtoWriter } from '../shipping/proto-writer.ts';

/** A value of a configuration. */
export type AnyValue =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: string }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'array'; readonly values: readonly AnyValue[] }
  | { readonly kind: 'kvlist'; readonly values: readonly KeyValue[] }
  | { readonly kind: 'none' };

export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

/** Told of what is wrong; `path` leads to it. */
export type Problem = (path: readonly (string | number)[], message: string) => void;
type Path = readonly (string | number)[];

/** Reads the JSON form of an `AnyValue`. */
export function readAnyValue(given: unknown, path: Path, problem: Problem): AnyValue {
  const fields = entriesOf(given, path, problem);
  const [first, ...more] = fields;
  if (first === undefined) return { kind: 'none' };
  if (more.length > 0) problem(path, `only one of ${fields.map(([name]) => name).join(', ')} may be given`);
  const [name, value] = first;
  const kind = name.replace(/_value$|Value$/, '').replace('kvList', 'kvlist');
  const reader = READERS[kind];
  if (reader !== undefined) return reader(value, [...path, name], problem);
  problem([...path, name], `unknown field "${name}" of opentelemetry.proto.common.v1.AnyValue`);
  return { kind: 'none' };
}

type Reader = (value: unknown, path: Path, problem: Problem) => AnyValue;

const READERS: Readonly<Record<string, Reader>> = {
  string: (value, path, problem) => ({ kind: 'string', value: expected(value, 'string', '', path, problem) }),
  bool: (value, path, problem) => ({ kind: 'bool', value: expected(value, 'boolean', false, path, problem) }),
  double: (value, path, problem) => ({ kind: 'double', value: expected(value, 'number', 0, path, problem) }),
  int(value, path, problem) {
    if (/^-?\d{1,19}$/.test(String(value))) return { kind: 'int', value: String(value) };
    problem(path, 'expected a whole number');
    return { kind: 'none' };
  },
  bytes: (value, path, problem) => ({
    kind: 'bytes',
    value: Buffer.from(expected(value, 'string', '', path, problem), 'base64'),
  }),
  array: (value, path, problem) => ({
    kind: 'array',
    values: listOf(value, path, problem).map((item, index) => readAnyValue(item, [...path, 'values', index], problem)),
  }),
  kvlist: (value, path, problem) => ({ kind: 'kvlist', values: readKeyValues(value, path, problem) }),
};

/** Reads the JSON form of a `KeyValueList`. */
export function readKeyValues(given: unknown, path: Path, problem: Problem): readonly KeyValue[] {
  return listOf(given, path, problem).map((item, index) => {
    const at = [...path, 'values', index];
    let key = '';
    let value: AnyValue = { kind: 'none' };
    for (const [name, field] of entriesOf(item, at, problem)) {
      if (name === 'key') key = expected(field, 'string', '', [...at, name], problem);
      else if (name === 'value') value = readAnyValue(field, [...at, name], problem);
      else problem([...at, name], `unknown field "${name}" of opentelemetry.proto.common.v1.KeyValue`);
    }
    return { key, value };
  });
}

/** `values` of a list message. */
function listOf(given: unknown, path: Path, problem: Problem): readonly unknown[] {
  let values: readonly unknown[] = [];
  for (const [name, field] of entriesOf(given, path, problem)) {
    if (name !== 'values') problem([...path, name], `unknown field "${name}"`);
    else if (Array.isArray(field)) values = field;
    else problem([...path, name], 'expected a list');
  }
  return values;
}

function entriesOf(given: unknown, path: Path, problem: Problem): [string, unknown][] {
  if (given === undefined || given === null) return [];
  if (typeof given === 'object' && !Array.isArray(given)) {
    return Object.entries(given).filter(([, value]) => value !== null && value !== undefined);
  }
  problem(path, 'expected a map');
  return [];
}

interface Scalars {
  readonly string: string;
  readonly boolean: boolean;
  readonly number: number;
}

function expected<Type extends keyof Scalars>(
  value: unknown,
  type: Type,
  fallback: Scalars[Type],
  path: Path,
  problem: Problem,
): Scalars[Type] {
  if (typeof value === type) return value as Scalars[Type];
  problem(path, `expected a ${type}`);
  return fallback;
}

/** Writes the fields of a `KeyValue` list, each as field `field`. */
export function writeKeyValues(writer: ProtoWriter, field: number, values: readonly KeyValue[]): void {
  for (const { key, value } of values) {
    message(writer, field, (pair) => {
      text(pair, 1, key);
      if (value.kind !== 'none') message(pair, 2, (inner) => writeAnyValue(inner, value));
    });
  }
}

/** A pair with a text. */
export function writeTextPair(writer: ProtoWriter, field: number, key: string, value: string): void {
  writeKeyValues(writer, field, [{ key, value: { kind: 'string', value } }]);
}

/** The content of an `AnyValue`: of its oneof, so written also when it is empty. */
export function writeAnyValue(writer: ProtoWriter, value: AnyValue): void {
  switch (value.kind) {
    case 'string':
      writer.tag(1, WireType.LengthDelimited).string(value.value);
      break;
    case 'bool':
      writer.tag(2, WireType.Varint).bool(value.value);
      break;
    case 'int':
      writer.tag(3, WireType.Varint).int64(value.value);
      break;
    case 'double':
      writer.tag(4, WireType.Bit64).double(value.value);
      break;
    case 'array':
      message(writer, 5, (list) => {
        for (const item of value.values) message(list, 1, (inner) => writeAnyValue(inner, item));
      });
      break;
    case 'kvlist':
      message(writer, 6, (list) => writeKeyValues(list, 1, value.values));
      break;
    case 'bytes':
      writer.tag(7, WireType.LengthDelimited).bytes(value.value);
      break;
    case 'none':
      break;
  }
}
