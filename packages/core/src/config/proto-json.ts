/** Scalars and well-known types of Envoy's JSON form, as zod types. */
import { z } from 'zod';
import { didYouMean, showValue } from './issues.ts';
import { type Defaulted, type ListOf, message, notSupported, required, withDefault } from './message.ts';
import { type JsonFragment, type ProtoInfo, type ProtoType, protoType } from './schema-type.ts';
import { isMap, rawMap } from './source-map.ts';

/** The description of a scalar, for introspection. */
export interface LeafInfo extends ProtoInfo {
  readonly kind: 'leaf';
  /** JSON Schema of the input form. */
  readonly json: JsonFragment;
  /** The form Envoy itself would print, for `/config_dump`. */
  readonly canonical?: (value: unknown) => unknown;
  /** Values that Envoy knows and this version refuses, each with the reason. */
  readonly knownValues?: Readonly<Record<string, string>>;
}

/** A scalar type. */
export type Leaf<Output, Input = Output> = ProtoType<Output, LeafInfo, Input>;

/** The type of a duration field; its output counts milliseconds. */
export type DurationLeaf = ProtoType<number, LeafInfo & { readonly unit: 'ms' }, DurationInput>;

/** `"0.25s"`, or the v2 form. */
export type DurationInput = string | { readonly seconds?: number | string; readonly nanos?: number };

class Refusal {
  readonly message: string;
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    this.message = message;
    this.hint = hint;
  }
}

function isRefusal(output: unknown): output is Refusal {
  return output instanceof Refusal;
}

interface LeafSpec<Output> {
  /** Completes "expected …". */
  readonly expected: string;
  readonly json: JsonFragment;
  /** Undefined when the value is not of the expected form; a `Refusal` to say more. */
  readonly convert: (value: unknown) => Output | Refusal | undefined;
  readonly canonical?: (value: unknown) => unknown;
  readonly knownValues?: Readonly<Record<string, string>>;
  readonly unit?: 'ms';
}

function leaf<Output extends {}, Input = Output>(spec: LeafSpec<Output>): Leaf<Output, Input> {
  const { expected, convert, ...rest } = spec;
  return protoType<Output, LeafInfo, Input>({
    ...rest,
    kind: 'leaf',
    parse(value, report) {
      const output = convert(value);
      if (output !== undefined && !isRefusal(output)) return output;
      const received = showValue(value);
      const { message, hint } = output ?? new Refusal(`expected ${expected}, got ${received}`);
      report({ message, expected, received, ...(hint === undefined ? {} : { hint }) });
      return undefined;
    },
  });
}

/** `true` or `false`. */
export function bool(): Leaf<boolean> {
  return leaf({
    expected: 'true or false',
    json: { type: 'boolean' },
    convert: (value) => (typeof value === 'boolean' ? value : undefined),
  });
}

/** Rules for text. */
export interface StringRules {
  readonly minLength?: number;
  /** Completes "expected …" when `pattern` does not match. */
  readonly expected?: string;
  readonly pattern?: RegExp;
}

/** Text. A number in its place must be quoted, as in Envoy. */
export function string({ minLength = 0, pattern, expected }: StringRules = {}): Leaf<string> {
  return leaf<string>({
    expected: expected ?? (minLength > 0 ? 'a non-empty string' : 'a string'),
    json: { type: 'string', ...(minLength ? { minLength } : {}), ...(pattern ? { pattern: pattern.source } : {}) },
    convert(value) {
      if (typeof value === 'number' || typeof value === 'boolean') {
        return new Refusal(`expected a string, got ${value}`, `put it in quotes: "${value}"`);
      }
      if (typeof value !== 'string' || value.length < minLength) return undefined;
      return !pattern || pattern.test(value) ? value : undefined;
    },
  });
}

/** Text that must be there: most names. */
export function nonEmpty(): Leaf<string> {
  return string({ minLength: 1 });
}

