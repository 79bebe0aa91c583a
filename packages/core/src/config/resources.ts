/** Clusters, listeners and route tables that come to a proxy while it runs, one or several at a time. */
import type { z } from 'zod';
import { canonicalForm } from './canonical.ts';
import type { ClusterConfig } from './cluster.ts';
import { clusterSchema } from './cluster.ts';
import { type CheckContext, checkReferences, checkRouteTable } from './cross-checks.ts';
import type { Extensions, ResolvedExtension } from './extension.ts';
import { parseZod } from './extension-config.ts';
import { deepFreeze } from './freeze.ts';
import { ConfigError, type ConfigIssue, type ConfigPath, formatPath, type SchemaIssue } from './issues.ts';
import { type ListenerConfig, listenerSchema } from './listener.ts';
import { loadConfigText } from './load.ts';
import { type DeepPartial, fillDefaults } from './message.ts';
import { resolveExtensions } from './resolve-extensions.ts';
import { type RouteConfiguration, routeConfigurationSchema } from './route.ts';
import { isMap, type RawMap } from './source-map.ts';
import { type WrittenJson, writtenForm } from './written-form.ts';

/** A resource in Envoy's JSON form, in either spelling of the field names. */
export interface JsonResource {
  readonly json: object;
}

/** A resource, checked. */
export interface CheckedResource<Config> {
  readonly config: Config;
  /** Under proto names, for `/config_dump`. */
  readonly raw: () => { readonly [key: string]: WrittenJson };
}

/** What resources are checked against. */
export interface ResourceContext {
  readonly extensions: Extensions;
  /** Names of the clusters that routes may point at. */
  readonly clusters: readonly string[];
}

/** @throws ConfigError with every problem of all of them. */
export function checkClusters(
  given: readonly (ClusterConfig | JsonResource)[],
  context: ResourceContext,
): CheckedResource<ClusterConfig>[] {
  return checkAll(clusterSchema, 'clusters', given, context) as unknown as CheckedResource<ClusterConfig>[];
}

/** @throws ConfigError with every problem of all of them. */
export function checkListeners(
  given: readonly (ListenerConfig | JsonResource)[],
  context: ResourceContext,
): CheckedResource<ListenerConfig>[] {
  return checkAll(listenerSchema, 'listeners', given, context) as unknown as CheckedResource<ListenerConfig>[];
}

/** A problem of a whole resource, in the form in which problems of fields are told. */
export function resourceProblem(path: ConfigPath, message: string): ConfigError {
  return new ConfigError([located({ path, message })]);
}

interface Read {
  readonly value: unknown;
  readonly raw: () => unknown;
}

function checkAll(
  schema: z.ZodType,
  list: 'clusters' | 'listeners',
  given: readonly (object | JsonResource)[],
  context: ResourceContext,
): CheckedResource<unknown>[] {
  const issues: SchemaIssue[] = [];
  const paths = new Map<ResolvedExtension, ConfigPath>();
  const values = given.map((one, index): Read => {
    if (!isJson(one)) return { value: one, raw: () => writtenForm(schema, one) };
    return readJson(schema, one, [list, index], { issues, paths, extensions: context.extensions });
  });
  const check: CheckContext = {
    extensions: context.extensions,
    pathOf: (filter) => paths.get(filter),
    otherClusters: context.clusters,
  };
  const together = { staticResources: { [list]: values.map(({ value }) => value) } };
  for (const issue of checkReferences(together as never, check)) issues.push({ ...issue, path: unwrapped(issue.path) });
  if (issues.length > 0) throw new ConfigError(issues.map(located));
  return values.map(({ value, raw }) => ({ config: deepFreeze(value as object), raw: raw as never }));
}

/** Checks are made of a whole config: what is told of is only the part that was given. */
function unwrapped(path: ConfigPath): ConfigPath {
  return path[0] === 'static_resources' ? path.slice(1) : path;
}

interface Reading {
  readonly issues: SchemaIssue[];
  readonly paths: Map<ResolvedExtension, ConfigPath>;
  readonly extensions: Extensions;
}

