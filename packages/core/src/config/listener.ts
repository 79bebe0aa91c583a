/** Listeners: where the proxy accepts connections and what it does with them. */
import type { z } from 'zod';
import { formatAddress } from '../net/address.ts';
import { accessLogEntry } from './access-log.ts';
import { address, metadata, notAnIp } from './common.ts';
import { discoveredConfig, extension } from './extension.ts';
import { type CheckedChain, filterChainMatch, matchProblem } from './filter-chain-match.ts';
import { listenerFilterEntry } from './listener-filter.ts';
import { type DeepPartial, fields, message, required, withDefault } from './message.ts';
import { bool, duration, enumOf, list, only, string, uint32 } from './proto-json.ts';
import type { Report } from './schema-type.ts';
import { transportSocketDownstream } from './tls/transport-socket.ts';

const sockets = 'this socket option is not available in Node.js';
const originalDst = 'Node.js cannot ask for the address that a connection was redirected from';

/** Envoy `Filter`: one network filter of a chain. */
const networkFilterEntry = extension('network-filter', {
  name: 'envoy.config.listener.v3.Filter',
  extra: {},
  known: discoveredConfig,
});

/** Envoy `FilterChain`. */
export const filterChainSchema = message(
  {
    name: withDefault(string(), ''),
    filter_chain_match: filterChainMatch,
    filters: list(networkFilterEntry),
    transport_socket: transportSocketDownstream,
    transport_socket_connect_timeout: withDefault(duration(), 0),
    use_proxy_proto: withDefault(bool(), false),
    metadata,
  },
  {
    name: 'envoy.config.listener.v3.FilterChain',
    known: { tls_context: 'the 2018 form of transport_socket' },
  },
);

const additionalAddress = message(
  { address: required(address) },
  {
    name: 'envoy.config.listener.v3.AdditionalAddress',
    known: fields('socket_options tcp_keepalive', sockets),
  },
);

/** Envoy `Listener`. */
export const listenerSchema = message(
  {
    name: withDefault(string(), ''),
    address: required(address),
    additional_addresses: list(additionalAddress),
    stat_prefix: withDefault(string(), ''),
    filter_chains: list(filterChainSchema),
    default_filter_chain: filterChainSchema,
    listener_filters: list(listenerFilterEntry),
    listener_filters_timeout: withDefault(duration(), 15_000),
    continue_on_listener_filters_timeout: withDefault(bool(), false),
    use_original_dst: withDefault(only(bool(), false, originalDst), false),
    per_connection_buffer_limit_bytes: uint32({ min: 1 }),
    tcp_backlog_size: uint32({ max: 0x7fff_ffff }),
    drain_type: withDefault(enumOf(['DEFAULT', 'MODIFY_ONLY']), 'DEFAULT'),
    traffic_direction: withDefault(enumOf(['UNSPECIFIED', 'INBOUND', 'OUTBOUND']), 'UNSPECIFIED'),
    metadata,
    enable_reuse_port: withDefault(bool(), true),
    bind_to_port: withDefault(only(bool(), true, 'a listener is reached by its port only'), true),
    ignore_global_conn_limit: withDefault(bool(), false),
    access_log: list(accessLogEntry),
  },
  {
    name: 'envoy.config.listener.v3.Listener',
    known: {
      filter_chain_matcher: 'matcher trees are not built yet; use filter_chain_match',
      fcds_config: 'xDS is not built yet',
      stats_matcher: 'not built yet',
      use_proxy_proto: 'it belongs into a filter chain',
      deprecated_v1: 'use bind_to_port',
      ...fields('transparent freebind socket_options tcp_fast_open_queue_length enable_mptcp tcp_keepalive', sockets),
      reuse_port: 'use enable_reuse_port',
      udp_listener_config: 'UDP is not built yet',
      ...fields('api_listener internal_listener', 'not built yet'),
      connection_balance_config: 'the system balances connections over workers',
      ...fields(
        'per_connection_buffer_high_watermark_timeout max_connections_to_accept_per_socket_event bypass_overload_manager',
        'not built yet',
      ),
    },
    check: checkListener,
  },
);

/** The part of a listener that is checked; spelled out, because the schema's own type would refer to itself. */
type Checked = DeepPartial<{
  readonly name: string;
  readonly address: z.output<typeof address>;
  readonly additionalAddresses: readonly z.output<typeof additionalAddress>[];
  readonly filterChains: readonly FilterChainConfig[];
  readonly defaultFilterChain?: FilterChainConfig;
}>;

function checkListener(listener: Checked, report: Report): void {
  const problem = notAnIp(listener.address?.socketAddress?.address);
  if (problem !== undefined) report({ path: ['address', 'socket_address', 'address'], message: problem });
  for (const [index, extra] of (listener.additionalAddresses ?? []).entries()) {
    const message = notAnIp(extra?.address?.socketAddress?.address);
    if (message === undefined) continue;
    report({ path: ['additional_addresses', index, 'address', 'socket_address', 'address'], message });
  }
  const chains = (listener.filterChains ?? []) as readonly (CheckedChain | undefined)[];
  const failed = `error adding listener '${addressesOf(listener)}':`;
  if (chains.length === 0 && listener.defaultFilterChain === undefined) {
    report({ message: `${failed} no filter chains specified` });
  }
  const clash = matchProblem(chains);
  if (clash !== undefined) report({ path: ['filter_chains', clash.index], message: `${failed} ${clash.message}` });
}

/** The addresses as Envoy names a listener by them. */
function addressesOf({ address: first, additionalAddresses = [] }: Checked): string {
  const all = [first, ...additionalAddresses.map((each) => each?.address)];
  return all.map(addressText).join(',');
}

function addressText(value: DeepPartial<z.output<typeof address>> | undefined): string {
  const { address: ip, portValue = 0 } = value?.socketAddress ?? {};
  return ip === undefined ? (value?.pipe?.path ?? '') : formatAddress({ address: ip, port: portValue });
}

/** A listener with all defaults filled in. */
export type ListenerConfig = z.output<typeof listenerSchema>;
/** The network filters for a connection. */
export type FilterChainConfig = z.output<typeof filterChainSchema>;