/** Bounds of a number, both included. */
export interface NumberRules {
  readonly min?: number;
  readonly max?: number;
}

/** A uint32, also when written as text. Covers the UInt32Value wrapper, which has the same JSON form. */
export function uint32({ min = 0, max = 0xffff_ffff }: NumberRules = {}): Leaf<number, number | string> {
  return integer(min, max);
}

/** A uint64, also when written as text. Values beyond 2^53 are rounded to the nearest number. */
export function uint64({ min = 0, max = 2 ** 64 }: NumberRules = {}): Leaf<number, number | string> {
  return integer(min, max);
}

/** An int64, also when written as text. Values beyond ±2^53 are rounded to the nearest number. */
export function int64({ min = -(2 ** 63), max = 2 ** 63 }: NumberRules = {}): Leaf<number, number | string> {
  return integer(min, max);
}

function integer(min: number, max: number): Leaf<number, number | string> {
  const range = Number.isSafeInteger(max) ? `a whole number from ${min} to ${max}` : 'a whole number';
  const bounds = { minimum: min, ...(Number.isSafeInteger(max) ? { maximum: max } : {}) };
  return leaf({
    expected: range,
    json: {
      anyOf: [
        { type: 'integer', ...bounds },
        { type: 'string', pattern: '^-?[0-9]+$' },
      ],
    },
    convert(value) {
      const number = typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? Number(value) : value;
      return typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max
        ? number
        : undefined;
    },
    canonical: (value) => (typeof value === 'string' && Number.isSafeInteger(Number(value)) ? Number(value) : value),
  });
}

/** A floating-point number, also when written as text. */
export function double({ min = -Infinity, max = Infinity }: NumberRules = {}): Leaf<number, number | string> {
  return leaf({
    expected: Number.isFinite(max) ? `a number from ${min} to ${max}` : 'a number',
    json: { type: ['number', 'string'] },
    convert(value) {
      const number = typeof value === 'string' && /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(value) ? Number(value) : value;
      return typeof number === 'number' && number >= min && number <= max ? number : undefined;
    },
  });
}

/** Bounds of a duration in milliseconds; `above` excludes the bound itself. */
export interface DurationRules {
  readonly minMs?: number;
  readonly aboveMs?: number;
  readonly belowMs?: number;
}

/** Longest duration that Envoy takes, in seconds: it counts nanoseconds in an int64. */
const maxDurationSeconds = 9_223_372_035;

const durationPattern = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;

/** A Duration: `"0.25s"`, or in the v2 form `{ seconds, nanos }`. Output in milliseconds under a name ending in `Ms`. */
export function duration({ minMs = 0, aboveMs = -Infinity, belowMs = Infinity }: DurationRules = {}): DurationLeaf {
  return leaf<number, DurationInput>({
    unit: 'ms',
    expected: 'a duration such as "0.25s"',
    json: {
      type: 'string',
      pattern: '^[0-9]{1,12}(\\.[0-9]{1,9})?s$',
      description: 'A duration in seconds, for example "0.25s".',
    },
    convert(value) {
      const ms = toMilliseconds(value);
      if (ms === undefined)
        return new Refusal(`expected a duration such as "0.25s", got ${showValue(value)}`, unitHint(value));
      if (ms <= aboveMs) return new Refusal(`must be greater than ${aboveMs / 1000}s, got ${showDuration(ms)}`);
      if (ms < minMs) return new Refusal(`must be at least ${minMs / 1000}s, got ${showDuration(ms)}`);
      if (ms >= belowMs) return new Refusal(`must be less than ${belowMs / 1000}s, got ${showDuration(ms)}`);
      // The fraction of the last second is still in range.
      if (ms < (maxDurationSeconds + 1) * 1000) return ms;
      return new Refusal(`must be at most ${maxDurationSeconds}s, got ${showDuration(ms)}`);
    },
    canonical(value) {
      const ms = isMap(value) ? toMilliseconds(value) : undefined;
      return ms === undefined ? value : showDuration(ms);
    },
  }) as DurationLeaf;
}

