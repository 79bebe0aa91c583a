/** What `/config_dump` shows of a proxy. */
import type { ConfigDump, DumpedConfig, DumpedDynamicListener, JsonObject } from '../admin/index.ts';
import type { RouteConfiguration } from '../config/route.ts';
import type { ClusterManager } from '../upstream/cluster-manager.ts';
import type { BuiltCluster } from './clusters.ts';
import { dumpEndpoints } from './endpoint-dump.ts';
import type { ListenerManager } from './listener-manager.ts';
import { messageShape } from './message-shapes.ts';
import type { ResourceSource } from './resource-source.ts';

/** What is in force. */
export interface DumpSource {
  /** The first config as it was written. */
  readonly raw: JsonObject;
  readonly loadedAtMs: number;
  readonly clusters: ClusterManager<BuiltCluster>;
  readonly listeners: ListenerManager;
  /** Route tables that have been set. */
  readonly routes: readonly ResourceSource<RouteConfiguration>[];
}

/** What came with the first config is static; what has come since has a version and a time of its own. */
export function configDump(
  { raw, loadedAtMs, clusters, listeners, routes }: DumpSource,
  { endpoints }: { readonly endpoints: boolean },
): ConfigDump {
  const lastUpdated = new Date(loadedAtMs);
  const members = clusters.activeMembers();
  const active = members.map(({ source }) => source);
  const running = listeners.running.map(({ source }) => source);
  const replaced = new Set(routes.map(({ config }) => config.name));
  const inline = running.flatMap((source) =>
    routeConfigsOf(source.raw()).map((config) => ({ config, lastUpdated: source.lastUpdated })),
  );
  return {
    bootstrap: { config: raw, lastUpdated },
    clusters: {
      static: active.filter((source) => !source.addedViaApi).map(dumped),
      active: active.filter((source) => source.addedViaApi).map(dumped),
      warming: clusters.warmingMembers().map(({ source }) => dumped(source)),
    },
    listeners: {
      static: running.filter((source) => !source.addedViaApi).map(dumped),
      dynamic: dynamicListeners(listeners),
    },
    routes: {
      static: inline.filter(({ config }) => !replaced.has(String(config.name ?? ''))),
      dynamic: routes.map(dumped),
    },
    ...(endpoints && {
      endpoints: {
        static: members.filter(({ source }) => !source.addedViaApi).map(({ cluster }) => dumpEndpoints(cluster)),
        dynamic: members.filter(({ source }) => source.addedViaApi).map(({ cluster }) => dumpEndpoints(cluster)),
      },
    }),
    shapes: messageShape,
  };
}

/** Its config is looked up when it is read: there may be ten thousand of them. */
class DumpedSource implements DumpedConfig {
  private readonly source: ResourceSource<unknown>;

  constructor(source: ResourceSource<unknown>) {
    this.source = source;
  }

  get config(): JsonObject {
    return this.source.raw();
  }

  get lastUpdated(): Date {
    return this.source.lastUpdated;
  }

  get versionInfo(): string {
    return this.source.version;
  }
}

function dumped(source: ResourceSource<unknown>): DumpedConfig {
  return new DumpedSource(source);
}

/** One entry per name, with what is in force and what is on its way in or out. */
function dynamicListeners(listeners: ListenerManager): DumpedDynamicListener[] {
  const byName = new Map<string, { -readonly [K in keyof DumpedDynamicListener]: DumpedDynamicListener[K] }>();
  const note = (source: ResourceSource<{ readonly name: string }>, state: 'active' | 'warming' | 'draining') => {
    const { name } = source.config;
    const entry = byName.get(name) ?? { name };
    entry[state] = dumped(source);
    byName.set(name, entry);
  };
  for (const { source } of listeners.running) if (source.addedViaApi) note(source, 'active');
  if (listeners.warming !== undefined) note(listeners.warming.source, 'warming');
  for (const { source } of listeners.drained()) if (source.addedViaApi) note(source, 'draining');
  return [...byName.values()];
}

/** Route configurations inside a raw listener. */
function routeConfigsOf(listener: JsonObject): JsonObject[] {
  const found: JsonObject[] = [];
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) for (const item of node) walk(item);
    else if (typeof node === 'object' && node !== null) {
      for (const [key, value] of Object.entries(node)) {
        if (key === 'route_config') found.push(value as JsonObject);
        else walk(value);
      }
    }
  };
  walk(listener);
  return found;
}
