/** Binds addresses and hands accepted sockets to a filter chain; counts and, when told, stops accepting. */
import { chmodSync } from 'node:fs';
import net from 'node:net';
import type { TimerHandle } from '../api/clock.ts';
import { MeshError } from '../errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { ListenerStats } from '../stats/index.ts';
import { AcceptedConnection, type AcceptedOwner } from './accepted-connection.ts';
import { type Address, formatAddress } from './address.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import type { ListenerChain, ListenerPlan } from './listener-plan.ts';
import { peerOf } from './peer.ts';
import { type DropReason, PendingConnection, type PendingHost } from './pending-connection.ts';
import { isAbstract, removeStaleSocket, socketPath } from './unix-socket.ts';

/** What a listener needs at run time. */
export interface ListenerSettings {
  readonly name: string;
  readonly addresses: readonly (Address & { readonly mode?: number; readonly ipv6Only?: boolean })[];
  readonly backlog: number | undefined;
  /** Unsent bytes per connection above which its source is paused. */
  readonly bufferLimitBytes: number;
}

/** What a listener works with. */
export interface ListenerParts {
  readonly plan: ListenerPlan;
  readonly stats: ListenerStats;
  readonly wheel: TimerWheel;
  readonly logger: Logger;
  readonly limits: ConnectionLimits;
}

export class Listener implements PendingHost, AcceptedOwner {
  readonly settings: ListenerSettings;
  readonly bufferLimitBytes: number;
  private readonly plan: ListenerPlan;
  /** Set when no connection needs a look before it gets its chain. */
  private readonly only: ListenerChain | undefined;
  private readonly stats: ListenerStats;
  private readonly wheel: TimerWheel;
  private readonly logger: Logger;
  private readonly limits: ConnectionLimits;
  private readonly servers: net.Server[] = [];
  private readonly connections = new Set<AcceptedConnection>();
  private readonly pending = new Set<PendingConnection>();
  private onEmpty: (() => void) | undefined = undefined;

  constructor(settings: ListenerSettings, { plan, stats, wheel, logger, limits }: ListenerParts) {
    this.settings = settings;
    this.bufferLimitBytes = settings.bufferLimitBytes;
    this.plan = plan;
    this.only = plan.filters.length === 0 ? plan.only : undefined;
    this.stats = stats;
    this.wheel = wheel;
    this.logger = logger;
    this.limits = limits;
  }

  /** Where it listens; with port 0 in the config, the port that the system chose. */
  get addresses(): Address[] {
    return this.servers.map((server, index) => boundAddress(server, this.settings.addresses[index] as Address));
  }

  get connectionCount(): number {
    return this.connections.size + this.pending.size;
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
    const exceeded = this.limits.exceeded(this.connectionCount);
    if (exceeded !== undefined) {
      if (exceeded === 'global') this.stats.downstream_global_cx_overflow.inc();
      else this.stats.downstream_cx_overflow.inc();
      socket.destroy();
      return;
    }
    this.limits.opened();
    if (this.only !== undefined) {
      this.open().start(socket, this.only, peerOf(socket));
      return;
    }
    const pending = new PendingConnection(socket, this.plan, this);
    this.pending.add(pending);
    this.stats.downstream_pre_cx_active.inc();
    pending.begin();
  }

  private open(): AcceptedConnection {
    const accepted = new AcceptedConnection(this, this.wheel.nowMs());
    this.connections.add(accepted);
    this.stats.downstream_cx_total.value++;
    this.stats.downstream_cx_active.inc();
    return accepted;
  }

  // PendingHost

  ready(pending: PendingConnection, rest: Buffer, ended: boolean): void {
    const chain = this.plan.find(pending);
    if (chain === undefined) {
      this.stats.no_filter_chain_match.inc();
      const from = formatAddress({ address: pending.remoteIp, port: pending.remotePort });
      this.logger.log('debug', 'connection', `closing connection from ${from}: no matching filter chain found`);
      pending.abandon();
    } else this.open().start(pending.socket, chain, pending.peer, rest, ended);
    this.settle(pending, chain === undefined);
  }

  dropped(pending: PendingConnection, reason: DropReason): void {
    if (reason === 'remote close') this.stats.downstream_listener_filter_remote_close.inc();
    if (reason === 'error') this.stats.downstream_listener_filter_error.inc();
    this.settle(pending, true);
  }

  timedOut(): void {
    this.stats.downstream_pre_cx_timeout.inc();
  }

  filterFailed(name: string, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.logger.log('error', 'filter', `listener filter ${name} failed: ${text}`);
  }

  private settle(pending: PendingConnection, gone: boolean): void {
    this.pending.delete(pending);
    this.stats.downstream_pre_cx_active.dec();
    if (!gone) return;
    this.limits.closed();
    this.lookEmpty();
  }

  // AcceptedOwner

  handshakeTimedOut(): void {
    this.stats.downstream_cx_transport_socket_connect_timeout.inc();
  }

  after(delayMs: number, callback: () => void): TimerHandle {
    return this.wheel.after(delayMs, callback);
  }

  closed(accepted: AcceptedConnection): void {
    this.connections.delete(accepted);
    this.limits.closed();
    this.stats.downstream_cx_active.dec();
    this.stats.downstream_cx_destroy.value++;
    this.stats.downstream_cx_length_ms.record(Math.round(this.wheel.nowMs() - accepted.startMs));
    this.lookEmpty();
  }

  private lookEmpty(): void {
    if (this.connectionCount === 0) this.onEmpty?.();
  }

  /** Resolves when no connection is left; at once when there is none. */
  whenEmpty(): Promise<void> {
    if (this.connectionCount === 0) return Promise.resolve();
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
    this.destroyPending();
    for (const accepted of [...this.connections]) accepted.destroy();
  }

  /** Ends those that have no filter chain yet. */
  destroyPending(): void {
    for (const pending of [...this.pending]) pending.destroy();
  }
}

function boundAddress(server: net.Server, configured: Address): Address {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') return configured;
  return { address: bound.address, port: bound.port };
}