function toMilliseconds(value: unknown): number | undefined {
  if (isMap(value)) return fromParts(value);
  const parts = typeof value === 'string' ? durationPattern.exec(value) : null;
  if (!parts) return undefined;
  const [, sign, seconds, fraction = ''] = parts;
  // Digit by digit, because 0.1 * 1000 style arithmetic would leave 249.99999999999997.
  const nanos = Number(fraction.padEnd(9, '0'));
  const ms = Number(seconds) * 1000 + nanos / 1e6;
  return sign === '-' ? -ms : ms;
}

function fromParts(value: object): number | undefined {
  const { seconds = 0, nanos = 0, ...others } = value as { seconds?: unknown; nanos?: unknown };
  const whole = typeof seconds === 'string' && /^-?\d+$/.test(seconds) ? Number(seconds) : seconds;
  if (Object.keys(others).length > 0 || !Number.isInteger(whole) || !Number.isInteger(nanos)) return undefined;
  return (whole as number) * 1000 + (nanos as number) / 1e6;
}

function showDuration(ms: number): string {
  return `${ms / 1000}s`;
}

const unitSeconds: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, min: 60, h: 3600, d: 86400 };

function unitHint(value: unknown): string | undefined {
  const parts = /^(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)?$/.exec(String(value));
  if (!parts) return undefined;
  const seconds = `${Number(parts[1]) * unitSeconds[parts[2] ?? 's']!}s`;
  return durationPattern.test(seconds) ? `write "${seconds}"` : undefined;
}

/** An enum by name, by number, or (2018 files) by its name in lower case. Numbers count from 0 when they are not given. */
export function enumOf<const Names extends readonly string[]>(
  names: Names,
  known: Readonly<Record<string, { readonly number: number; readonly reason?: string }>> = {},
  numbers: readonly number[] = [...names.keys()],
): Leaf<Names[number]> {
  const byNumber = new Map<unknown, string>(names.map((name, index) => [numbers[index], name]));
  for (const [name, { number }] of Object.entries(known)) byNumber.set(number, name);
  const nameOf = (value: unknown) => {
    if (typeof value !== 'string') return byNumber.get(value);
    const upper = value === value.toLowerCase() ? value.toUpperCase() : value;
    return names.includes(upper) || Object.hasOwn(known, upper) ? upper : undefined;
  };
  const all = [...names, ...Object.keys(known)];
  return leaf<Names[number]>({
    expected: `one of ${names.join(', ')}`,
    json: { enum: [...names] },
    knownValues: Object.fromEntries(Object.entries(known).map(([name, { reason = '' }]) => [name, reason])),
    convert(value) {
      const name = nameOf(value);
      if (name !== undefined && Object.hasOwn(known, name)) {
        return new Refusal(`${name} is ${notSupported(known[name]!.reason)}`);
      }
      if (name !== undefined) return name;
      const hint = typeof value === 'string' ? didYouMean(value, all) : undefined;
      return new Refusal(`expected one of ${names.join(', ')}, got ${showValue(value)}`, hint);
    },
    canonical: (value) => nameOf(value) ?? value,
  });
}

/** A field of which this version implements one value only; the others are known and refused with the reason. */
export function only<Output, Input>(schema: Leaf<Output, Input>, allowed: Output, reason: string): Leaf<Output, Input> {
  return protoType<Output, LeafInfo, Input>({
    kind: 'leaf',
    json: { const: allowed },
    knownValues: { [`other than ${JSON.stringify(allowed)}`]: reason },
    parse(value, report, child) {
      let failed = false;
      const output = schema.info.parse(
        value,
        (issue) => {
          failed = true;
          report(issue);
        },
        child,
      );
      if (!failed && output !== allowed) {
        report({ message: `${showValue(output)} is ${notSupported(reason)}`, expected: showValue(allowed) });
      }
      return output;
    },
  });
}

