/** Lets plain zod schemas read Envoy's JSON form: both spellings of a key, `null` as absent, no key ignored. */
import type { z } from 'zod';
import { didYouMean } from './issues.ts';
import { camelCase, snakeCase } from './naming.ts';
import { infoOf, type Report } from './schema-type.ts';
import { isMap, type RawMap, rawMap } from './source-map.ts';

/** The parts of zod's definitions that are looked at, whatever the type. */
interface AnyDef {
  readonly type: string;
  readonly shape?: Record<string, z.ZodType>;
  readonly catchall?: z.ZodType;
  readonly element?: z.ZodType;
  readonly items?: readonly z.ZodType[];
  readonly rest?: z.ZodType | null;
  readonly valueType?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly left?: z.ZodType;
  readonly right?: z.ZodType;
  readonly getter?: () => z.ZodType;
}

/** The definition of a plain zod type; undefined for our own types, which read raw data themselves. */
function plainDef(schema: z.ZodType): AnyDef | undefined {
  return infoOf(schema) ? undefined : (schema._zod.def as unknown as AnyDef);
}

/** The type a wrapper (`optional`, `default`, `readonly`, `lazy`, `pipe` …) is about. */
function unwrap(def: AnyDef): z.ZodType | undefined {
  return def.innerType ?? def.getter?.() ?? (def.type === 'pipe' ? def.in : undefined);
}

/**
 * Renames the keys of `value` to those of `schema` and reports keys that no object of the schema has. Keys of records
 * belong to the user and stay as they are. The value itself is not validated.
 */
export function normaliseKeys(schema: z.ZodType, value: unknown, report: Report): unknown {
  const def = plainDef(schema);
  if (!def || value === null || typeof value !== 'object') return value;
  const inner = unwrap(def);
  if (inner) return normaliseKeys(inner, value, report);
  if (def.type === 'union') return normaliseUnion(def.options ?? [], value, report);
  if (Array.isArray(value)) {
    return value.map((item, index) => {
      const schemaOfItem = def.element ?? def.items?.[index] ?? def.rest;
      return schemaOfItem ? normaliseKeys(schemaOfItem, item, under(report, index)) : item;
    });
  }
  if (!isMap(value)) return value;
  if (def.type === 'record' && def.valueType) return normaliseRecord(def.valueType, value, report);
  const shape = objectShape(schema);
  return shape ? normaliseObject(shape, value, report) : value;
}

interface Shape {
  readonly fields: Record<string, z.ZodType>;
  /** Schema of further keys; undefined when there may be none. */
  readonly others: z.ZodType | undefined;
}

/** The keys of an object schema; an intersection has those of both sides. */
function objectShape(schema: z.ZodType): Shape | undefined {
  const def = plainDef(schema);
  if (def?.type === 'object') {
    const open = def.catchall && def.catchall._zod.def.type !== 'never';
    return { fields: def.shape ?? {}, others: open ? def.catchall : undefined };
  }
  if (def?.type !== 'intersection' || !def.left || !def.right) return undefined;
  const left = objectShape(def.left);
  const right = objectShape(def.right);
  if (!left || !right) return undefined;
  return { fields: { ...left.fields, ...right.fields }, others: left.others ?? right.others };
}

function normaliseObject({ fields, others }: Shape, value: RawMap, report: Report): RawMap {
  const names = new Map(Object.keys(fields).map((name) => [camelCase(name), name]));
  const result = rawMap();
  for (const key of Object.keys(value)) {
    const name = names.get(camelCase(key));
    const schema = name === undefined ? others : fields[name];
    if (!schema) {
      const hint = didYouMean(key, [...names.values()].map(snakeCase));
      report({ path: [key], at: 'key', message: `unknown field "${key}"`, ...(hint === undefined ? {} : { hint }) });
    } else if (name !== undefined && name in result) {
      report({ path: [key], at: 'key', message: `"${name}" is given twice, as snake_case and as camelCase` });
    } else if (value[key] !== null || schema.safeParse(null).success) {
      result[name ?? key] = normaliseKeys(schema, value[key], under(report, key));
    }
  }
  return result;
}

function normaliseRecord(valueType: z.ZodType, value: RawMap, report: Report): RawMap {
  return rawMap(Object.keys(value).map((key) => [key, normaliseKeys(valueType, value[key], under(report, key))]));
}

/** Reads the value as the option that fits best, so that its unknown keys are told rather than those of the others. */
function normaliseUnion(options: readonly z.ZodType[], value: unknown, report: Report): unknown {
  let best: { value: unknown; issues: Parameters<Report>[0][]; badness: number } | undefined;
  for (const option of options) {
    const issues: Parameters<Report>[0][] = [];
    const candidate = normaliseKeys(option, value, (issue) => issues.push(issue));
    const parsed = option.safeParse(candidate);
    const badness = issues.length + (parsed.success ? 0 : parsed.error.issues.length);
    if (!best || badness < best.badness) best = { value: candidate, issues, badness };
  }
  best?.issues.forEach(report);
  return best ? best.value : value;
}

function under(report: Report, step: string | number): Report {
  return (issue) => report({ ...issue, path: [step, ...(issue.path ?? [])] });
}