function readJson(schema: z.ZodType, { json }: JsonResource, at: ConfigPath, reading: Reading): Read {
  const { data, problem } = plainData(json);
  if (data === undefined) {
    reading.issues.push({ path: at, message: problem });
    return { value: undefined, raw: () => ({}) };
  }
  const { value, issues } = parseZod(schema, data);
  const resolution = resolveExtensions(value, data, reading.extensions);
  for (const { extension, path } of resolution.resolved) reading.paths.set(extension, [...at, ...path]);
  for (const issue of [...issues, ...resolution.issues])
    reading.issues.push({ ...issue, path: [...at, ...issue.path] });
  return { value, raw: () => canonicalForm(schema, data, reading.extensions) };
}

/** A copy by the reader of files, which refuses what no file may hold either. */
function plainData(json: object): { readonly data: RawMap | undefined; readonly problem: string } {
  let text: string;
  try {
    text = JSON.stringify(json);
  } catch (error) {
    return { data: undefined, problem: `is no JSON: ${(error as Error).message}` };
  }
  const { data, issues } = loadConfigText(text, 'update.json');
  return { data: issues.length > 0 ? undefined : data, problem: issues[0]?.message ?? 'expected a map' };
}

/** What stands in for the config of a connection manager: its HTTP filters decide what routes may say about them. */
export interface RouteTableContext extends ResourceContext {
  /** HTTP filters of a connection manager that will have the table. */
  readonly httpFilters: readonly ResolvedExtension[];
}

/**
 * A route table under the name `name`. As with Envoy's RDS, clusters that it names need not exist, unless it says
 * `validate_clusters`.
 * @throws ConfigError with every problem.
 */
export function checkRoutes(
  name: string,
  given: RouteTableOptions | JsonResource,
  context: RouteTableContext,
): CheckedResource<RouteConfiguration> {
  const read = isJson(given) ? readRoutes(given, context) : typedRoutes(given);
  const issues = [...read.issues];
  const config = read.value as RouteConfiguration | undefined;
  if (config !== undefined) {
    if ((config.name ?? '') !== '' && config.name !== name) {
      issues.push({ path: ['name'], message: `the route configuration is named '${config.name}', not '${name}'` });
    }
    if (read.validateClusters)
      issues.push(...checkRouteTable({ ...config, validateClusters: true }, [], context.clusters));
  }
  if (issues.length > 0) throw new ConfigError(issues.map(located));
  const named = { ...(config as RouteConfiguration), name };
  return { config: deepFreeze(named), raw: () => ({ ...(read.raw() as object), name }) as never };
}

/** A route table made in code: what is left out has its default. */
export type RouteTableOptions = DeepPartial<RouteConfiguration> & Pick<RouteConfiguration, 'virtualHosts'>;

interface ReadRoutes extends Read {
  readonly issues: readonly SchemaIssue[];
  /** It was asked for; the default of the field is for tables that never change. */
  readonly validateClusters: boolean;
}

function typedRoutes(given: RouteTableOptions): ReadRoutes {
  const value = fillDefaults(routeConfigurationSchema, given as never);
  const raw = () => writtenForm(routeConfigurationSchema, value);
  return { value, raw, issues: [], validateClusters: given.validateClusters === true };
}

function readRoutes({ json }: JsonResource, { httpFilters, extensions }: RouteTableContext): ReadRoutes {
  const { data, problem } = plainData(json);
  if (data === undefined) {
    return { value: undefined, raw: () => ({}), issues: [{ path: [], message: problem }], validateClusters: false };
  }
  const { value, issues } = parseZod(routeConfigurationSchema, data);
  const resolution = resolveExtensions({ httpFilters, routeConfig: value }, data, extensions);
  const raw = canonicalForm(routeConfigurationSchema, data, extensions) as RawMap;
  const validateClusters = raw.validate_clusters === true;
  return { value, raw: () => raw, issues: [...issues, ...resolution.issues], validateClusters };
}

function isJson(given: object): given is JsonResource {
  return 'json' in given && isMap(given.json);
}

function located({ path, message, hint }: SchemaIssue): ConfigIssue {
  return { path: formatPath(path), file: 'update', line: 0, col: 0, message, ...(hint === undefined ? {} : { hint }) };
}
