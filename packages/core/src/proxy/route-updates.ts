/** `proxy.routes`: route tables that are replaced while the proxy runs. */
import type { HttpConnectionManagerConfig } from '../config/http-connection-manager.ts';
import { routeTablesOf } from '../config/places.ts';
import {
  type CheckedResource,
  checkRoutes,
  type JsonResource,
  type RouteTableOptions,
  resourceProblem,
} from '../config/resources.ts';
import type { RouteConfiguration } from '../config/route.ts';
import { MeshError } from '../errors.ts';
import { managersOf } from '../listener-build.ts';
import type { BuiltManager } from '../manager-build.ts';
import type { Registry } from '../registry.ts';
import type { RunningListener } from './listeners.ts';
import type { ResourceSource } from './resource-source.ts';
import {
  isSameConfig,
  type ResourceState,
  resourceState,
  type UpdateGate,
  type UpdateOptions,
  type UpdateResult,
  updateSource,
} from './update-options.ts';

/** What the updates work with. */
export interface RouteUpdateParts {
  readonly registry: Registry;
  readonly listeners: () => readonly RunningListener[];
  /** Names of the clusters that there are. */
  readonly clusters: () => readonly string[];
  readonly gate: UpdateGate;
}

/** A table that has been set; what it says about filters is looked up again for each connection manager. */
interface Override {
  readonly given: RouteTableOptions | JsonResource;
  readonly source: ResourceSource<RouteConfiguration>;
}

/**
 * The route tables of a running proxy, by the `name` of `route_config`. Every connection manager that has a table of that
 * name gets the new one, in one step; requests under way keep the one that they began with, the next request on the same
 * connection already sees the new one. Connection managers that are made later, with a table of that name, get it too.
 */
export class RouteUpdates {
  private readonly parts: RouteUpdateParts;
  private readonly overrides = new Map<string, Override>();

  /** @internal */
  constructor(parts: RouteUpdateParts) {
    this.parts = parts;
  }

  /**
   * Replaces the route table `name`. As with Envoy's RDS, clusters that it names need not exist yet, unless it says
   * `validate_clusters`. Resolves once it is in force.
   * @throws ConfigError with every problem; MeshError `NOT_FOUND` when no connection manager has a table of that name,
   * `NOT_STARTED`, `CLOSED`. Then everything is as it was.
   *
   * @example await proxy.routes.set('local_route', { virtualHosts: [virtualHost('all', { domains: ['*'], routes: [route('/', 'v2')] })] });
   */
  async set(name: string, given: RouteTableOptions | JsonResource, options: UpdateOptions = {}): Promise<UpdateResult> {
    this.parts.gate();
    const managers = this.managersWith(name);
    if (managers.length === 0) {
      throw new MeshError('NOT_FOUND', `no connection manager has a route configuration named '${name}'`);
    }
    const checked = managers.map((manager) => this.check(name, given, manager.given));
    const first = checked[0] as CheckedResource<RouteConfiguration>;
    if (isSameConfig(this.overrides.get(name)?.source, first)) return 'unchanged';
    const swaps = managers.map((manager, index) =>
      prepared(manager, withTable(manager.config, name, (checked[index] as typeof first).config)),
    );
    this.overrides.set(name, { given, source: updateSource(first, options) });
    for (const swap of swaps) swap();
    return 'modified';
  }

  /** Goes back to the tables that the listeners came with. False when none of that name has been set. */
  async remove(name: string): Promise<boolean> {
    this.parts.gate();
    const before = this.overrides.get(name);
    if (before === undefined) return false;
    this.overrides.delete(name);
    try {
      const managers = this.managersWith(name);
      for (const swap of managers.map((manager) => prepared(manager, this.current(manager.given)))) swap();
    } catch (error) {
      this.overrides.set(name, before);
      throw error;
    }
    return true;
  }

  /** The tables that have been set. */
  list(): ResourceState[] {
    return this.sources().map((source) => resourceState(source.config.name, source, 'active'));
  }

  /** @internal For `/config_dump`. */
  sources(): ResourceSource<RouteConfiguration>[] {
    return [...this.overrides.values()].map(({ source }) => source);
  }

  /** @internal The config of a connection manager with the tables that have been set. @throws ConfigError */
  current(manager: HttpConnectionManagerConfig): HttpConnectionManagerConfig {
    if (this.overrides.size === 0) return manager;
    let current = manager;
    for (const { table } of routeTablesOf(manager)) {
      const override = this.overrides.get(table.name);
      if (override === undefined) continue;
      current = withTable(current, table.name, this.check(table.name, override.given, manager).config);
    }
    return current;
  }

  private check(name: string, given: RouteTableOptions | JsonResource, manager: HttpConnectionManagerConfig) {
    const { registry, clusters } = this.parts;
    return checkRoutes(name, given, { extensions: registry, clusters: clusters(), httpFilters: manager.httpFilters });
  }

  private managersWith(name: string): BuiltManager[] {
    if (name === '') return [];
    const all = this.parts.listeners().flatMap(({ build }) => managersOf(build));
    return all.filter(({ given }) => routeTablesOf(given).some(({ table }) => table.name === name));
  }
}

/** Compiling is where the last problems are found. @throws ConfigError */
function prepared(manager: BuiltManager, config: HttpConnectionManagerConfig): () => void {
  try {
    return manager.prepare(config);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw resourceProblem([], error.message);
  }
}

function withTable(
  manager: HttpConnectionManagerConfig,
  name: string,
  table: RouteConfiguration,
): HttpConnectionManagerConfig {
  const { routeConfig, scopedRoutes } = manager;
  if (routeConfig !== undefined) return routeConfig.name === name ? { ...manager, routeConfig: table } : manager;
  const list = scopedRoutes?.scopedRouteConfigurationsList;
  if (scopedRoutes === undefined || list === undefined) return manager;
  const scopes = list.scopedRouteConfigurations.map((scope) =>
    scope.routeConfiguration.name === name ? { ...scope, routeConfiguration: table } : scope,
  );
  const scopedRouteConfigurationsList = { ...list, scopedRouteConfigurations: scopes };
  return { ...manager, scopedRoutes: { ...scopedRoutes, scopedRouteConfigurationsList } };
}
