/**
 * A connection that has its filter chain: first the handshake of the chain's transport, if it has one, then the chain's
 * handler. It stands between the socket and the handler, so that the listener learns of the close.
 */
import type net from 'node:net';
import type { Clock, TimerHandle } from '../api/clock.ts';
import { Connection, type ConnectionHandler } from './connection.ts';
import { ConnectionFacts, NO_BYTES } from './connection-facts.ts';
import { FilteredConnection, type NetworkPlan } from './filter-chain.ts';
import type { ListenerChain } from './listener-plan.ts';
import type { Peer } from './peer.ts';
import type { SecuredSocket, ServerTransport } from './transport.ts';

/** The listener, as its connections see it. */
export interface AcceptedOwner {
  readonly bufferLimitBytes: number;
  closed(accepted: AcceptedConnection): void;
  /** The handshake took too long. */
  handshakeTimedOut(): void;
  /** Ends are told to somebody: `peer` is kept for them. */
  readonly logged: boolean;
  after(delayMs: number, callback: () => void): TimerHandle;
}

const NOBODY: Peer = { remoteIp: '', remotePort: 0, localIp: '', localPort: 0 };

export class AcceptedConnection implements ConnectionHandler {
  readonly startMs: number;
  /** Known from `start` on. */
  chain: ListenerChain | undefined = undefined;
  private readonly owner: AcceptedOwner;
  /** For logs of the listener. */
  peer: Peer | undefined = undefined;
  /** Why the handshake failed. */
  transportFailure = '';
  private connection: Connection | undefined = undefined;
  private handler: ConnectionHandler | undefined = undefined;
  /** While it is on. */
  private handshake: Handshake | undefined = undefined;

  constructor(owner: AcceptedOwner, startMs: number) {
    this.owner = owner;
    this.startMs = startMs;
  }

  /** `rest` are bytes that were read before; with `ended` no more will come. */
  start(socket: net.Socket, chain: ListenerChain, peer: Peer, rest?: Buffer, ended = false): void {
    this.chain = chain;
    if (this.owner.logged) this.peer = peer;
    const { transport } = chain;
    if (transport === undefined || chain.plan.empty) {
      this.serve(socket, chain.plan, peer);
      const connection = this.connection as Connection;
      if (rest !== undefined && rest.length > 0 && !connection.socket.destroyed) connection.read(rest, true);
      if (ended && !connection.socket.destroyed) connection.socketEnd();
      return;
    }
    if (ended) {
      // Nobody will finish this handshake.
      socket.destroy();
      this.owner.closed(this);
      return;
    }
    if (rest !== undefined && rest.length > 0) socket.unshift(rest);
    this.handshake = new Handshake(this, socket, chain, peer);
    this.handshake.begin(transport, this.owner);
  }

  /** @internal */
  secured({ socket, raw, tls }: SecuredSocket, plan: NetworkPlan, peer: Peer): void {
    this.handshake = undefined;
    const serverName = tls.serverName === '' ? peer.serverName : tls.serverName;
    const known = { ...peer, tls, serverName };
    if (this.owner.logged) this.peer = known;
    this.serve(socket, plan, known, raw);
  }

  /** @internal */
  handshakeFailed(timedOut: boolean, reason: string): void {
    this.handshake = undefined;
    this.transportFailure = reason;
    if (timedOut) this.owner.handshakeTimedOut();
    this.owner.closed(this);
  }

  private serve(socket: net.Socket, plan: NetworkPlan, peer: Peer, raw?: net.Socket): void {
    const connection = Connection.accept(socket, this, this.owner.bufferLimitBytes, raw);
    this.connection = connection;
    if (plan.filters.length === 0 && plan.end !== undefined) {
      this.handler = plan.end.attach(connection, peer);
      return;
    }
    const filtered = new FilteredConnection(plan, connection, peer);
    this.handler = filtered;
    filtered.begin();
  }

  /** What is known of it at its end. */
  facts(clock: Clock): ConnectionFacts {
    const { connection, handler, peer } = this;
    const known = handler instanceof FilteredConnection ? handler.madeInfo : undefined;
    const facts = known ?? new ConnectionFacts(connection ?? NO_BYTES, peer ?? NOBODY, clock, this.startMs);
    facts.endMs = clock.nowMs();
    if (this.transportFailure !== '') facts.transportFailure = this.transportFailure;
    const http = handler instanceof FilteredConnection ? handler.end : handler;
    http?.tellEnd?.(facts);
    return facts;
  }

  get id(): number {
    return this.connection?.id ?? 0;
  }

  destroy(): void {
    this.connection?.destroy();
    this.handshake?.abort();
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
    this.owner.closed(this);
  }
}

/** One handshake. It tells its connection exactly once how it ended, whatever the transport does. */
class Handshake {
  private readonly accepted: AcceptedConnection;
  private readonly socket: net.Socket;
  private readonly chain: ListenerChain;
  private readonly peer: Peer;
  private timer: TimerHandle | undefined = undefined;
  private timedOut = false;
  private over = false;

  constructor(accepted: AcceptedConnection, socket: net.Socket, chain: ListenerChain, peer: Peer) {
    this.accepted = accepted;
    this.socket = socket;
    this.chain = chain;
    this.peer = peer;
  }

  begin(transport: ServerTransport, owner: AcceptedOwner): void {
    const { socket, chain } = this;
    socket.on('error', ignore);
    socket.once('close', this.closed);
    if (chain.transportTimeoutMs > 0) {
      this.timer = owner.after(chain.transportTimeoutMs, () => {
        this.timedOut = true;
        this.abort();
      });
    }
    const failed = (reason: string) => this.fail(reason);
    transport.accept(socket, (secured) => this.succeed(secured), failed);
  }

  abort(): void {
    this.socket.destroy();
    this.fail('');
  }

  private succeed(secured: SecuredSocket): void {
    // The transport did not see that the socket was given up.
    if (this.over) secured.socket.destroy();
    else if (this.end()) this.accepted.secured(secured, this.chain.plan, this.peer);
  }

  private readonly closed = (): void => this.fail('');

  private fail(reason: string): void {
    if (this.end()) this.accepted.handshakeFailed(this.timedOut, reason);
  }

  /** True the first time. */
  private end(): boolean {
    if (this.over) return false;
    this.over = true;
    this.timer?.cancel();
    this.socket.removeListener('close', this.closed);
    return true;
  }
}

function ignore(): void {}
