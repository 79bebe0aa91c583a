/** Turns zod's findings into ours: the words of this project, paths as the user wrote them. */
import type { z } from 'zod';
import { type ConfigPath, didYouMean, type SchemaIssue, showValue } from './issues.ts';
import { snakeCase, writtenKey } from './naming.ts';
import { isMap } from './source-map.ts';

type ZodIssue = z.core.$ZodIssue;

/** Every problem behind one zod issue; `data` is the raw value that was parsed. */
export function fromZodIssue(issue: ZodIssue, data: unknown, base: ConfigPath = []): SchemaIssue[] {
  const { path, value } = follow(data, [...base, ...(issue.path as (string | number)[])]);
  switch (issue.code) {
    case 'custom':
      return [{ path, message: issue.message, ...(issue.params?.config as object | undefined) }];
    case 'invalid_type':
      return [typeIssue(path, expectedType(issue.expected), value)];
    case 'invalid_value':
      return [valueIssue(path, issue.values, value)];
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], at: 'key', message: `unknown field "${key}"` }));
    case 'invalid_union':
      return unionIssues(issue.errors, data, path);
    default:
      return [{ path, message: value === undefined ? issue.message : `${issue.message}, got ${showValue(value)}` }];
  }
}

/** "is required" or "expected X, got Y". */
function typeIssue(path: ConfigPath, expected: string, value: unknown): SchemaIssue {
  if (value === undefined) return { path, message: `is required (${expected})`, expected };
  const received = showValue(value);
  return { path, message: `expected ${expected}, got ${received}`, expected, received };
}

function valueIssue(path: ConfigPath, values: readonly unknown[], value: unknown): SchemaIssue {
  const names = values.map(String);
  const expected = names.length === 1 ? names[0]! : `one of ${names.join(', ')}`;
  const hint = typeof value === 'string' ? didYouMean(value, names) : undefined;
  return { ...typeIssue(path, expected, value), ...(hint === undefined ? {} : { hint }) };
}

/** The option with the fewest problems is the one that was meant. */
function unionIssues(errors: readonly (readonly ZodIssue[])[], data: unknown, path: ConfigPath): SchemaIssue[] {
  const options = errors.map((issues) => issues.flatMap((issue) => fromZodIssue(issue, data, path)));
  const types = options.map((issues) =>
    issues.length === 1 && issues[0]!.path.length === path.length ? issues[0]! : undefined,
  );
  if (types.length > 0 && types.every((issue) => issue?.expected !== undefined)) {
    return [typeIssue(path, types.map((issue) => issue!.expected).join(' or '), follow(data, path).value)];
  }
  const sorted = [...options].sort((a, b) => a.length - b.length || depth(b) - depth(a));
  return sorted[0] ?? [{ path, message: 'matches none of the allowed forms' }];
}

function depth(issues: readonly SchemaIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

function expectedType(type: string): string {
  if (type === 'object' || type === 'record') return 'a map';
  if (type === 'array' || type === 'tuple') return 'a list';
  if (type === 'boolean') return 'true or false';
  if (type === 'int') return 'a whole number';
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

/** Follows a path through raw data; steps come back in the spelling of the file, missing ones in snake_case. */
function follow(data: unknown, path: ConfigPath): { path: ConfigPath; value: unknown } {
  const written: (string | number)[] = [];
  let value = data;
  for (const step of path) {
    const key = typeof step === 'string' && isMap(value) ? writtenKey(value, step) : step;
    const found = key !== undefined && value !== null && typeof value === 'object';
    written.push(key ?? snakeCase(String(step)));
    value = found ? (value as Record<string | number, unknown>)[key] : undefined;
  }
  return { path: written, value: value === null ? undefined : value };
}
