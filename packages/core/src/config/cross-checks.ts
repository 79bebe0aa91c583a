/** Rules that hold between resources: unique names, routes that point at clusters which exist, filters in their places. */
import type { BootstrapConfig } from './bootstrap.ts';
import { type CacheUser, checkDnsCaches } from './cluster-type-dns-cache.ts';
import type { Extensions, ResolvedExtension } from './extension.ts';
import { httpConnectionManagerName } from './http-connection-manager.ts';
import { type ConfigPath, didYouMean, type SchemaIssue } from './issues.ts';
import { checkServedBalancing } from './load-balancing.ts';
import type { DeepPartial } from './message.ts';
import type { RouteConfiguration } from './route.ts';
import { checkSinks } from './sink-checks.ts';
import { checkTracers, type ProviderAt } from './tracer-checks.ts';

/** What the checks need to know beside the configuration. */
export interface CheckContext {
  readonly extensions: Extensions;
  /** Path of the raw configuration of a filter; without it, where it stands when nothing is wrapped. */
  pathOf(filter: ResolvedExtension): ConfigPath | undefined;
  /** Clusters that stand elsewhere, for example built in code. */
  readonly otherClusters: readonly string[];
}

type Config = DeepPartial<BootstrapConfig> | undefined;

/** What does not fit together. Parts that were wrong in themselves may be missing at any depth. */
export function checkReferences(config: Config, context: CheckContext): SchemaIssue[] {
  const { clusters = [], listeners = [] } = config?.staticResources ?? {};
  const clusterNames = clusters.map((cluster) => cluster?.name);
  const listenerNames = listeners.map((listener) => listener?.name || undefined);
  const known = new Set([...clusterNames, ...context.otherClusters]);
  const chains = listeners.flatMap(chainsOf);
  const managers = chains.flatMap((chain) => managersOf(chain, context));
  return [
    ...duplicates(clusterNames, 'clusters', (name) => `cluster manager: duplicate cluster '${name}'`),
    ...duplicates(listenerNames, 'listeners', (name) => `error adding listener: duplicate listener name '${name}'`),
    ...unknownLocalCluster(config?.clusterManager?.localClusterName, known),
    ...checkSinks(config?.statsSinks ?? [], known, context.pathOf),
    ...checkTracers(providers(config, managers), known, context.pathOf),
    ...clusters.flatMap((cluster, index) => unservedType(cluster?.type, index, context.extensions)),
    ...clusters.flatMap((cluster, index) => misbalanced(cluster, index, context.extensions)),
    ...checkDnsCaches([
      ...clusters.map(typeConfig),
      ...[...chains, ...managers.map(httpChain)].flatMap(filterConfigs(context)),
    ]),
    ...chains.flatMap(({ filters, path }) => misplaced(filters, path, 'network')),
    ...managers.flatMap(({ filters, path }) => misplaced(filters, [...path, 'http_filters'], 'http')),
    ...managers.flatMap(misplacedInUpgrades),
    ...managers.flatMap(({ tables }) => tables.flatMap(({ table, path }) => unknownClusters(table, path, known))),
  ];
}

type Names = readonly (string | undefined)[];

function unknownLocalCluster(name: string | undefined, clusters: ReadonlySet<string | undefined>): SchemaIssue[] {
  if (name === undefined || name === '' || clusters.has(name)) return [];
  return [{ path: ['cluster_manager', 'local_cluster_name'], message: `local cluster '${name}' must be defined` }];
}

function duplicates(names: Names, list: string, message: (name: string) => string): SchemaIssue[] {
  const seen = new Set<string>();
  return names.flatMap((name, index) => {
    if (name === undefined) return [];
    if (seen.has(name)) return [{ path: ['static_resources', list, index, 'name'], message: message(name) }];
    seen.add(name);
    return [];
  });
}

/** Where the endpoints of a cluster come from is an extension, but for static ones. */
function unservedType(type: string | undefined, index: number, extensions: Extensions): SchemaIssue[] {
  if (type === undefined || type === 'STATIC') return [];
  const definitions = extensions.names('discovery').map((name) => extensions.find('discovery', { name }));
  if (definitions.some((definition) => definition?.types?.includes(type))) return [];
  const message = `no extension serves clusters of type ${type}`;
  const hint = 'pass extensions: [...standard]';
  return [{ path: ['static_resources', 'clusters', index, 'type'], message, hint }];
}

