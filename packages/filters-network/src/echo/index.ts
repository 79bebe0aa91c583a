/** `envoy.filters.network.echo`: writes back what it reads. */
import { defineNetworkFilter } from '@mesh/core';
import { message } from '@mesh/core/proto';

/** Connections whose client does not read are paused; each pause has its resume. */
class EchoState {
  paused = false;
}

/**
 * Writes every byte back, and ends when the client has ended.
 *
 * @example listener({ port: 7, filters: [echo()] })
 */
export const echo = defineNetworkFilter({
  name: 'envoy.filters.network.echo',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo',
  config: message({}, { name: 'envoy.extensions.filters.network.echo.v3.Echo' }),
  terminal: true,
  newState: () => new EchoState(),
  create: () => ({
    halfClose: true,
    onData(chunk, connection, state, end) {
      if (connection.write(chunk, end) || state.paused || end) return;
      state.paused = true;
      connection.pauseReading();
    },
    onWritable(connection, state) {
      if (!state.paused) return;
      state.paused = false;
      connection.resumeReading();
    },
  }),
});
