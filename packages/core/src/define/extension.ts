/** What every extension point shares: a definition is at once an entry for `extensions: […]` and YAML, and a function that makes a configured instance in code. */
import type { StandardIssue, StandardSchema } from '../config/standard-schema.ts';
import { MeshError } from '../errors.ts';

/** The kinds of extension that a registry holds. */
export type ExtensionKind =
  | 'http-filter'
  | 'network-filter'
  | 'listener-filter'
  | 'discovery'
  | 'load-balancer'
  | 'cluster-monitor'
  | 'access-log'
  | 'tracer'
  | 'stats-sink';

/** The input type that a schema accepts; `unknown` for schemas that do not say. */
export type SchemaInput<S> = S extends { readonly '~standard': { readonly types?: infer T } }
  ? NonNullable<T> extends { readonly input: infer I }
    ? I
    : unknown
  : unknown;

/** The value that a schema produces. */
export type SchemaOutput<S> = S extends { readonly '~standard': { readonly types?: infer T } }
  ? NonNullable<T> extends { readonly output: infer O }
    ? O
    : unknown
  : S extends StandardSchema<infer O>
    ? O
    : unknown;

/** What every definition has. */
export interface ExtensionBase<Kind extends ExtensionKind = ExtensionKind> {
  readonly kind: Kind;
  /** The name in configuration, e.g. `acme.filters.http.gate`. Unique within a registry and kind. */
  readonly name: string;
  /** `type.googleapis.com/…` of the config message, for YAML that names it by `@type`. */
  readonly typeUrl: string | undefined;
  readonly config: StandardSchema;
  readonly routeConfig: StandardSchema | undefined;
}

/** A definition together with a checked config: what the code door puts into a chain. */
export interface Configured<Definition extends ExtensionBase> {
  readonly definition: Definition;
  readonly config: unknown;
}

/** Takes any config as it is. */
export const anything: StandardSchema = {
  '~standard': { version: 1, vendor: 'mesh', validate: (value) => ({ value }) },
};

/** Makes the definition callable; the properties of the function are the definition's. */
export function factory<Definition extends ExtensionBase>(definition: Definition) {
  const make = (config: unknown = {}) => ({ definition: made, config: checkConfig(definition, config) });
  const made = Object.defineProperties(make, Object.getOwnPropertyDescriptors(definition)) as unknown as Definition;
  return made;
}

/** Checks a config that code gives. @throws MeshError `CONFIG_INVALID` that names every problem. */
function checkConfig(definition: ExtensionBase, config: unknown): unknown {
  const result = definition.config['~standard'].validate(config);
  if (result instanceof Promise) {
    throw new MeshError('CONFIG_INVALID', `${definition.name}: schemas that check asynchronously cannot be used`);
  }
  if (result.issues === undefined) return result.value;
  const problems = result.issues.map((issue) => `  ${issuePath(issue)}${issue.message}`).join('\n');
  throw new MeshError('CONFIG_INVALID', `invalid config for ${definition.name}:\n${problems}`);
}

function issuePath(issue: StandardIssue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return path === '' ? '' : `${path}: `;
}
