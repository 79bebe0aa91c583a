/** The 2018 (v2) form of route configuration, rewritten to the v3 form in place. What is in the v3 form is left alone. */
import { isMap, type RawMap, rawMap, type SourceMap } from './source-map.ts';

/** Names of HTTP filters, from the v2 to the v3 form. */
type Rename = (name: string) => string;

/** Rewrites a `RouteConfiguration`. */
export function upgradeRoutes(table: RawMap, sources: SourceMap, rename: Rename): void {
  const upgrade = new RouteUpgrade(sources, rename);
  for (const host of upgrade.maps(table, 'virtual_hosts')) {
    upgrade.filterConfigs(host);
    upgrade.cors(host);
    for (const route of upgrade.maps(host, 'routes')) upgrade.route(route);
  }
}

class RouteUpgrade {
  private readonly sources: SourceMap;
  private readonly rename: Rename;

  constructor(sources: SourceMap, rename: Rename) {
    this.sources = sources;
    this.rename = rename;
  }

  maps(node: RawMap, field: string): RawMap[] {
    const list = get(node, field);
    return Array.isArray(list) ? list.filter(isMap) : [];
  }

  route(route: RawMap): void {
    this.filterConfigs(route);
    const action = get(route, 'route');
    if (!isMap(action)) return;
    this.renameField(action, 'auto_host_rewrite_header', 'host_rewrite_header');
    this.mirror(action);
    this.websocket(action);
    this.cors(action);
    const weighted = get(action, 'weighted_clusters');
    if (isMap(weighted)) for (const entry of this.maps(weighted, 'clusters')) this.filterConfigs(entry);
  }

  /** Both the untyped form and the typed one, in which filters may still have their short names. */
  filterConfigs(level: RawMap): void {
    const untyped = get(level, 'per_filter_config');
    if (isMap(untyped) && get(level, 'typed_per_filter_config') === undefined) {
      this.renameField(level, 'per_filter_config', 'typed_per_filter_config');
    }
    const configs = get(level, 'typed_per_filter_config');
    if (!isMap(configs)) return;
    for (const name of Object.keys(configs)) {
      const renamed = this.rename(name);
      if (renamed !== name && configs[renamed] === undefined) this.move(configs, name, renamed, configs[name]);
    }
  }

  /** The one policy of 2018 becomes a list; its runtime key stood alone, for a percentage that was 0 without it. */
  private mirror(action: RawMap): void {
    const policy = get(action, 'request_mirror_policy');
    if (!isMap(policy) || get(action, 'request_mirror_policies') !== undefined) return;
    const runtimeKey = get(policy, 'runtime_key');
    if (runtimeKey !== undefined && get(policy, 'runtime_fraction') === undefined) {
      const fraction = rawMap([
        ['default_value', rawMap([['numerator', 0]])],
        ['runtime_key', runtimeKey],
      ]);
      this.sources.copy(this.sources, policy, key(policy, 'runtime_key'), fraction, 'runtime_key');
      this.move(policy, key(policy, 'runtime_key'), 'runtime_fraction', fraction);
    }
    const policies = [policy];
    const from = key(action, 'request_mirror_policy');
    this.sources.copy(this.sources, action, from, policies, 0);
    this.move(action, from, 'request_mirror_policies', policies);
  }

  private websocket(action: RawMap): void {
    const from = key(action, 'use_websocket');
    const enabled = action[from];
    if (typeof enabled !== 'boolean' || get(action, 'upgrade_configs') !== undefined) return;
    const upgrade = rawMap([
      ['upgrade_type', 'websocket'],
      ['enabled', enabled],
    ]);
    this.sources.copy(this.sources, action, from, upgrade, 'enabled');
    this.move(action, from, 'upgrade_configs', [upgrade]);
  }

  /** Origins were plain texts, and the policy was switched on as a whole. */
  cors(level: RawMap): void {
    const policy = get(level, 'cors');
    if (!isMap(policy)) return;
    const from = key(policy, 'allow_origin');
    const origins = policy[from];
    if (Array.isArray(origins) && get(policy, 'allow_origin_string_match') === undefined) {
      const matchers = origins.map((origin) => rawMap([['exact', origin]]));
      for (const index of origins.keys()) this.sources.copy(this.sources, origins, index, matchers, index);
      this.move(policy, from, 'allow_origin_string_match', matchers);
    }
    const { enabled } = policy;
    if (typeof enabled !== 'boolean' || get(policy, 'filter_enabled') !== undefined) return;
    const share = rawMap([['numerator', enabled ? 100 : 0]]);
    this.move(policy, 'enabled', 'filter_enabled', rawMap([['default_value', share]]));
  }

  private renameField(node: RawMap, from: string, to: string): void {
    const written = key(node, from);
    if (node[written] !== undefined && get(node, to) === undefined) this.move(node, written, to, node[written]);
  }

  private move(node: RawMap, from: string, to: string, value: unknown): void {
    this.sources.copy(this.sources, node, from, node, to);
    delete node[from];
    node[to] = value;
  }
}

/** The value of a field in either spelling. */
function get(node: RawMap, field: string): unknown {
  return node[key(node, field)];
}

/** The spelling in which a field is written. */
function key(node: RawMap, field: string): string {
  return node[field] === undefined ? field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) : field;
}
