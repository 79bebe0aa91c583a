/** Where the parts of a parsed configuration that people ask for were written. */
import type { BootstrapConfig } from './bootstrap.ts';
import type { ResolvedExtension } from './extension.ts';
import { type HttpConnectionManagerConfig, httpConnectionManagerName } from './http-connection-manager.ts';
import type { ConfigPath } from './issues.ts';
import type { LoadedConfig } from './load.ts';
import type { RouteConfiguration } from './route.ts';

/** A place in a file; lines and columns count from 1. */
export interface ConfigPlace {
  readonly file: string;
  readonly line: number;
  readonly col: number;
}

/**
 * The places of listeners, filter chains, connection managers, virtual hosts, routes and clusters, by the identity of
 * the parsed object. The text itself need not be kept for it.
 */
export type ConfigPlaces = WeakMap<object, ConfigPlace>;

/** `pathOf` tells where the raw configuration of a filter stands. */
export function configPlaces(
  loaded: LoadedConfig,
  config: BootstrapConfig,
  pathOf: (filter: ResolvedExtension) => ConfigPath | undefined,
): ConfigPlaces {
  const places: ConfigPlaces = new WeakMap();
  const note = (node: object, path: ConfigPath) => places.set(node, loaded.locate(path));
  const { listeners, clusters } = config.staticResources;
  for (const [index, cluster] of clusters.entries()) note(cluster, ['static_resources', 'clusters', index]);
  for (const [index, listener] of listeners.entries()) {
    const path = ['static_resources', 'listeners', index];
    note(listener, path);
    const { filterChains, defaultFilterChain } = listener;
    const chains = filterChains.map((chain, at) => ({ chain, at: [...path, 'filter_chains', at] as ConfigPath }));
    if (defaultFilterChain !== undefined)
      chains.push({ chain: defaultFilterChain, at: [...path, 'default_filter_chain'] });
    for (const { chain, at } of chains) {
      note(chain, at);
      for (const filter of chain.filters) {
        const filterPath = pathOf(filter);
        if (filter.definition.name !== httpConnectionManagerName || filterPath === undefined) continue;
        note(filter, filterPath);
        for (const { table, path: tablePath } of routeTablesOf(filter.config as HttpConnectionManagerConfig)) {
          noteRoutes(table, [...filterPath, ...tablePath], note);
        }
      }
    }
  }
  return places;
}

/** Notes a table's virtual hosts and routes. */
export function noteRoutes(
  table: RouteConfiguration,
  path: ConfigPath,
  note: (node: object, path: ConfigPath) => unknown,
): void {
  for (const [at, host] of table.virtualHosts.entries()) {
    const hostPath = [...path, 'virtual_hosts', at];
    note(host, hostPath);
    for (const [index, route] of host.routes.entries()) note(route, [...hostPath, 'routes', index]);
  }
}

/** The route tables of a connection manager, and where they stand in its configuration. */
export function routeTablesOf(
  manager: HttpConnectionManagerConfig,
): { readonly table: RouteConfiguration; readonly path: ConfigPath }[] {
  if (manager.routeConfig !== undefined) return [{ table: manager.routeConfig, path: ['route_config'] }];
  const list = ['scoped_routes', 'scoped_route_configurations_list', 'scoped_route_configurations'];
  const scopes = manager.scopedRoutes?.scopedRouteConfigurationsList?.scopedRouteConfigurations ?? [];
  return scopes.map(({ routeConfiguration }, index) => {
    return { table: routeConfiguration, path: [...list, index, 'route_configuration'] };
  });
}