function misbalanced(cluster: unknown, index: number, extensions: Extensions): SchemaIssue[] {
  if (cluster === undefined) return [];
  const issues = checkServedBalancing(cluster as Parameters<typeof checkServedBalancing>[0], extensions);
  return issues.map((issue) => ({ ...issue, path: ['static_resources', 'clusters', index, ...issue.path] }));
}

/** A filter whose entry was wrong is undefined. */
type Entries = readonly (ResolvedExtension | undefined)[];

interface Chain {
  readonly filters: Entries;
  readonly path: ConfigPath;
}

function chainsOf(listener: unknown, index: number): Chain[] {
  const { filterChains = [], defaultFilterChain } = (listener ?? {}) as {
    filterChains?: readonly ({ filters?: Entries } | undefined)[];
    defaultFilterChain?: { filters?: Entries };
  };
  const base = ['static_resources', 'listeners', index];
  const last = defaultFilterChain?.filters;
  return [
    ...filterChains.flatMap((chain, at) =>
      chain?.filters === undefined ? [] : [{ filters: chain.filters, path: [...base, 'filter_chains', at, 'filters'] }],
    ),
    ...(last === undefined ? [] : [{ filters: last, path: [...base, 'default_filter_chain', 'filters'] }]),
  ];
}

interface Manager extends Chain {
  readonly provider: ResolvedExtension | undefined;
  readonly upgrades: readonly (Entries | undefined)[];
  readonly tables: readonly { readonly table: Table; readonly path: ConfigPath }[];
}

type Table = DeepPartial<RouteConfiguration> | undefined;

/** The connection managers of a chain; route tables and HTTP filters stand inside their configuration. */
function managersOf(chain: Chain, context: CheckContext): Manager[] {
  return chain.filters.flatMap((filter, index) => {
    if (filter?.definition.name !== httpConnectionManagerName || filter.config === undefined) return [];
    const config = filter.config as {
      httpFilters?: Entries;
      routeConfig?: Table;
      scopedRoutes?: Scopes;
      tracing?: { provider?: ResolvedExtension };
      upgradeConfigs?: readonly ({ filters?: Entries } | undefined)[];
    };
    const path = context.pathOf(filter) ?? [...chain.path, index, 'typed_config'];
    const upgrades = (config.upgradeConfigs ?? []).map((upgrade) => upgrade?.filters);
    const tables = [{ table: config.routeConfig, path: [...path, 'route_config'] }, ...scopedTables(config, path)];
    return [{ filters: config.httpFilters ?? [], provider: config.tracing?.provider, tables, upgrades, path }];
  });
}

function providers(config: Config, managers: readonly Manager[]): ProviderAt[] {
  const shared = config?.tracing?.http as ResolvedExtension | undefined;
  return [
    { provider: shared, path: ['tracing', 'http', 'typed_config'] },
    ...managers.map(({ provider, path }) => ({ provider, path: [...path, 'tracing', 'provider', 'typed_config'] })),
  ];
}

function httpChain({ filters, path }: Manager): Chain {
  return { filters, path: [...path, 'http_filters'] };
}

/** The configs of a chain's filters, with their places. */
function filterConfigs(context: CheckContext): (chain: Chain) => CacheUser[] {
  return ({ filters, path }) =>
    filters.map((filter, index) => ({
      config: filter?.config,
      path: (filter && context.pathOf(filter)) ?? [...path, index, 'typed_config'],
    }));
}

function typeConfig(cluster: unknown, index: number): CacheUser {
  const { clusterType } = (cluster ?? {}) as { readonly clusterType?: ResolvedExtension };
  return { config: clusterType?.config, path: ['static_resources', 'clusters', index, 'cluster_type', 'typed_config'] };
}

interface Scopes {
  readonly scopedRouteConfigurationsList?: {
    readonly scopedRouteConfigurations?: readonly ({ readonly routeConfiguration?: Table } | undefined)[];
  };
}

function scopedTables({ scopedRoutes }: { readonly scopedRoutes?: Scopes }, path: ConfigPath): Manager['tables'] {
  const list = ['scoped_routes', 'scoped_route_configurations_list', 'scoped_route_configurations'];
  return (scopedRoutes?.scopedRouteConfigurationsList?.scopedRouteConfigurations ?? []).map((scope, index) => {
    return { table: scope?.routeConfiguration, path: [...path, ...list, index, 'route_configuration'] };
  });
}

/** An upgrade without filters of its own takes those of the connection manager. */
function misplacedInUpgrades({ upgrades, path }: Manager): SchemaIssue[] {
  return upgrades.flatMap((filters = [], index) =>
    filters.length === 0 ? [] : misplaced(filters, [...path, 'upgrade_configs', index, 'filters'], 'http upgrade'),
  );
}

