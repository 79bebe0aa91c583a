/** The configuration of the rig, in Envoy's JSON form: per lane one listener, one catch-all route, one cluster. */
import type { CaseConfig } from './cases.ts';

const TYPES = 'type.googleapis.com/envoy.extensions.filters';

/** Settings of the lanes of one group. */
export interface LaneSettings {
  /** Settings of the cases in the group. */
  readonly config: CaseConfig;
  /** Short timers, for cases that wait for one. */
  readonly shortTimers: boolean;
  /** Route timeout; Envoy's default is 15 s. */
  readonly routeTimeout?: string;
}

export interface LaneAddress extends LaneSettings {
  readonly name: string;
  readonly upstreamPort: number;
}

export interface Bootstrap {
  readonly static_resources: { readonly listeners: readonly object[]; readonly clusters: readonly object[] };
}

export function bootstrap(lanes: readonly LaneAddress[]): Bootstrap {
  return { static_resources: { listeners: lanes.map(listener), clusters: lanes.map(cluster) } };
}

function listener(lane: LaneAddress): object {
  const typed_config = {
    '@type': `${TYPES}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: lane.name,
    ...managerSettings(lane.config),
    ...(lane.shortTimers ? { request_headers_timeout: '0.3s', stream_idle_timeout: '1s' } : {}),
    common_http_protocol_options: {
      ...protocolSettings(lane.config),
      ...(lane.shortTimers ? { idle_timeout: '1s' } : {}),
    },
    route_config: {
      name: lane.name,
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: routes(lane) }],
    },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPES}.http.router.v3.Router` } }],
  };
  return {
    name: lane.name,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config }] }],
  };
}

/** The catch-all; `*` (RFC 9112 3.2.4) does not begin with a slash, and a CONNECT has no path: both need their own. */
function routes(lane: LaneAddress): object[] {
  const action = routeAction(lane);
  return [
    { match: { prefix: '/' }, ...action },
    { match: { prefix: '' }, ...action },
    { match: { connect_matcher: {} }, ...action },
  ];
}

function routeAction(lane: LaneAddress): object {
  if (lane.config.route !== undefined) return { redirect: { host_redirect: 'redirect.test' } };
  const timeout = lane.routeTimeout === undefined ? {} : { timeout: lane.routeTimeout };
  return { route: { cluster: lane.name, ...timeout } };
}

function cluster(lane: LaneAddress): object {
  const socket_address = { address: '127.0.0.1', port_value: lane.upstreamPort };
  const lb_endpoints = [{ endpoint: { address: { socket_address } } }];
  return {
    name: lane.name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: { cluster_name: lane.name, endpoints: [{ lb_endpoints }] },
  };
}

/** Fields of a case's config that are not fields of the connection manager itself. */
const PROTOCOL_FIELDS = ['headers_with_underscores_action', 'max_headers_count'];

function managerSettings(config: CaseConfig): object {
  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(config)) {
    if (name === 'note' || name === 'route' || PROTOCOL_FIELDS.includes(name)) continue;
    settings[name] = name === 'upgrade_configs' ? (value as string[]).map((upgrade_type) => ({ upgrade_type })) : value;
  }
  return settings;
}

function protocolSettings(config: CaseConfig): object {
  return Object.fromEntries(Object.entries(config).filter(([name]) => PROTOCOL_FIELDS.includes(name)));
}
