/** What a tap is told, what passes it, and the configuration that holds all taps. */
import type { Yaml } from '../scenario.ts';

const V3 = 'type.googleapis.com/envoy.extensions';

/** A tap of its own listener, and what it is to see. */
export interface TapScenario {
  readonly name: string;
  readonly why: string;
  /** Fields of the filter besides `common_config`. */
  readonly filter?: Yaml;
  /** `tap_config`, or the whole body when it is a text. */
  readonly tap: Yaml | string;
  /** Requests one after the other, each on a connection of its own, in pieces that are sent with pauses. */
  readonly requests: readonly (readonly string[])[];
  /** Traces that are waited for. */
  readonly traces: number;
  /** The proxy ends the answer; otherwise the client leaves. */
  readonly ends?: boolean;
  /** Asked while the tap is attached. */
  readonly meanwhile?: string;
}

/** `upstream` is the port of the host behind all routes but `/here`. */
export function tapConfig(scenarios: readonly TapScenario[], upstream: number): Yaml {
  return {
    admin: { address: socketAddress(0) },
    static_resources: {
      listeners: scenarios.map(listener),
      clusters: [cluster(upstream)],
    },
  };
}

function listener({ name, filter }: TapScenario): Yaml {
  const routes = [
    { match: { prefix: '/here' }, direct_response: { status: 200, body: { inline_string: 'here' } } },
    { match: { prefix: '/' }, route: { cluster: 'upstream' } },
  ];
  const tap = {
    '@type': `${V3}.filters.http.tap.v3.Tap`,
    common_config: { admin_config: { config_id: name } },
    ...filter,
  };
  const manager = {
    '@type': `${V3}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    http_protocol_options: { enable_trailers: true },
    route_config: { name: 'local', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [
      { name: 'envoy.filters.http.tap', typed_config: tap },
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${V3}.filters.http.router.v3.Router` } },
    ],
  };
  return {
    name,
    address: socketAddress(0),
    filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }],
  };
}

function cluster(upstream: number): Yaml {
  const endpoint = { endpoint: { address: socketAddress(upstream) } };
  const options = {
    '@type': `${V3}.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http_protocol_options: { enable_trailers: true } },
  };
  return {
    name: 'upstream',
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: { cluster_name: 'upstream', endpoints: [{ lb_endpoints: [endpoint] }] },
    typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options },
  };
}

function socketAddress(port: number): Yaml {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
