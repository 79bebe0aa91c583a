/** Binds addresses and hands accepted sockets to a filter chain; counts and, when told, stops accepting. */
import { chmodSync } from 'node:fs';
import net from 'node:net';
import type { TimerHandle } from '../api/clock.ts';
import type { StreamConnection } from '../api/http-stream.ts';
import { errorText, MeshError, ResponseFlag } from '../errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { ListenerStats, WorkerStats } from '../stats/index.ts';
import { AcceptedConnection, type AcceptedOwner } from './accepted-connection.ts';
import { type Address, formatAddress } from './address.ts';
import { ConnectionFacts, NO_BYTES } from './connection-facts.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import type { ListenerChain, ListenerPlan } from './listener-plan.ts';
import { type Peer, peerOf } from './peer.ts';
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
  /** The same connections once more, as those of this thread. */
  readonly worker: WorkerStats;
  readonly wheel: TimerWheel;
  readonly logger: Logger;
  readonly limits: ConnectionLimits;
  /** Told of every connection that has come to its end, also of those that got no filter chain. */
  readonly onEnd?: EndHook | undefined;
}

/** See {@link ListenerParts.onEnd}; `chain` is the name of its filter chain. */
export type EndHook = (connection: StreamConnection, facts: ConnectionFacts, chain: string) => void;

/** A bound address, which one listener after another may serve without ever letting go of it. */
interface BoundSocket {
  readonly server: net.Server;
  readonly configured: ListenerSettings['addresses'][number];
  /** Gets what is accepted. */
  owner: Listener;
}

/** Connections that are waited for. */
interface Leaving {
  readonly chains: ReadonlySet<ListenerChain>;
  count: number;
  readonly gone: () => void;
}

export class Listener implements PendingHost, AcceptedOwner {
  readonly settings: ListenerSettings;
  readonly bufferLimitBytes: number;
  private plan: ListenerPlan;
  /** Set when no connection needs a look before it gets its chain. */
  private only: ListenerChain | undefined;
  private readonly stats: ListenerStats;
  private readonly worker: WorkerStats;
  private readonly wheel: TimerWheel;
  private readonly logger: Logger;
  private readonly limits: ConnectionLimits;
  private readonly onEnd: EndHook | undefined;
  private sockets: BoundSocket[] = [];
  private readonly leaving = new Set<Leaving>();
  private readonly connections = new Set<AcceptedConnection>();
  private readonly pending = new Set<PendingConnection>();
  private onEmpty: (() => void) | undefined = undefined;

  constructor(settings: ListenerSettings, { plan, stats, worker, wheel, logger, limits, onEnd }: ListenerParts) {
    this.settings = settings;
    this.bufferLimitBytes = settings.bufferLimitBytes;
    this.plan = plan;
    this.only = onlyChainOf(plan);
    this.stats = stats;
    this.worker = worker;
    this.wheel = wheel;
    this.logger = logger;
    this.limits = limits;
    this.onEnd = onEnd;
  }

  get logged(): boolean {
    return this.onEnd !== undefined;
  }

  /** Where it listens; with port 0 in the config, the port that the system chose. */
  get addresses(): Address[] {
    return this.sockets.map(({ server, configured }) => boundAddress(server, configured));
  }

  /** Connections from now on go by `plan`; those that have their chain stay with it. */
  usePlan(plan: ListenerPlan): void {
    this.plan = plan;
    this.only = onlyChainOf(plan);
  }

  get connectionCount(): number {
    return this.connections.size + this.pending.size;
  }

  /**
   * Binds every address. What `before` has bound is not bound again: it passes from there to here, in one step and
   * without a moment in which nobody listens; then `before` accepts nothing more.
   * @throws MeshError `LISTEN_FAILED`; then nothing new stays bound, and `before` goes on.
   */
  async listen(before?: Listener): Promise<void> {
    const made: BoundSocket[] = [];
    const inherited = (address: ListenerSettings['addresses'][number]) =>
      before?.sockets.find(({ configured }) => isSame(configured, address));
    try {
      for (const address of this.settings.addresses) {
        if (inherited(address) === undefined) made.push(await this.bind(address));
      }
    } catch (error) {
      for (const { server } of made) server.close();
      throw error;
    }
    this.sockets = this.settings.addresses.flatMap(
      (address) => inherited(address) ?? made.find(({ configured }) => configured === address) ?? [],
    );
    for (const socket of this.sockets) socket.owner = this;
    await before?.stop();
  }

