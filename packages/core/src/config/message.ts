/** Schemas of protobuf messages in their JSON form: fields in snake_case, output in camelCase, nothing ignored. */
import type { z } from 'zod';
import { didYouMean, showValue } from './issues.ts';
import { type CamelCase, camelCase } from './naming.ts';
import { normaliseKeys } from './plain-zod.ts';
import { type ChildParser, infoOf, type ProtoInfo, type ProtoType, protoType, type Report } from './schema-type.ts';
import { isMap, type RawMap } from './source-map.ts';

/** A field that must be given. */
export interface Required<S extends z.ZodType = z.ZodType> {
  readonly presence: 'required';
  readonly schema: S;
}

/** A field with a value of its own when it is not given. */
export interface Defaulted<S extends z.ZodType = z.ZodType> {
  readonly presence: 'default';
  readonly schema: S;
  readonly value: () => z.output<S>;
}

/** A field of a message; a bare schema is an optional field. */
export type Field = z.ZodType | Required | Defaulted;

/** A schema whose output counts milliseconds; the output name of such a field ends in `Ms`. */
export interface Milliseconds {
  readonly info: { readonly unit: 'ms' };
}

/** Marks a field as one that must be given. */
export function required<S extends z.ZodType>(schema: S): Required<S> {
  return { presence: 'required', schema };
}

/** Gives a field a value for when it is absent. The value is an output value and is not parsed. */
export function withDefault<S extends z.ZodType>(schema: S, value: z.output<S>): Defaulted<S> {
  return { presence: 'default', schema, value: () => value };
}

/** A message field that, when absent, holds the message with all its defaults. */
export function nested<F extends Fields>(schema: MessageSchema<F>): Defaulted<MessageSchema<F>> {
  return { presence: 'default', schema, value: () => fillDefaults(schema, {} as MessageInit<F>) };
}

/** The fields of a message by proto name. */
export type Fields = Readonly<Record<string, Field>>;

type SchemaOf<F> = F extends { readonly schema: infer S } ? S : F;
type OutputOf<F> = SchemaOf<F> extends z.ZodType<infer O> ? O : never;
type OutputName<K, F> = K extends string
  ? SchemaOf<F> extends Milliseconds
    ? `${CamelCase<K>}Ms`
    : CamelCase<K>
  : never;
type Given = { readonly presence: string };
type Flat<T> = { readonly [K in keyof T]: T[K] };

/** What parsing a message yields. */
export type MessageOutput<F extends Fields> = Flat<
  { readonly [K in keyof F as F[K] extends Given ? OutputName<K, F[K]> : never]: OutputOf<F[K]> } & {
    readonly [K in keyof F as F[K] extends Given ? never : OutputName<K, F[K]>]?: OutputOf<F[K]>;
  }
>;

/** What a message is parsed from, in camelCase; YAML may use proto names as well. */
export type MessageInput<F extends Fields> = Flat<
  { readonly [K in keyof F as F[K] extends Required ? InputName<K> : never]: z.input<SchemaOf<F[K]>> } & {
    readonly [K in keyof F as F[K] extends Required ? never : InputName<K>]?: z.input<SchemaOf<F[K]>> | undefined;
  }
>;

type InputName<K> = K extends string ? CamelCase<K> : never;

type InitOf<S> =
  S extends MessageSchema<infer F>
    ? MessageInit<F>
    : S extends ListOf<infer Item>
      ? readonly InitOf<Item>[]
      : S extends z.ZodType<infer O>
        ? O
        : never;

/** A message built by hand: output names, and what has a default may be left out, at every depth. */
export type MessageInit<F extends Fields> = Flat<
  { readonly [K in keyof F as F[K] extends Required ? OutputName<K, F[K]> : never]: InitOf<SchemaOf<F[K]>> } & {
    readonly [K in keyof F as F[K] extends Required ? never : OutputName<K, F[K]>]?: InitOf<SchemaOf<F[K]>>;
  }
>;

/** The zod type that `message()` returns. */
export type MessageSchema<F extends Fields> = ProtoType<MessageOutput<F>, MessageInfo<F>, MessageInput<F>>;

