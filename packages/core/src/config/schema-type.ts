/** Our own zod types: a parse function plus what other code wants to know about the type. */
import { z } from 'zod';
import type { SchemaIssue } from './issues.ts';

/** A fragment of JSON Schema. */
export type JsonFragment = { readonly [key: string]: unknown };

/** Collects the problems of one value; paths are relative to that value. */
export type Report = (issue: Omit<SchemaIssue, 'path'> & { readonly path?: SchemaIssue['path'] }) => void;

/** What stands behind one of our zod types: see `message()`, `leaf()` and `extension()`. */
export interface ProtoInfo {
  readonly kind: string;
  /** Turns raw data into the output; reports problems instead of throwing. */
  parse(value: unknown, report: Report, child: ChildParser): unknown;
}

/** Parses a part of the value at hand; its problems are reported under `step`. */
export type ChildParser = (schema: z.ZodType, value: unknown, step: string | number) => unknown;

/** A zod type backed by a `ProtoInfo`. */
export interface ProtoType<Output, Info extends ProtoInfo = ProtoInfo, Input = unknown>
  extends z.ZodType<Output, Input> {
  readonly info: Info;
}

interface ProtoDef extends z.core.$ZodTypeDef {
  readonly type: 'custom';
  readonly info: ProtoInfo;
}

const ProtoTypeClass = z.core.$constructor<ProtoType<unknown>, ProtoDef>('MeshProtoType', (inst, def) => {
  z.ZodType.init(inst, def);
  Object.defineProperty(inst, 'info', { value: def.info });
  inst._zod.parse = (payload, context) => {
    const input = payload.value;
    payload.value = def.info.parse(
      input,
      ({ path = [], message, ...params }) => {
        payload.issues.push({ code: 'custom', path: [...path], message, input, params: { config: params } });
      },
      (schema, value, step) => {
        const result = schema._zod.run({ value, issues: [] }, context);
        if (result instanceof Promise) throw new z.core.$ZodAsyncError();
        payload.issues.push(...z.core.util.prefixIssues(step, result.issues));
        return isOfKind(schema, result.value) ? result.value : undefined;
      },
    );
    return payload;
  };
});

/** zod leaves what is no list or map where one should be; later checks must not trip over it. */
function isOfKind(schema: z.ZodType, value: unknown): boolean {
  if (schema instanceof z.ZodArray) return Array.isArray(value);
  return !(schema instanceof z.ZodRecord) || (typeof value === 'object' && value !== null);
}

/** Makes a zod type (and so a Standard Schema) from a parse function and its description. */
export function protoType<Output, Info extends ProtoInfo, Input = unknown>(info: Info): ProtoType<Output, Info, Input> {
  return new ProtoTypeClass({ type: 'custom', info }) as unknown as ProtoType<Output, Info, Input>;
}

/** The description behind a schema made here; undefined for plain zod types. Looks through zod's refinements. */
export function infoOf(schema: unknown): ProtoInfo | undefined {
  const def = (schema as { _zod?: { def?: Partial<ProtoDef> } } | undefined)?._zod?.def;
  return def?.info;
}
