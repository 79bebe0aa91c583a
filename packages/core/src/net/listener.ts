/** Binds addresses and hands accepted sockets to a filter chain; counts and, when told, stops accepting. */
import { chmodSync } from 'node:fs';
import net from 'node:net';
import { MeshError } from '../errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { ListenerStats } from '../stats/index.ts';
import { type Address, formatAddress } from './address.ts';
import { Connection, type ConnectionHandler } from './connection.ts';
import { FilteredConnection, type NetworkPlan } from './filter-chain.ts';
import { type Peer, peerOf } from './peer.ts';
import { isAbstract, removeStaleSocket, socketPath } from './unix-socket.ts';

/** What a listener needs at run time. */
export interface ListenerSettings {
  readonly name: string;
  readonly addresses: readonly (Address & { readonly mode?: number; readonly ipv6Only?: boolean })[];
  readonly backlog: number | undefined;
  /** Unsent bytes per connection above which its source is paused. */
  readonly bufferLimitBytes: number;
}

export class Listener {
  readonly settings: ListenerSettings;
  private readonly plan: NetworkPlan;
  private readonly stats: ListenerStats;
  private readonly wheel: TimerWheel;
  private readonly logger: Logger;
  private readonly servers: net.Server[] = [];
  private readonly connections = new Set<AcceptedConnection>();
  private onEmpty: (() => void) | undefined = undefined;

  constructor(settings: ListenerSettings, plan: NetworkPlan, stats: ListenerStats, wheel: TimerWheel, logger: Logger) {
    this.settings = settings;
    this.plan = plan;
    this.stats = stats;
    this.wheel = wheel;
    this.logger = logger;
  }

  /** Where it listens; with port 0 in the config, the port that the system chose. */
  get addresses(): Address[] {
    return this.servers.map((server, index) => boundAddress(server, this.settings.addresses[index] as Address));
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  /** Binds every address. @throws MeshError `LISTEN_FAILED`; then nothing stays bound. */
  async listen(): Promise<void> {
    try {
      for (const address of this.settings.addresses) this.servers.push(await this.bind(address));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  private async bind(address: ListenerSettings['addresses'][number]): Promise<net.Server> {
    if ('path' in address) await removeStaleSocket(address.path);
    const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.accept(socket));
    return new Promise((resolve, reject) => {
      server.once('error', (error) => {
        const where = `listener ${this.settings.name}: cannot bind ${formatAddress(address)}`;
        reject(new MeshError('LISTEN_FAILED', `${where}: ${error.message}`, { cause: error }));
      });
      const options = this.settings.backlog === undefined ? {} : { backlog: this.settings.backlog };
      const target =
        'path' in address
          ? { path: socketPath(address.path) }
          : { host: address.address, port: address.port, ipv6Only: address.ipv6Only ?? false };
      server.listen({ ...target, ...options }, () => {
        server.removeAllListeners('error');
        server.on('error', (error) => this.acceptFailed(error));
        if ('path' in address && address.mode !== undefined && address.mode > 0 && !isAbstract(address.path)) {
          chmodSync(address.path, address.mode);
        }
        resolve(server);
      });
    });
  }

  /** Out of file descriptors, most likely: the connection is lost, the listener is not. */
  private acceptFailed(error: Error): void {
    this.stats.downstream_cx_overload_reject.inc();
    this.logger.log('warning', 'connection', `listener ${this.settings.name}: accept failed: ${error.message}`);
  }

  private accept(socket: net.Socket): void {
    const accepted = new AcceptedConnection(this, this.wheel.nowMs());
    this.connections.add(accepted);
    this.stats.downstream_cx_total.value++;
    this.stats.downstream_cx_active.inc();
    accepted.start(socket, this.plan);
  }

  /** @internal */
  closed(accepted: AcceptedConnection): void {
    this.connections.delete(accepted);
    this.stats.downstream_cx_active.dec();
    this.stats.downstream_cx_destroy.value++;
    this.stats.downstream_cx_length_ms.record(Math.round(this.wheel.nowMs() - accepted.startMs));
    if (this.connections.size === 0) this.onEmpty?.();
  }

  /** Resolves when no connection is left; at once when there is none. */
  whenEmpty(): Promise<void> {
    if (this.connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.onEmpty;
      this.onEmpty = () => {
        before?.();
        resolve();
      };
    });
  }

  /** Stops accepting; connections stay. */
  async stop(): Promise<void> {
    const servers = this.servers.splice(0);
    for (const server of servers) server.close();
  }

  /** Ends every connection at once. */
  destroyConnections(): void {
    for (const accepted of [...this.connections]) accepted.destroy();
  }
}

/** Stands between a socket and its chain, so that the listener learns of the close. */
class AcceptedConnection implements ConnectionHandler {
  readonly startMs: number;
  private readonly listener: Listener;
  private connection: Connection | undefined = undefined;
  private handler: ConnectionHandler | undefined = undefined;

  constructor(listener: Listener, startMs: number) {
    this.listener = listener;
    this.startMs = startMs;
  }

  start(socket: net.Socket, plan: NetworkPlan): void {
    const peer: Peer = peerOf(socket);
    const connection = Connection.accept(socket, this, this.listener.settings.bufferLimitBytes);
    this.connection = connection;
    if (plan.filters.length === 0 && plan.end !== undefined) {
      this.handler = plan.end.attach(connection, peer);
      return;
    }
    const filtered = new FilteredConnection(plan, connection, peer);
    this.handler = filtered;
    filtered.begin();
  }

  destroy(): void {
    this.connection?.destroy();
  }

  onBytes(chunk: Buffer, owned: boolean): void {
    (this.handler as ConnectionHandler).onBytes(chunk, owned);
  }
  onEnd(): void {
    (this.handler as ConnectionHandler).onEnd();
  }
  onWritable(): void {
    (this.handler as ConnectionHandler).onWritable();
  }
  onClose(error: Error | undefined): void {
    this.handler?.onClose(error);
    this.listener.closed(this);
  }
}

function boundAddress(server: net.Server, configured: Address): Address {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') return configured;
  return { address: bound.address, port: bound.port };
}
