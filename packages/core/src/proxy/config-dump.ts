/** What `/config_dump` shows of a static configuration. */
import type { ConfigDump, DumpedConfig, JsonObject } from '../admin/index.ts';

/** `raw` is the config as it was written. */
export function configDump(raw: JsonObject, loadedAtMs: number): ConfigDump {
  const lastUpdated = new Date(loadedAtMs);
  const dumped = (config: JsonObject): DumpedConfig => ({ config, lastUpdated });
  const resources = (raw.static_resources ?? {}) as { clusters?: JsonObject[]; listeners?: JsonObject[] };
  const none = { active: [], warming: [] };
  return {
    bootstrap: dumped(raw),
    clusters: { static: (resources.clusters ?? []).map(dumped), ...none },
    listeners: { static: (resources.listeners ?? []).map(dumped), dynamic: [] },
    routes: { static: (resources.listeners ?? []).flatMap(routeConfigsOf).map(dumped), dynamic: [] },
  };
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
