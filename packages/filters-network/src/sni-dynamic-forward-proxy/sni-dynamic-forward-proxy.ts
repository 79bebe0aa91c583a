/** Holds a connection until the server name that it asks for is found. */
import {
  type Clusters,
  type NamedHost,
  type NameWait,
  type NetworkAnswer,
  type NetworkConnection,
  type NetworkFilter,
  STOP,
} from '@mesh/core';

/** Filter state that names the port for the cluster; another filter may have set it. */
const PORT_KEY = 'envoy.upstream.dynamic_port';
/** Filter state that is left for others. */
const ADDRESS_KEY = 'envoy.stream.upstream_address';

export interface SniDynamicForwardProxySettings {
  readonly clusters: Clusters;
  readonly cacheName: string;
  readonly port: number;
  readonly saveAddress: boolean;
}

/** Of one connection. */
export interface WaitState {
  wait: NameWait | undefined;
}

export class SniDynamicForwardProxy implements NetworkFilter<WaitState> {
  private readonly settings: SniDynamicForwardProxySettings;

  constructor(settings: SniDynamicForwardProxySettings) {
    this.settings = settings;
  }

  onConnection(connection: NetworkConnection, state: WaitState): NetworkAnswer {
    const { cacheName, clusters, saveAddress } = this.settings;
    const { serverName } = connection;
    const names = serverName === '' ? undefined : clusters.namesOf?.(cacheName);
    if (names === undefined) return undefined;
    const answer = names.load(
      serverName,
      {
        onNamed(host) {
          state.wait = undefined;
          if (connection.closed) return;
          note(host, connection, saveAddress);
          connection.continueReading();
        },
      },
      this.port(connection),
    );
    if (typeof answer === 'string') {
      connection.close('now');
      return STOP;
    }
    if ('cancel' in answer) {
      state.wait = answer;
      return STOP;
    }
    note(answer, connection, saveAddress);
    return undefined;
  }

  onClose(_connection: NetworkConnection, state: WaitState): void {
    state.wait?.cancel();
  }

  /** The cluster looks for the host at the same port. */
  private port({ info }: NetworkConnection): number {
    const named = Number(info.filterState.get(PORT_KEY) ?? 0);
    if (Number.isInteger(named) && named > 0 && named <= 65_535) return named;
    info.filterState.set(PORT_KEY, this.settings.port);
    return this.settings.port;
  }
}

/** Of a name that was not found tcp_proxy says that there is no host. */
function note({ address }: NamedHost, { info }: NetworkConnection, saveAddress: boolean): void {
  if (saveAddress && address !== undefined) info.filterState.set(ADDRESS_KEY, address);
}
