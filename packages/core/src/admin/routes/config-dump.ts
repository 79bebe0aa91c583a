/** `/config_dump`: the configuration in force, without private keys. */
import type { ConfigDump, DumpedConfig, DumpedDynamicListener } from '../context.ts';
import { redact } from '../redact.ts';
import { type AdminReply, type AdminRequest, type AdminRoute, json, regexParam } from '../route.ts';

const TYPE_URL = 'type.googleapis.com/envoy.';

/** A repeated field of a dump, that `?resource=` can name. */
interface Section {
  readonly field: string;
  /** Type of its elements below `envoy.admin.v3.`. */
  readonly type: string;
  readonly items: readonly Item[];
}

interface Item {
  readonly name: string;
  readonly body: object;
}

/** One message of the dump. */
interface Message {
  readonly type: string;
  readonly head: object;
  readonly sections: readonly Section[];
}

/** Everything, one repeated field (`resource`), or what matches a name (`name_regex`). */
export const configDumpRoutes: readonly AdminRoute[] = [
  {
    path: '/config_dump',
    help: 'dump current Envoy configs',
    params: [
      { id: 'resource', type: 'string', help: 'The resource to dump' },
      {
        id: 'name_regex',
        type: 'string',
        help: 'Dump only the currently loaded configurations whose names match the specified regex.',
      },
      { id: 'include_eds', type: 'boolean', help: 'Dump currently loaded configuration including EDS.' },
    ],
    handle: (request, context) => configDump(request, context.configDump()),
  },
];

function configDump(request: AdminRequest, dump: ConfigDump): AdminReply {
  if (request.query.get('mask')) {
    return plain('mask is not supported; use resource or name_regex to choose what is dumped.', 400);
  }
  const regex = regexParam(request, 'name_regex');
  if (typeof regex === 'string') {
    const pattern = request.query.get('name_regex');
    return plain(`INVALID_ARGUMENT: Error while parsing name_regex from ${pattern}: ${regex}`, 400);
  }
  const keep = (item: Item): boolean => regex?.test(item.name) ?? true;
  const messages = messagesOf(dump, request.query.has('include_eds'));
  const resource = request.query.get('resource');
  if (resource) return oneResource(messages, resource, keep);
  return json({ configs: messages.map((message) => printed(message, keep)) });
}

function oneResource(messages: readonly Message[], resource: string, keep: (item: Item) => boolean): AdminReply {
  if (resource === 'bootstrap') return plain('bootstrap is not a repeated field', 400);
  const section = messages.flatMap((message) => message.sections).find(({ field }) => field === resource);
  if (section === undefined) return plain(`${resource} not found in config dump`, 404);
  const configs = section.items
    .filter(keep)
    .map((item) => ({ '@type': `${TYPE_URL}admin.v3.${section.type}`, ...item.body }));
  return json(configs.length === 0 ? {} : { configs });
}

function printed(message: Message, keep: (item: Item) => boolean): object {
  const fields: [string, object][] = [];
  for (const { field, items } of message.sections) {
    const kept = items.filter(keep);
    if (kept.length > 0) fields.push([field, kept.map((item) => item.body)]);
  }
  return { '@type': `${TYPE_URL}admin.v3.${message.type}`, ...message.head, ...Object.fromEntries(fields) };
}

function messagesOf(dump: ConfigDump, includeEndpoints: boolean): Message[] {
  const { bootstrap, clusters, listeners, routes, endpoints } = dump;
  const messages: Message[] = [
    {
      type: 'BootstrapConfigDump',
      head: { bootstrap: redact(bootstrap.config), last_updated: bootstrap.lastUpdated.toISOString() },
      sections: [],
    },
    {
      type: 'ClustersConfigDump',
      head: versionInfo(clusters.versionInfo),
      sections: [
        section('static_clusters', 'ClustersConfigDump.StaticCluster', CLUSTER, clusters.static),
        section('dynamic_active_clusters', 'ClustersConfigDump.DynamicCluster', CLUSTER, clusters.active),
        section('dynamic_warming_clusters', 'ClustersConfigDump.DynamicCluster', CLUSTER, clusters.warming),
      ],
    },
    {
      type: 'ListenersConfigDump',
      head: versionInfo(listeners.versionInfo),
      sections: [
        section('static_listeners', 'ListenersConfigDump.StaticListener', LISTENER, listeners.static),
        dynamicListeners(listeners.dynamic),
      ],
    },
    {
      type: 'RoutesConfigDump',
      head: {},
      sections: [
        section('static_route_configs', 'RoutesConfigDump.StaticRouteConfig', ROUTES, routes.static),
        section('dynamic_route_configs', 'RoutesConfigDump.DynamicRouteConfig', ROUTES, routes.dynamic),
      ],
    },
  ];
  if (includeEndpoints && endpoints !== undefined) {
    messages.splice(2, 0, {
      type: 'EndpointsConfigDump',
      head: {},
      sections: [
        section('static_endpoint_configs', 'EndpointsConfigDump.StaticEndpointConfig', ENDPOINTS, endpoints.static),
        section('dynamic_endpoint_configs', 'EndpointsConfigDump.DynamicEndpointConfig', ENDPOINTS, endpoints.dynamic),
      ],
    });
  }
  return messages;
}

/** Which field holds the resource, its type, and which of its fields is its name. */
type Shape = readonly [field: string, type: string, nameField: string];

const CLUSTER: Shape = ['cluster', 'config.cluster.v3.Cluster', 'name'];
const LISTENER: Shape = ['listener', 'config.listener.v3.Listener', 'name'];
const ROUTES: Shape = ['route_config', 'config.route.v3.RouteConfiguration', 'name'];
const ENDPOINTS: Shape = ['endpoint_config', 'config.endpoint.v3.ClusterLoadAssignment', 'cluster_name'];

function section(field: string, type: string, shape: Shape, configs: readonly DumpedConfig[]): Section {
  const items = configs.map((config) => ({ name: String(config.config[shape[2]] ?? ''), body: body(config, shape) }));
  return { field, type, items };
}

function dynamicListeners(listeners: readonly DumpedDynamicListener[]): Section {
  const items = listeners.map(({ name, active, warming, draining, errorState }) => ({
    name,
    body: {
      name,
      ...(active && { active_state: body(active, LISTENER) }),
      ...(warming && { warming_state: body(warming, LISTENER) }),
      ...(draining && { draining_state: body(draining, LISTENER) }),
      ...(errorState && { error_state: errorState }),
    },
  }));
  return { field: 'dynamic_listeners', type: 'ListenersConfigDump.DynamicListener', items };
}

function body(dumped: DumpedConfig, [field, type]: Shape): object {
  return {
    ...versionInfo(dumped.versionInfo),
    [field]: { '@type': TYPE_URL + type, ...redact(dumped.config) },
    last_updated: dumped.lastUpdated.toISOString(),
  };
}

function versionInfo(version: string | undefined): object {
  return version ? { version_info: version } : {};
}

function plain(message: string, status: number): AdminReply {
  return { status, contentType: 'text/plain', body: message };
}