/** The zod type behind `list()`. */
export interface ListOf<Item extends z.ZodType> extends z.ZodType<readonly z.output<Item>[], readonly z.input<Item>[]> {
  readonly element: Item;
}

/** Fields of which at most one (or, with `required`, exactly one) may be given. */
export interface Oneof {
  readonly fields: readonly string[];
  readonly required?: boolean;
}

/** What a message knows beside its implemented fields. */
export interface MessageOptions<F extends Fields> {
  /** Full proto name, for error texts and the support table. */
  readonly name: string;
  /** Fields Envoy knows and this version does not implement, each with the reason ('' when there is none to give). */
  readonly known?: Readonly<Record<string, string>>;
  readonly oneofs?: readonly Oneof[];
  /** Rules across fields. What was absent or wrong is missing from the output, at any depth. Paths use proto names. */
  readonly check?: (output: DeepPartial<MessageOutput<F>>, report: Report) => void;
}

/** An output in which anything may be missing. */
export type DeepPartial<T> = T extends readonly (infer Item)[]
  ? readonly (DeepPartial<Item> | undefined)[]
  : T extends Uint8Array
    ? T
    : T extends object
      ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined }
      : T;

/** The description of a message, for introspection. */
export interface MessageInfo<F extends Fields = Fields> extends ProtoInfo {
  readonly kind: 'message';
  readonly name: string;
  readonly fields: F;
  readonly known: Readonly<Record<string, string>>;
  readonly oneofs: readonly Oneof[];
}

/** The entries of `known` for several fields that share a reason. */
export function fields(names: string, reason = ''): Record<string, string> {
  return Object.fromEntries(names.split(/\s+/).map((name) => [name, reason]));
}

/** The text of a refusal of something Envoy has and this version has not. */
export function notSupported(reason?: string): string {
  return `known to Envoy, not supported here${reason ? `: ${reason}` : ''}`;
}

/** The schema of a field, whatever its presence. */
export function fieldSchema(field: Field): z.ZodType {
  return 'presence' in field ? field.schema : field;
}

/** The output key of a field: camelCase, with `Ms` for durations. */
export function outputName(name: string, field: Field): string {
  const info = infoOf(fieldSchema(field)) as { unit?: string } | undefined;
  return camelCase(name) + (info?.unit === 'ms' ? 'Ms' : '');
}

/** The message description behind a schema, if it is one. */
export function messageInfo(schema: unknown): MessageInfo | undefined {
  const info = infoOf(schema);
  return info?.kind === 'message' ? (info as MessageInfo) : undefined;
}

/**
 * A protobuf message. Input keys may be snake_case or camelCase, `null` means absent; every problem is reported, not
 * only the first: unknown keys with the nearest known name, known but unsupported ones as such, bad values, oneofs.
 *
 * @example
 * const gate = message({ header: required(string()), idle_timeout: duration() }, { name: 'acme.Gate' });
 * gate.parse({ header: 'x', idle_timeout: '1s' }); // { header: 'x', idleTimeoutMs: 1000 }
 */
export function message<const F extends Fields>(fieldTable: F, options: MessageOptions<F>): MessageSchema<F> {
  const { name, known = {}, oneofs = [], check } = options;
  const names = new Map([...Object.keys(fieldTable), ...Object.keys(known)].map((field) => [camelCase(field), field]));
  return protoType<MessageOutput<F>, MessageInfo<F>, MessageInput<F>>({
    kind: 'message',
    name,
    fields: fieldTable,
    known,
    oneofs,
    parse(value, report, child) {
      if (!isMap(value)) {
        report({ message: `expected a map, got ${showValue(value)}`, expected: 'a map', received: showValue(value) });
        return undefined;
      }
      const { written, refused } = sortKeys(value, names, { name, known }, report);
      checkOneofs(written, refused, oneofs, fieldTable, report);
      const output = parseFields(value, fieldTable, written, report, child);
      check?.(output as DeepPartial<MessageOutput<F>>, report);
      return output;
    },
  });
}