type ChainKind = 'network' | 'http' | 'http upgrade';

/** Exactly the last filter of a chain is terminal. As with Envoy, connections of a network chain without filters are closed. */
function misplaced(filters: Entries, path: ConfigPath, kind: ChainKind): SchemaIssue[] {
  if (filters.length === 0 && kind === 'network') return [];
  if (filters.length === 0)
    return [{ path, message: `needs a terminal filter: ${chainName(kind)} without one serves nobody` }];
  return filters.flatMap((filter, index) => {
    const last = index === filters.length - 1;
    const message = filter && (positionProblem(filter, last, kind) ?? switchProblem(filter, last));
    return message === undefined ? [] : [{ path: [...path, index, 'name'], message }];
  });
}

function chainName(kind: ChainKind): string {
  return `a ${kind} filter chain`;
}

/** Envoy's words. */
function positionProblem(filter: ResolvedExtension, last: boolean, kind: ChainKind): string | undefined {
  const { terminal, name } = filter.definition;
  if (terminal === undefined || terminal === last) return undefined;
  const what = `filter named ${filter.name} of type ${name}`;
  return last
    ? `Error: non-terminal ${what} is the last filter in ${chainName(kind)}.`
    : `Error: terminal ${what} must be the last filter in ${chainName(kind)}.`;
}

function switchProblem(filter: ResolvedExtension & { readonly disabled?: boolean }, last: boolean): string | undefined {
  return last && filter.disabled
    ? `Error: the last (terminal) filter (${filter.name}) in the chain cannot be disabled by default.`
    : undefined;
}

type Host = NonNullable<NonNullable<Table>['virtualHosts']>[number];
type Action = NonNullable<NonNullable<NonNullable<Host>['routes']>[number]>['route'];

/** A cluster that a route table names, and the words for one that does not exist. */
interface NamedCluster {
  readonly name: string | undefined;
  readonly path: ConfigPath;
  readonly what: string;
}

/** Clusters that a route table names and nobody has; the table's `validate_clusters` has its say. */
export function checkRouteTable(
  table: DeepPartial<RouteConfiguration>,
  path: ConfigPath,
  clusters: readonly string[],
): SchemaIssue[] {
  return unknownClusters(table, path, new Set(clusters));
}

function unknownClusters(table: Table, path: ConfigPath, known: ReadonlySet<string | undefined>): SchemaIssue[] {
  if (table === undefined || table.validateClusters === false) return [];
  const candidates = [...known].flatMap((name) => name ?? []);
  return clustersOf(table, path).flatMap(({ name, path, what }) => {
    // A cluster named by a header is asked for when the request is there.
    if (name === undefined || name === '' || known.has(name)) return [];
    const hint = didYouMean(name, candidates);
    return [{ path, message: `route: unknown ${what} '${name}'`, ...(hint === undefined ? {} : { hint }) }];
  });
}

function clustersOf(table: NonNullable<Table>, path: ConfigPath): NamedCluster[] {
  const hosts = (table.virtualHosts ?? []).flatMap((host, at) => clustersOfHost(host, [...path, 'virtual_hosts', at]));
  return [...mirrorsOf(table, path), ...hosts];
}

function clustersOfHost(host: Host, path: ConfigPath): NamedCluster[] {
  const routes = (host?.routes ?? []).flatMap((route, index) =>
    clustersOfAction(route?.route, [...path, 'routes', index, 'route']),
  );
  return [...mirrorsOf(host, path), ...routes];
}

function clustersOfAction(action: Action, path: ConfigPath): NamedCluster[] {
  if (action === undefined) return [];
  const weighted = (action.weightedClusters?.clusters ?? []).map((entry, index) => ({
    name: entry?.name,
    path: [...path, 'weighted_clusters', 'clusters', index, 'name'],
    what: 'weighted cluster',
  }));
  const own = { name: action.cluster, path: [...path, 'cluster'], what: 'cluster' };
  return [own, ...weighted, ...mirrorsOf(action, path)];
}

function mirrorsOf(
  level: Pick<NonNullable<Action>, 'requestMirrorPolicies'> | undefined,
  path: ConfigPath,
): NamedCluster[] {
  return (level?.requestMirrorPolicies ?? []).map((policy, index) => ({
    name: policy?.cluster,
    path: [...path, 'request_mirror_policies', index, 'cluster'],
    what: 'shadow cluster',
  }));
}
