/** What a cluster's `transport_socket` becomes. */
import { proxyProtocolTransport } from '../proxy-protocol-out.ts';
import type { ClientTransport } from '../transport.ts';
import { TlsClientTransport } from './client.ts';
import { ClientContexts } from './client-contexts.ts';
import type { TlsDeps } from './deps.ts';
import type { ClientTlsSettings, ClientTransportSettings } from './settings.ts';
import { HandshakeCounters } from './ssl-stats.ts';

/**
 * The transport of a cluster's connections; `undefined` where bytes travel as they are.
 * @throws MeshError `CONFIG_INVALID` when certificates or keys cannot be loaded
 */
export function clientTransport(settings: ClientTransportSettings, deps: TlsDeps): ClientTransport | undefined {
  const secured = settings.tls && tlsClientTransport(settings.tls, deps);
  if (settings.proxyProtocol === undefined) return secured;
  return proxyProtocolTransport(settings.proxyProtocol, deps.scope, secured);
}

function tlsClientTransport(settings: ClientTlsSettings, deps: TlsDeps): TlsClientTransport {
  const counters = new HandshakeCounters(deps.scope, 'client');
  return new TlsClientTransport(settings, { contexts: new ClientContexts(settings, deps, counters.stats), counters });
}
