/** Reads what a route check is made of: a route table, alone or in a bootstrap, and a file of tests. */
import { parseZod } from '../config/extension-config.ts';
import { deepFreeze } from '../config/freeze.ts';
import type { HttpConnectionManagerConfig } from '../config/http-connection-manager.ts';
import { ConfigError, type ConfigIssue, sortIssues } from '../config/issues.ts';
import { type LoadedConfig, loadConfigFile, loadConfigText } from '../config/load.ts';
import { parseBootstrap } from '../config/parse.ts';
import { type ConfigPlace, noteRoutes, routeTablesOf } from '../config/places.ts';
import { type RouteConfiguration, routeConfigurationSchema } from '../config/route.ts';
import { isMap, rawMap } from '../config/source-map.ts';
import { httpConnectionManager } from '../http-connection-manager.ts';
import type { Registry } from '../registry.ts';
import { type RouteTests, validationSchema } from './schema.ts';

/** A route table and where it comes from. */
export interface FoundTable {
  /** '' for a route configuration that stands alone. */
  readonly listener: string;
  readonly statPrefix: string;
  readonly table: RouteConfiguration;
  placeOf(node: object): ConfigPlace | undefined;
}

/** The path of a file, or the content of one. */
export type RouteCheckInput = string | object;

/** @throws ConfigError with every problem. */
export function loadTables(input: RouteCheckInput, registry: Registry): FoundTable[] {
  const loaded = load(input, 'routes.json');
  const keys = Object.keys(loaded.data ?? {});
  const alone = keys.some((key) => key === 'virtual_hosts' || key === 'virtualHosts');
  return alone ? [loneTable(loaded)] : tablesOfBootstrap(loaded, registry);
}

function load(input: RouteCheckInput, name: string): LoadedConfig {
  return typeof input === 'string' ? loadConfigFile(input) : loadConfigText(JSON.stringify(input, null, 2), name);
}

function tablesOfBootstrap(loaded: LoadedConfig, registry: Registry): FoundTable[] {
  const { config, places } = parseBootstrap(loaded, { extensions: registry });
  return config.staticResources.listeners.flatMap((listener) => {
    const chains = [...listener.filterChains, ...(listener.defaultFilterChain ? [listener.defaultFilterChain] : [])];
    return chains.flatMap(({ filters }) =>
      filters.flatMap(({ definition, config: own }) => {
        if (definition !== (httpConnectionManager as unknown)) return [];
        const manager = own as HttpConnectionManagerConfig;
        return routeTablesOf(manager).map(({ table }) => ({
          listener: listener.name,
          statPrefix: manager.statPrefix,
          table,
          placeOf: (node: object) => places.get(node),
        }));
      }),
    );
  });
}

/** No clusters and no filters are known beside a lone table: what it says to filters is left out. */
function loneTable(loaded: LoadedConfig): FoundTable {
  const data = loaded.data ?? rawMap();
  dropFilterConfigs(data);
  const table = parsed<RouteConfiguration>(loaded, routeConfigurationSchema);
  const places = new WeakMap<object, ConfigPlace>();
  noteRoutes(table, [], (node, path) => places.set(node, loaded.locate(path)));
  return { listener: '', statPrefix: '', table, placeOf: (node) => places.get(node) };
}

function dropFilterConfigs(node: unknown): void {
  if (Array.isArray(node)) for (const item of node) dropFilterConfigs(item);
  if (!isMap(node)) return;
  delete node.typed_per_filter_config;
  delete node.typedPerFilterConfig;
  for (const value of Object.values(node)) dropFilterConfigs(value);
}

/** @throws ConfigError with every problem. */
export function loadTests(input: RouteCheckInput): RouteTests {
  return parsed<RouteTests>(load(input, 'tests.json'), validationSchema);
}

function parsed<T>(loaded: LoadedConfig, schema: Parameters<typeof parseZod>[0]): T {
  const problems: ConfigIssue[] = [...loaded.issues];
  const { value, issues } =
    loaded.data === undefined ? { value: undefined, issues: [] } : parseZod(schema, loaded.data);
  problems.push(...issues.map((issue) => loaded.sources.toIssue(loaded.data, issue)));
  if (problems.length > 0 || value === undefined) throw new ConfigError(sortIssues(problems));
  return deepFreeze(value as T & object);
}
