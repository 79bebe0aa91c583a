/** Cluster scenarios → one bootstrap. Only ports and the admin server differ between two targets. */

import { REFUSING_PORT } from '../run.ts';
import type { Yaml } from '../scenario.ts';
import type { ClusterScenario } from './scenario.ts';

const TYPES = 'type.googleapis.com/envoy.extensions.filters';

/** A scenario with the ports of its hosts, by letter. */
export interface Placed {
  readonly scenario: ClusterScenario;
  readonly ports: Readonly<Record<string, number>>;
}

/** The letters of a scenario's hosts. */
export function lettersOf({ hosts = 'a' }: ClusterScenario): string[] {
  return [...hosts];
}

/** The whole configuration; events of outlier detection go to `eventLog`. */
export function bootstrap(placed: readonly Placed[], eventLog: string): Yaml {
  const runtime = placed.flatMap(({ scenario }) =>
    Object.entries(scenario.runtime ?? {}).map(([key, value]) => [key.replace('<cluster>', scenario.name), value]),
  );
  return {
    admin: { address: socketAddress(0) },
    cluster_manager: { outlier_detection: { event_log_path: eventLog } },
    layered_runtime: { layers: [{ name: 'static', static_layer: Object.fromEntries(runtime) }] },
    static_resources: {
      listeners: placed.map(({ scenario }) => listener(scenario)),
      clusters: placed.map(cluster),
    },
  };
}

function listener(scenario: ClusterScenario): Yaml {
  const filter = scenario.tcp === undefined ? http(scenario) : tcp(scenario);
  return { name: scenario.name, address: socketAddress(0), filter_chains: [{ filters: [filter] }] };
}

function tcp({ name, tcp: fields }: ClusterScenario): Yaml {
  const config = { '@type': `${TYPES}.network.tcp_proxy.v3.TcpProxy`, stat_prefix: name, cluster: name, ...fields };
  return { name: 'envoy.filters.network.tcp_proxy', typed_config: config };
}

function http({ name, route = {} }: ClusterScenario): Yaml {
  const to = (prefix: string, more: Yaml) => ({ match: { prefix }, route: { cluster: name, ...more, ...route } });
  const hosts = {
    name: 'all',
    domains: ['*'],
    // Hosts tell a retry by it.
    include_request_attempt_count: true,
    routes: [to('/high', { priority: 'HIGH' }), to('/', {})],
    response_headers_to_add: [{ header: { key: 'x-flags', value: '%RESPONSE_FLAGS%' } }],
  };
  const config = {
    '@type': `${TYPES}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    route_config: { name: 'routes', virtual_hosts: [hosts] },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPES}.http.router.v3.Router` } }],
  };
  return { name: 'envoy.filters.network.http_connection_manager', typed_config: config };
}

function cluster({ scenario, ports }: Placed): Yaml {
  const { name } = scenario;
  const lb_endpoints = lettersOf(scenario).map((letter) => ({
    endpoint: { address: socketAddress(letter === 'z' ? REFUSING_PORT : (ports[letter] as number)) },
  }));
  const load_assignment = { cluster_name: name, endpoints: [{ lb_endpoints }] };
  // Changes of health take effect at once, so that what follows does not depend on when they came.
  const common_lb_config = { update_merge_window: '0s', ...(scenario.cluster.common_lb_config as Yaml) };
  return { name, connect_timeout: '1s', load_assignment, ...scenario.cluster, common_lb_config };
}

function socketAddress(port: number): Yaml {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