/** A repeated or message field that is accepted only when empty: anything in it is known and refused with the reason. */
export function onlyEmpty(
  form: 'list' | 'map',
  reason: string,
): Leaf<undefined, readonly [] | Readonly<Record<string, never>>> {
  return protoType({
    kind: 'leaf',
    json: form === 'list' ? { type: 'array', maxItems: 0 } : { type: 'object', maxProperties: 0 },
    knownValues: { 'not empty': reason },
    parse(value, report) {
      const rightForm = form === 'list' ? Array.isArray(value) : isMap(value);
      if (!rightForm) report({ message: `expected a ${form}, got ${showValue(value)}`, expected: `a ${form}` });
      else if (Object.keys(value as object).length > 0) report({ message: notSupported(reason), at: 'key' });
      return undefined;
    },
  });
}

/** Whole groups of four, the last one with or without its padding: a decoder would drop a stray character silently. */
const base64Pattern = /^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/;

/** Base64 text, in either alphabet. */
export function bytes(): Leaf<Uint8Array, string> {
  return leaf<Uint8Array, string>({
    expected: 'base64 text',
    json: { type: 'string', contentEncoding: 'base64' },
    convert: (value) =>
      typeof value === 'string' && base64Pattern.test(value) ? Buffer.from(value, 'base64') : undefined,
  });
}

/** A google.protobuf.Struct: any map, keys untouched. */
export function struct(): Leaf<Readonly<Record<string, unknown>>> {
  return leaf<Readonly<Record<string, unknown>>>({
    expected: 'a map',
    json: { type: 'object' },
    convert: (value) => (isMap(value) ? copyData(value) : undefined),
  });
}

function copyData<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyData) as T;
  return isMap(value) ? (rawMap(Object.keys(value).map((key) => [key, copyData(value[key])])) as T) : value;
}

/** A repeated field; absent means empty. */
export function list<Item extends z.ZodType>(
  item: Item,
  { min = 0, max = Number.POSITIVE_INFINITY } = {},
): Defaulted<ListOf<Item>> {
  const schema = z.array(item) as unknown as ListOf<Item>;
  if (min === 0 && max === Number.POSITIVE_INFINITY) return withDefault(schema, []);
  const most =
    max === Number.POSITIVE_INFINITY ? z.array(item) : z.array(item).max(max, `may have at most ${max} items`);
  const limited = most.min(min, `needs at least ${min} ${min === 1 ? 'item' : 'items'}`);
  return { presence: 'default', schema: limited as unknown as ListOf<Item>, value: () => [] };
}

/** A map field with keys of the user's choosing; absent means empty. */
export function mapOf<Value extends z.ZodType>(
  value: Value,
): Defaulted<z.ZodType<Readonly<Record<string, z.output<Value>>>, unknown>> {
  const schema = z.record(z.string(), value);
  return withDefault(schema as unknown as z.ZodType<Readonly<Record<string, z.output<Value>>>, unknown>, {});
}

/** Percent, 0 to 100. */
export const percent = message(
  { value: withDefault(double({ min: 0, max: 100 }), 0) },
  { name: 'envoy.type.v3.Percent' },
);

/** A fraction of 100, 10 000 or 1 000 000. */
export const fractionalPercent = message(
  {
    numerator: withDefault(uint32(), 0),
    denominator: withDefault(enumOf(['HUNDRED', 'TEN_THOUSAND', 'MILLION']), 'HUNDRED'),
  },
  { name: 'envoy.type.v3.FractionalPercent' },
);

/** A fraction that a runtime key may override. */
export const runtimeFractionalPercent = message(
  { default_value: required(fractionalPercent), runtime_key: string() },
  { name: 'envoy.config.core.v3.RuntimeFractionalPercent' },
);
