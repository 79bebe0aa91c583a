/** What a client's connection asks of the upstream connection: addresses for PROXY protocol, names that filters have set. */
import type { NetworkConnection, ProxiedConnection, TransportOptions } from '@mesh/core';

type Tlvs = NonNullable<ProxiedConnection['tlvs']>;

/** Envoy's filter state keys. */
const PROXIED = 'envoy.network.proxy_protocol_options';
const SERVER_NAME = 'envoy.network.upstream_server_name';
const SUBJECT_ALT_NAMES = 'envoy.network.upstream_subject_alt_names';
const APPLICATION_PROTOCOLS = 'envoy.network.application_protocols';

/**
 * `tlvs` are sent when no PROXY protocol header has come with the client; `undefined` where the cluster sends no such
 * header: a connection that tells of its client is shared with nobody. Nothing is asked for more often than not.
 */
export function transportOptions(connection: NetworkConnection, tlvs: Tlvs | undefined): TransportOptions | undefined {
  const { filterState } = connection.info;
  const proxied = tlvs === undefined ? undefined : proxiedConnection(connection, tlvs);
  if (filterState.size === 0) return proxied === undefined ? undefined : { proxied };
  return {
    proxied,
    serverName: textOf(filterState.get(SERVER_NAME)),
    subjectAltNames: textsOf(filterState.get(SUBJECT_ALT_NAMES)),
    applicationProtocols: textsOf(filterState.get(APPLICATION_PROTOCOLS)),
  };
}

function proxiedConnection(connection: NetworkConnection, tlvs: Tlvs): ProxiedConnection {
  const came = connection.info.filterState.get(PROXIED) as ProxiedConnection | undefined;
  const { remoteIp, remotePort, localIp, localPort } = connection;
  return came ?? { remoteIp, remotePort, localIp, localPort, tlvs };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function textsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.map(String) : undefined;
}
