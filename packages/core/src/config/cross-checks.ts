/** Rules that hold between resources: unique names, routes that point at clusters which exist, filters in their places. */
import type { BootstrapConfig } from './bootstrap.ts';
import type { Extensions, ResolvedExtension } from './extension.ts';
import { httpConnectionManagerName } from './http-connection-manager.ts';
import { type ConfigPath, didYouMean, type SchemaIssue } from './issues.ts';
import type { DeepPartial } from './message.ts';
import type { RouteConfiguration } from './route.ts';

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
    ...clusters.flatMap((cluster, index) => unservedType(cluster?.type, index, context.extensions)),
    ...chains.flatMap(({ filters, path }) => misplaced(filters, path, 'network')),
    ...managers.flatMap(({ filters, path }) => misplaced(filters, [...path, 'http_filters'], 'http')),
    ...managers.flatMap(({ table, path }) => unknownClusters(table, [...path, 'route_config'], known)),
  ];
}

type Names = readonly (string | undefined)[];

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
  readonly table: DeepPartial<RouteConfiguration> | undefined;
}

/** The connection managers of a chain; route tables and HTTP filters stand inside their configuration. */
function managersOf(chain: Chain, context: CheckContext): Manager[] {
  return chain.filters.flatMap((filter, index) => {
    if (filter?.definition.name !== httpConnectionManagerName || filter.config === undefined) return [];
    const config = filter.config as { httpFilters?: Entries; routeConfig?: DeepPartial<RouteConfiguration> };
    const path = context.pathOf(filter) ?? [...chain.path, index, 'typed_config'];
    return [{ filters: config.httpFilters ?? [], table: config.routeConfig, path }];
  });
}

/** Exactly the last filter of a chain is terminal. */
function misplaced(filters: Entries, path: ConfigPath, kind: 'network' | 'http'): SchemaIssue[] {
  if (filters.length === 0)
    return [{ path, message: `needs a terminal filter: ${chainName(kind)} without one serves nobody` }];
  return filters.flatMap((filter, index) => {
    const last = index === filters.length - 1;
    const message = filter && (positionProblem(filter, last, kind) ?? switchProblem(filter, last));
    return message === undefined ? [] : [{ path: [...path, index, 'name'], message }];
  });
}

function chainName(kind: 'network' | 'http'): string {
  return kind === 'network' ? 'a network filter chain' : 'a http filter chain';
}

/** Envoy's words. */
function positionProblem(filter: ResolvedExtension, last: boolean, kind: 'network' | 'http'): string | undefined {
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

type Table = Manager['table'];

function unknownClusters(table: Table, path: ConfigPath, known: ReadonlySet<string | undefined>): SchemaIssue[] {
  if (table === undefined || table.validateClusters === false) return [];
  const candidates = [...known].flatMap((name) => name ?? []);
  return (table.virtualHosts ?? []).flatMap((host, at) =>
    (host?.routes ?? []).flatMap((route, index) => {
      const cluster = route?.route?.cluster;
      if (cluster === undefined || known.has(cluster)) return [];
      const where = [...path, 'virtual_hosts', at, 'routes', index, 'route', 'cluster'];
      const hint = didYouMean(cluster, candidates);
      const message = `route: unknown cluster '${cluster}'`;
      return [{ path: where, message, ...(hint === undefined ? {} : { hint }) }];
    }),
  );
}
