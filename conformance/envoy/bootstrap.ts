/** Scenarios → one bootstrap: a listener, a route table and clusters for each. Only ports differ between two targets. */
import type { Scenario, Yaml } from './scenario.ts';

const TYPES = 'type.googleapis.com/envoy.extensions.filters';
const PLACEHOLDER = /<([a-z]+)>/g;
/** `<unknown>` is a cluster that does not exist, `<port>` that of a cluster's first host, `<manager>` the HTTP filter. */
const NOT_CLUSTERS = ['unknown', 'port', 'manager'];

/** Ports of a scenario's upstreams, by letter. */
export type UpstreamPorts = Readonly<Record<string, number>>;

/** A scenario with the upstreams of one run. */
export interface Placed {
  readonly scenario: Scenario;
  readonly ports: UpstreamPorts;
}

/** The name of a scenario's cluster in configuration and statistics. */
export function clusterName(scenario: Scenario, cluster: string): string {
  return `${scenario.name}_${cluster}`;
}

/** Puts cluster names in the place of `<a>`. */
export function fill(scenario: Scenario, text: string): string {
  return text.replace(PLACEHOLDER, (_all, cluster: string) => clusterName(scenario, cluster));
}

/** Clusters that a scenario speaks of. */
export function clustersOf(scenario: Scenario): string[] {
  const { routes, virtualHost, virtualHosts, table, manager, listener, clusters = {}, requests } = scenario;
  const text = JSON.stringify([routes, virtualHost, virtualHosts, table, manager, listener, clusters, requests]);
  const named = [...text.matchAll(PLACEHOLDER)].map(([, cluster]) => cluster as string);
  return [...new Set([...named, ...Object.keys(clusters)])].filter((name) => !NOT_CLUSTERS.includes(name));
}

/** Upstreams that a scenario needs. */
export function upstreamsOf(scenario: Scenario): string[] {
  const letters = clustersOf(scenario).flatMap((cluster) => scenario.clusters?.[cluster]?.hosts ?? [cluster]);
  const { upstreams = {}, servers = {} } = scenario;
  return [...new Set([...letters, ...Object.keys(upstreams), ...Object.keys(servers)])].filter(
    (each) => each.length === 1,
  );
}

/** The whole configuration. */
export function bootstrap(placed: readonly Placed[]): Yaml {
  const runtime = Object.assign({}, ...placed.map(({ scenario }) => scenario.runtime ?? {})) as Yaml;
  return {
    node: { id: 'test-node', cluster: 'test-cluster' },
    ...(Object.keys(runtime).length === 0
      ? {}
      : { layered_runtime: { layers: [{ name: 'static', static_layer: runtime }] } }),
    static_resources: {
      listeners: placed.map(({ scenario }) => listener(scenario)),
      clusters: placed.flatMap(({ scenario, ports }) =>
        clustersOf(scenario).map((name) => cluster(scenario, name, ports)),
      ),
    },
  };
}

function listener(scenario: Scenario): Yaml {
  const http = {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: manager(scenario),
  };
  const text = JSON.stringify({ filter_chains: [{ filters: ['<manager>'] }], ...scenario.listener });
  const rest = JSON.parse(fill(scenario, text.replaceAll('"<manager>"', JSON.stringify(http))));
  return { name: scenario.name, address: socketAddress(0), ...rest };
}

function manager(scenario: Scenario): Yaml {
  const { routes = [], virtualHost = {}, virtualHosts, table = {}, router = {} } = scenario;
  const config = {
    '@type': `${TYPES}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: scenario.name,
    // Scenarios wait for the end of a connection.
    delayed_close_timeout: '0.1s',
    route_config: {
      name: 'routes',
      virtual_hosts: virtualHosts ?? [{ name: 'all', domains: ['*'], routes, ...virtualHost }],
      ...table,
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': `${TYPES}.http.router.v3.Router`, ...router },
      },
    ],
    ...scenario.manager,
  };
  return JSON.parse(fill(scenario, JSON.stringify(config)));
}

function cluster(scenario: Scenario, name: string, ports: UpstreamPorts): Yaml {
  const { hosts = name === 'empty' ? [] : [name], ...settings } = scenario.clusters?.[name] ?? {};
  const cluster_name = clusterName(scenario, name);
  const lb_endpoints = hosts.map((host) => ({ endpoint: { address: socketAddress(ports[host] as number) } }));
  return {
    name: cluster_name,
    connect_timeout: '1s',
    load_assignment: { cluster_name, endpoints: [{ lb_endpoints }] },
    ...JSON.parse(fill(scenario, withPorts(JSON.stringify(settings), hosts, ports))),
  };
}

/** `"<port>"` is that of the first host, `"<port-b>"` that of `b`. */
function withPorts(text: string, hosts: readonly string[], ports: UpstreamPorts): string {
  const port = (letter = '') => String(ports[letter]);
  return text
    .replaceAll('"<port>"', port(hosts[0]))
    .replace(/"<port-([a-z])>"/g, (_all, letter: string) => port(letter));
}

function socketAddress(port: number): Yaml {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
