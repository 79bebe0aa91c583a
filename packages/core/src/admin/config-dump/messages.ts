/** The messages of a config dump, whose lists are printed item by item. */
import type { ConfigDump, DumpedConfig, DumpedDynamicListener, JsonObject } from '../context.ts';
import { type FieldShape, type MessageShape, shapeOf } from '../field-mask.ts';
import { redact, redactBootstrap } from '../redact.ts';

const TYPE_URL = 'type.googleapis.com/envoy.';

/** One message of the dump. */
export interface DumpMessage {
  /** `type.googleapis.com/envoy.admin.v3.…`. */
  readonly type: string;
  /** Its fields that are no lists. */
  readonly head: JsonObject;
  /** Its fields, with those of `head` that it does not have at the moment. */
  readonly shape: MessageShape;
  /** Names of the fields that are no lists. */
  readonly singular: readonly string[];
  readonly sections: readonly DumpSection[];
}

/** A repeated field of a dump, that `?resource=` can name. */
export interface DumpSection {
  readonly field: string;
  /** Type of its items. */
  readonly type: string;
  readonly shape: MessageShape;
  /** The field of an item that holds a resource of any type; a mask goes into it. */
  readonly any?: { readonly field: string; readonly shape: MessageShape };
  readonly items: readonly DumpItem[];
}

/** A resource. */
export interface DumpItem {
  /** What `name_regex` looks at. */
  name(): string;
  /** Without anything secret. */
  body(): JsonObject;
}

/** The messages in Envoy's order. Endpoints are there when they were asked for. */
export function dumpMessages(dump: ConfigDump): DumpMessage[] {
  const { bootstrap, clusters, listeners, routes, endpoints, shapes } = dump;
  const unknown: MessageShape = () => 'unknown';
  const section = (field: string, type: string, kind: Kind, configs: readonly DumpedConfig[]): DumpSection => ({
    field,
    type: typeUrl(type),
    shape: shapeOf({ ...ITEM_FIELDS, [kind.field]: 'leaf' }),
    any: { field: kind.field, shape: shapes?.(kind.field) ?? unknown },
    items: configs.map((config) => new ConfigItem(config, kind)),
  });
  return [
    {
      type: typeUrl('BootstrapConfigDump'),
      head: { bootstrap: redactBootstrap(bootstrap.config), last_updated: bootstrap.lastUpdated.toISOString() },
      shape: shapeOf({ bootstrap: shapes?.('bootstrap') ?? 'unknown', last_updated: 'leaf' }),
      singular: ['bootstrap', 'last_updated'],
      sections: [],
    },
    listMessage('ClustersConfigDump', ['version_info'], versionInfo(clusters.versionInfo), [
      section('static_clusters', 'ClustersConfigDump.StaticCluster', CLUSTER, clusters.static),
      section('dynamic_active_clusters', 'ClustersConfigDump.DynamicCluster', CLUSTER, clusters.active),
      section('dynamic_warming_clusters', 'ClustersConfigDump.DynamicCluster', CLUSTER, clusters.warming),
    ]),
    ...(endpoints === undefined
      ? []
      : [
          listMessage('EndpointsConfigDump', [], {}, [
            section('static_endpoint_configs', `${ENDPOINTS_DUMP}StaticEndpointConfig`, ENDPOINTS, endpoints.static),
            section('dynamic_endpoint_configs', `${ENDPOINTS_DUMP}DynamicEndpointConfig`, ENDPOINTS, endpoints.dynamic),
          ]),
        ]),
    listMessage('ListenersConfigDump', ['version_info'], versionInfo(listeners.versionInfo), [
      section('static_listeners', 'ListenersConfigDump.StaticListener', LISTENER, listeners.static),
      dynamicListeners(listeners.dynamic),
    ]),
    listMessage('ScopedRoutesConfigDump', [], {}, [
      section('inline_scoped_route_configs', 'ScopedRoutesConfigDump.InlineScopedRouteConfigs', ROUTES, []),
      section('dynamic_scoped_route_configs', 'ScopedRoutesConfigDump.DynamicScopedRouteConfigs', ROUTES, []),
    ]),
    listMessage('RoutesConfigDump', [], {}, [
      section('static_route_configs', 'RoutesConfigDump.StaticRouteConfig', ROUTES, routes.static),
      section('dynamic_route_configs', 'RoutesConfigDump.DynamicRouteConfig', ROUTES, routes.dynamic),
    ]),
    listMessage('SecretsConfigDump', [], {}, [
      section('static_secrets', 'SecretsConfigDump.StaticSecret', SECRET, []),
      section('dynamic_active_secrets', 'SecretsConfigDump.DynamicSecret', SECRET, []),
      section('dynamic_warming_secrets', 'SecretsConfigDump.DynamicSecret', SECRET, []),
    ]),
  ];
}

