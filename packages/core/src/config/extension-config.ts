/** Runs the schema of an extension over its part of the configuration file. */
import { z } from 'zod';
import type { ConfigPath, SchemaIssue } from './issues.ts';
import { normaliseKeys } from './plain-zod.ts';
import { infoOf } from './schema-type.ts';
import type { StandardSchema } from './standard-schema.ts';
import { fromZodIssue } from './zod-issues.ts';

/** The parsed configuration and its problems. Where there are problems, `value` is incomplete or undefined. */
export interface ParsedExtensionConfig {
  readonly value: unknown;
  readonly issues: readonly SchemaIssue[];
}

/**
 * Checks `rawNode` against any Standard Schema; paths of problems start with `basePath`.
 *
 * For zod schemas both spellings of a key are accepted and unknown keys are refused, even where the zod object is not
 * strict. Other schemas see the data as it was written. Schemas that validate asynchronously are refused, because
 * configuration is loaded in one step.
 */
export function parseExtensionConfig(
  schema: StandardSchema,
  rawNode: unknown,
  basePath: ConfigPath = [],
): ParsedExtensionConfig {
  const parsed = isZod(schema) ? parseZod(schema, rawNode) : parseStandard(schema, rawNode);
  return { ...parsed, issues: parsed.issues.map((issue) => ({ ...issue, path: [...basePath, ...issue.path] })) };
}

function isZod(schema: StandardSchema): schema is StandardSchema & z.ZodType {
  return '_zod' in schema && typeof (schema as { safeParse?: unknown }).safeParse === 'function';
}

/**
 * Runs a zod schema over raw data. The value comes back even when there are problems, with what was wrong left out
 * where the schema is one of ours, so that later checks can still find the rest.
 */
export function parseZod(schema: z.ZodType, rawNode: unknown): ParsedExtensionConfig {
  const issues: SchemaIssue[] = [];
  const value = normaliseKeys(schema, rawNode, (issue) => issues.push({ ...issue, path: issue.path ?? [] }));
  try {
    const context = { async: false };
    const result = schema._zod.run({ value, issues: [] }, context);
    if (result instanceof Promise) throw new z.core.$ZodAsyncError();
    for (const issue of result.issues) {
      const final = z.core.util.finalizeIssue(issue, context, z.core.config());
      issues.push(...fromZodIssue(final as z.core.$ZodIssue, rawNode));
    }
    return { value: infoOf(schema) || issues.length === 0 ? result.value : undefined, issues };
  } catch (error) {
    if (error instanceof z.core.$ZodAsyncError) return refuseAsync('zod');
    throw error;
  }
}

function parseStandard(schema: StandardSchema, rawNode: unknown): ParsedExtensionConfig {
  const result = schema['~standard'].validate(rawNode);
  if (result instanceof Promise) {
    result.catch(() => undefined); // refused below; a late rejection must not take the process down
    return refuseAsync(schema['~standard'].vendor);
  }
  if (!result.issues) return { value: result.value, issues: [] };
  const issues = result.issues.map(({ message, path = [] }) => ({ message, path: path.map(stepOf) }));
  return { value: undefined, issues };
}

function refuseAsync(vendor: string): ParsedExtensionConfig {
  const message = `the ${vendor} schema of this extension validates asynchronously, which configuration cannot do`;
  return { value: undefined, issues: [{ path: [], message }] };
}

function stepOf(step: PropertyKey | { readonly key: PropertyKey }): string | number {
  const key = typeof step === 'object' ? step.key : step;
  return typeof key === 'number' ? key : String(key);
}
