/** `envoy.filters.network.connection_limit`: no more than so many connections at a time. */
import { defineNetworkFilter, STOP, type TimerHandle } from '@mesh/core';
import { duration, message, nonEmpty, required, runtimeFlag, uint64 } from '@mesh/core/proto';
import { switchOf } from '../runtime-switch.ts';

const config = message(
  {
    stat_prefix: required(nonEmpty()),
    max_connections: required(uint64({ min: 1 })),
    delay: duration(),
    runtime_enabled: runtimeFlag,
  },
  { name: 'envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit' },
);

/** One connection: whether it is counted, and the timer that closes one too many. */
class Place {
  counted = false;
  refused = false;
  timer: TimerHandle | undefined = undefined;
}

/**
 * Closes connections beyond a limit, after a delay if one is given.
 *
 * @example listener({ port: 5432, filters: [connectionLimit({ statPrefix: 'db', maxConnections: 100 }), tcpProxy(…)] })
 */
export const connectionLimit = defineNetworkFilter({
  name: 'envoy.filters.network.connection_limit',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit',
  config,
  newState: () => new Place(),
  create({ statPrefix, maxConnections, delayMs = 0, runtimeEnabled }, { runtime, stats: root, timers }) {
    const stats = root.scope(`connection_limit.${statPrefix}.`);
    const limited = stats.counter('limited_connections');
    const active = stats.gauge('active_connections');
    const enabled = switchOf(runtime, runtimeEnabled);
    let connections = 0;
    return {
      onConnection(connection, place) {
        if (!enabled()) return;
        // Also one too many has a place until it is gone, as in Envoy.
        active.inc();
        connections++;
        place.counted = true;
        if (connections <= maxConnections) return;
        limited.inc();
        place.refused = true;
        if (delayMs === 0) connection.close('now');
        else place.timer = timers.after(delayMs, () => connection.close('now'));
        return STOP;
      },
      // What comes while a refused connection waits for its end is of no use to anybody.
      onData: (_chunk, _connection, place) => (place.refused ? STOP : undefined),
      onClose(_connection, place) {
        place.timer?.cancel();
        if (!place.counted) return;
        connections--;
        active.dec();
      },
    };
  },
});
