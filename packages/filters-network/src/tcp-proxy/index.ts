/** `envoy.filters.network.tcp_proxy`: carries a connection on to a host of a cluster. */
import { defineNetworkFilter, STOP } from '@mesh/core';
import { tcpProxySchema } from './config.ts';
import { Session } from './session.ts';
import { TcpProxySettings } from './settings.ts';

/** The session of a connection; it is made once the filters before have let the connection pass. */
class SessionHolder {
  session: Session | undefined = undefined;
}

/**
 * Connects each client to a host of a cluster and passes bytes on, both ways, with each side's end and reset.
 *
 * @example listener({ port: 5432, filters: [tcpProxy({ statPrefix: 'db', cluster: 'postgres' })] })
 */
export const tcpProxy = defineNetworkFilter({
  name: 'envoy.filters.network.tcp_proxy',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  config: tcpProxySchema,
  terminal: true,
  newState: () => new SessionHolder(),
  create(config, context) {
    const settings = new TcpProxySettings(config, context);
    return {
      halfClose: true,
      onConnection(connection, state) {
        state.session = new Session(settings, connection);
        state.session.start();
        return STOP;
      },
      onData: (chunk, _connection, state, end, owned) => state.session?.onClientData(chunk, end, owned),
      onWritable: (_connection, state) => state.session?.onClientWritable(),
      onClose: (_connection, state, error) => state.session?.onClientClose(error),
    };
  },
});