/** Proto name → key as written, for implemented fields and for those refused as known; everything else is reported. */
function sortKeys(
  value: RawMap,
  names: ReadonlyMap<string, string>,
  { name, known }: { name: string; known: Readonly<Record<string, string>> },
  report: Report,
): { written: Map<string, string>; refused: Map<string, string> } {
  const written = new Map<string, string>();
  const refused = new Map<string, string>();
  for (const key of Object.keys(value)) {
    const field = names.get(camelCase(key));
    if (field === undefined || (key !== field && key !== camelCase(field))) {
      report(unknownField(key, name, names.values()));
      continue;
    }
    if ((value[key] ?? null) === null) continue;
    if (Object.hasOwn(known, field)) {
      refused.set(field, key);
      report({ path: [key], at: 'key', message: notSupported(known[field]) });
    } else if (written.has(field)) {
      report({ path: [key], at: 'key', message: `"${field}" is given twice, as snake_case and as camelCase` });
    } else {
      written.set(field, key);
    }
  }
  return { written, refused };
}

function unknownField(key: string, message: string, names: Iterable<string>) {
  const hint = didYouMean(key, names);
  return {
    path: [key],
    at: 'key',
    message: `unknown field "${key}" of ${message}`,
    ...(hint === undefined ? {} : { hint }),
  } as const;
}

function checkOneofs(
  written: ReadonlyMap<string, string>,
  refused: ReadonlyMap<string, string>,
  oneofs: readonly Oneof[],
  fieldTable: Fields,
  report: Report,
): void {
  for (const { fields: members, required: needed } of oneofs) {
    const given = members.filter((name) => written.has(name));
    if (given.length > 1) {
      const path = [written.get(given[1]!)!];
      report({ path, at: 'key', message: `only one of ${given.join(', ')} may be given` });
    }
    // A refused member has been told already; "needs one of" would send the user in a circle.
    const missing = given.length === 0 && ![...refused.keys()].some((name) => members.includes(name));
    if (missing && needed)
      report({ message: `needs one of ${members.filter((name) => name in fieldTable).join(', ')}` });
  }
}

function parseFields(
  value: RawMap,
  fieldTable: Fields,
  written: ReadonlyMap<string, string>,
  report: Report,
  child: ChildParser,
): Record<string, unknown> {
  const output: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fieldTable)) {
    const key = written.get(name);
    if (key !== undefined) {
      const schema = fieldSchema(field);
      const part = normaliseKeys(schema, value[key], (issue) =>
        report({ ...issue, path: [key, ...(issue.path ?? [])] }),
      );
      const result = child(schema, part, key);
      if (result !== undefined) output[outputName(name, field)] = result;
    } else {
      absent(name, field, output, report);
    }
  }
  return output;
}

function absent(name: string, field: Field, output: Record<string, unknown>, report: Report): void {
  if (!('presence' in field)) {
    // A plain zod default (`z.string().default('x')`) is honoured too.
    const plain = field.safeParse(undefined);
    if (plain.success && plain.data !== undefined) output[outputName(name, field)] = plain.data;
  } else if (field.presence === 'default') {
    output[outputName(name, field)] = field.value();
  } else {
    report({ path: [name], message: 'is required' });
  }
}

/** Completes a message built by hand with the defaults of its fields, at every depth. Values are not validated. */
export function fillDefaults<F extends Fields>(schema: MessageSchema<F>, init: MessageInit<F>): MessageOutput<F> {
  return fill(schema, init) as MessageOutput<F>;
}

function fill(schema: z.ZodType, init: unknown): unknown {
  const info = messageInfo(schema);
  if (!info) {
    const element = (schema as Partial<ListOf<z.ZodType>>).element;
    return Array.isArray(init) && element ? init.map((item) => fill(element, item)) : init;
  }
  const output: Record<string, unknown> = { ...(init as object) };
  for (const [name, field] of Object.entries(info.fields)) {
    const key = outputName(name, field);
    if (output[key] !== undefined) output[key] = fill(fieldSchema(field), output[key]);
    else if ('presence' in field && field.presence === 'default') output[key] = field.value();
  }
  return output;
}
