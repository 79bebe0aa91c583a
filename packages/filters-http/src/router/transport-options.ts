/** What a request asks of the connection that serves it: the server name, and whom the host is told about. */
import type { ProxiedConnection, RequestHeaders, TerminalStream, TransportOptions, TransportPolicy } from '@mesh/core';

/** Envoy's filter state key of the connection that a PROXY protocol header has told of. */
const PROXIED = 'envoy.network.proxy_protocol_options';

/** By the cluster's policy and the head as it goes upstream. */
export function transportOptions(
  policy: TransportPolicy,
  headers: RequestHeaders,
  stream: TerminalStream,
): TransportOptions {
  const proxied = policy.proxied ? proxiedConnection(stream) : undefined;
  const dedicatedTo = policy.dedicated === true ? stream.connection.id : undefined;
  if (!policy.autoSni && !policy.autoSanValidation) return { proxied, dedicatedTo };
  const name = hostOf((policy.header === '' ? undefined : headers.get(policy.header)) ?? headers.authority);
  return {
    // An address is no server name (RFC 6066 3).
    serverName: policy.autoSni && name !== '' && !isIp(name) ? name : undefined,
    subjectAltNames: policy.autoSanValidation ? [name] : undefined,
    proxied,
    dedicatedTo,
  };
}

function proxiedConnection({ connection, info }: TerminalStream): ProxiedConnection {
  const { remoteIp, remotePort, localIp, localPort } = connection;
  const came = info.filterState.get(PROXIED) as ProxiedConnection | undefined;
  return came ?? { remoteIp, remotePort, localIp, localPort };
}

/** An authority without port and brackets. */
function hostOf(authority: string): string {
  if (authority.startsWith('[')) return authority.slice(1, authority.indexOf(']'));
  const colon = authority.lastIndexOf(':');
  return colon >= 0 && authority.indexOf(':') === colon ? authority.slice(0, colon) : authority;
}

function isIp(name: string): boolean {
  return name.includes(':') || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}
