/** A raw TCP server whose connections the test holds, and a proxy with tcp_proxy in front of it. */
import { once } from 'node:events';
import net from 'node:net';
import { type LiveProxy, RawClient, type StartProxyOptions, startProxy, until } from '@mesh/testing';
import { tcpProxy } from './index.ts';

/** Accepts connections and does nothing with them. */
export class RawServer {
  readonly connections: RawClient[] = [];
  readonly server: net.Server;

  constructor(server: net.Server) {
    this.server = server;
    server.on('connection', (socket) => void this.connections.push(new RawClient(socket)));
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  /** The connection that came as number `index`. */
  async connection(index = 0): Promise<RawClient> {
    await until(() => this.connections.length > index, `connection ${index}`);
    return this.connections[index] as RawClient;
  }

  close(): void {
    this.server.close();
    for (const { socket } of this.connections) socket.destroy();
  }
}

export async function rawServer(): Promise<RawServer> {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new RawServer(server);
}

type Input = Parameters<typeof tcpProxy>[0];

/** A proxy whose one listener is a tcp_proxy to the cluster `upstream`. */
export function tcpProxyTo(
  upstream: StartProxyOptions['upstream'],
  config: Partial<Input> = {},
  options: StartProxyOptions = {},
): Promise<LiveProxy> {
  const chosen = config.weightedClusters === undefined ? { cluster: 'upstream' } : {};
  const filter = tcpProxy({ statPrefix: 't', ...chosen, ...config });
  return startProxy({
    ...options,
    ...(upstream === undefined ? {} : { upstream }),
    networkFilters: [...(options.networkFilters ?? []), filter],
  });
}