  private async bind(address: ListenerSettings['addresses'][number]): Promise<BoundSocket> {
    if ('path' in address) await removeStaleSocket(address.path);
    const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => bound.owner.accept(socket));
    const bound: BoundSocket = { server, configured: address, owner: this };
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
        server.on('error', (error) => bound.owner.acceptFailed(error));
        if ('path' in address && address.mode !== undefined && address.mode > 0 && !isAbstract(address.path)) {
          chmodSync(address.path, address.mode);
        }
        resolve(bound);
      });
    });
  }

  /** Out of file descriptors, most likely: the connection is lost, the listener is not. */
  private acceptFailed(error: Error): void {
    this.stats.downstream_cx_overload_reject.inc();
    this.logger.log('warning', 'connection', `listener ${this.settings.name}: accept failed: ${error.message}`);
  }

  private accept(socket: net.Socket): void {
    // libuv accepts one connection per event of the socket.
    this.stats.connections_accepted_per_socket_event.record(1);
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
    const pending = new PendingConnection(socket, this.plan, this, this.wheel.nowMs());
    this.pending.add(pending);
    this.stats.downstream_pre_cx_active.inc();
    pending.begin();
  }

  private open(): AcceptedConnection {
    const accepted = new AcceptedConnection(this, this.wheel.nowMs());
    this.connections.add(accepted);
    this.stats.downstream_cx_total.value++;
    this.stats.downstream_cx_active.inc();
    this.worker.downstream_cx_total.value++;
    this.worker.downstream_cx_active.inc();
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
    this.settle(pending, chain === undefined, true);
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
    this.logger.log('error', 'filter', `listener filter ${name} failed: ${errorText(error)}`);
  }

  private settle(pending: PendingConnection, gone: boolean, chainless = false): void {
    this.pending.delete(pending);
    this.stats.downstream_pre_cx_active.dec();
    if (!gone) return;
    if (this.onEnd !== undefined) this.tellPending(this.onEnd, pending, chainless);
    this.limits.closed();
    this.lookEmpty();
  }

  private tellPending(onEnd: EndHook, pending: PendingConnection, chainless: boolean): void {
    const { clock } = this.wheel;
    const facts = new ConnectionFacts(NO_BYTES, pending.peer, clock, pending.startMs);
    facts.endMs = clock.nowMs();
    if (chainless) {
      facts.flags |= ResponseFlag.NR;
      facts.details = 'filter_chain_not_found';
    }
    onEnd(streamConnection(0, pending.peer), facts, '');
  }

  // AcceptedOwner

  handshakeTimedOut(): void {
    this.stats.downstream_cx_transport_socket_connect_timeout.inc();
  }

  after(delayMs: number, callback: () => void): TimerHandle {
    return this.wheel.after(delayMs, callback);
  }

  closed(accepted: AcceptedConnection): void {
    if (this.onEnd !== undefined && accepted.peer !== undefined) {
      const facts = accepted.facts(this.wheel.clock);
      this.onEnd(streamConnection(accepted.id, accepted.peer), facts, accepted.chain?.name ?? '');
    }
    this.connections.delete(accepted);
    if (this.leaving.size > 0) this.hasLeft(accepted.chain);
    this.limits.closed();
    this.stats.downstream_cx_active.dec();
    this.worker.downstream_cx_active.dec();
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

  /** Resolves when the connections that have one of `chains` are gone. No connection may get one of them any more. */
  whenGone(chains: ReadonlySet<ListenerChain>): Promise<void> {
    const count = this.connectionsOn(chains).length;
    if (count === 0) return Promise.resolve();
    return new Promise((resolve) => void this.leaving.add({ chains, count, gone: resolve }));
  }

  private hasLeft(chain: ListenerChain | undefined): void {
    for (const leaving of this.leaving) {
      if (chain === undefined || !leaving.chains.has(chain) || --leaving.count > 0) continue;
      this.leaving.delete(leaving);
      leaving.gone();
    }
  }

  private connectionsOn(chains: ReadonlySet<ListenerChain>): AcceptedConnection[] {
    return [...this.connections].filter(({ chain }) => chain !== undefined && chains.has(chain));
  }

  /** Ends the connections that have one of `chains`, at once. */
  destroyOn(chains: ReadonlySet<ListenerChain>): void {
    for (const accepted of this.connectionsOn(chains)) accepted.destroy();
  }

  /** Stops accepting; connections stay. Addresses that another listener has taken over stay bound. */
  async stop(): Promise<void> {
    for (const { server, owner } of this.sockets.splice(0)) if (owner === this) server.close();
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

function streamConnection(id: number, { tls, ...peer }: Peer): StreamConnection {
  return {
    ...peer,
    id,
    secure: tls !== undefined,
    ...(tls && {
      tls,
      peerCertificate: tls.peerCertificate,
      localCertificate: tls.localCertificate,
      peerCertificatePresented: tls.peerCertificatePresented,
      peerCertificateValidated: tls.peerCertificateValidated,
    }),
  };
}

function boundAddress(server: net.Server, configured: Address): Address {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') return configured;
  return { address: bound.address, port: bound.port };
}

/** Port 0 is the port that the system has chosen for it. */
function isSame(a: ListenerSettings['addresses'][number], b: ListenerSettings['addresses'][number]): boolean {
  return formatAddress(a) === formatAddress(b) && (a.ipv6Only ?? false) === (b.ipv6Only ?? false);
}

function onlyChainOf(plan: ListenerPlan): ListenerChain | undefined {
  return plan.filters.length === 0 ? plan.only : undefined;
}