/** Which field holds the resource, its type, and which of its fields is its name. */
interface Kind {
  readonly field: 'cluster' | 'listener' | 'route_config' | 'endpoint_config' | 'secret';
  readonly type: string;
  readonly name: string;
}

/** A resource of one kind. */
class ConfigItem implements DumpItem {
  private readonly dumped: DumpedConfig;
  private readonly kind: Kind;

  constructor(dumped: DumpedConfig, kind: Kind) {
    this.dumped = dumped;
    this.kind = kind;
  }

  name(): string {
    return String(this.dumped.config[this.kind.name] ?? '');
  }

  body(): JsonObject {
    return itemBody(this.dumped, this.kind);
  }
}

const CLUSTER: Kind = { field: 'cluster', type: 'config.cluster.v3.Cluster', name: 'name' };
const LISTENER: Kind = { field: 'listener', type: 'config.listener.v3.Listener', name: 'name' };
const ROUTES: Kind = { field: 'route_config', type: 'config.route.v3.RouteConfiguration', name: 'name' };
const ENDPOINTS: Kind = {
  field: 'endpoint_config',
  type: 'config.endpoint.v3.ClusterLoadAssignment',
  name: 'cluster_name',
};
const SECRET: Kind = { field: 'secret', type: 'extensions.transport_sockets.tls.v3.Secret', name: 'name' };
const ENDPOINTS_DUMP = 'EndpointsConfigDump.';

const ITEM_FIELDS: Readonly<Record<string, FieldShape>> = {
  name: 'leaf',
  version_info: 'leaf',
  last_updated: 'leaf',
  error_state: 'unknown',
  client_status: 'leaf',
};

function listMessage(
  name: string,
  singular: readonly string[],
  head: JsonObject,
  sections: readonly DumpSection[],
): DumpMessage {
  const fields = [...singular, ...sections.map(({ field }) => field)].map((field) => [field, 'leaf'] as const);
  return { type: typeUrl(name), head, shape: shapeOf(Object.fromEntries(fields)), singular, sections };
}

function dynamicListeners(listeners: readonly DumpedDynamicListener[]): DumpSection {
  const state = shapeOf({ version_info: 'leaf', listener: 'leaf', last_updated: 'leaf' });
  return {
    field: 'dynamic_listeners',
    type: typeUrl('ListenersConfigDump.DynamicListener'),
    shape: shapeOf({ ...ITEM_FIELDS, active_state: state, warming_state: state, draining_state: state }),
    items: listeners.map(({ name, active, warming, draining, errorState }) => ({
      name: () => name,
      body: () => ({
        name,
        ...(active && { active_state: itemBody(active, LISTENER) }),
        ...(warming && { warming_state: itemBody(warming, LISTENER) }),
        ...(draining && { draining_state: itemBody(draining, LISTENER) }),
        ...(errorState && { error_state: errorState }),
      }),
    })),
  };
}

function itemBody(dumped: DumpedConfig, { field, type }: Kind): JsonObject {
  return {
    ...versionInfo(dumped.versionInfo),
    [field]: { '@type': TYPE_URL + type, ...redact(dumped.config) },
    ...(dumped.lastUpdated && { last_updated: dumped.lastUpdated.toISOString() }),
  };
}

function versionInfo(version: string | undefined): JsonObject {
  return version ? { version_info: version } : {};
}

function typeUrl(name: string): string {
  return `${TYPE_URL}admin.v3.${name}`;
}
