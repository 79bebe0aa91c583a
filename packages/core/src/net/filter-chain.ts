/**
 * Runs the network filters of one connection. Read hooks run in order, write hooks see outgoing bytes in reverse;
 * the last filter is terminal: a network filter of its own, or the HTTP connection manager (a `ChainEnd`).
 */
import type { NetworkAnswer, NetworkConnection, NetworkFilter } from '../api/network-filter.ts';
import type { Connection, ConnectionHandler } from './connection.ts';
import type { Peer } from './peer.ts';

/** Takes a connection over behind the network filters. */
export interface ChainEnd {
  attach(connection: Connection, peer: Peer): ConnectionHandler;
}

/** One network filter of a chain, ready to run. */
export interface PlannedNetworkFilter {
  readonly name: string;
  readonly filter: NetworkFilter<never>;
  readonly newState: (() => unknown) | undefined;
}

/** What is the same for all connections of a chain. */
export interface NetworkPlan {
  readonly filters: readonly PlannedNetworkFilter[];
  readonly end: ChainEnd | undefined;
  readonly hasWriteHooks: boolean;
  onFilterError(filter: string, error: unknown): void;
}

/** Builds the plan of a chain. */
export function networkPlan(
  filters: readonly PlannedNetworkFilter[],
  end: ChainEnd | undefined,
  onFilterError: (filter: string, error: unknown) => void,
): NetworkPlan {
  return { filters, end, hasWriteHooks: filters.some(({ filter }) => filter.onWrite !== undefined), onFilterError };
}

type AnyFilter = NetworkFilter<unknown>;

/** One connection under a plan that has network filters. */
export class FilteredConnection implements ConnectionHandler, NetworkConnection {
  readonly id: number;
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
  readonly secure = false;
  private readonly plan: NetworkPlan;
  private readonly connection: Connection;
  private readonly peer: Peer;
  private readonly states: unknown[];
  private ownEnd: ConnectionHandler | undefined = undefined;
  /** Filter whose answer was STOP; -1 when bytes flow. */
  private stoppedAt = -1;
  private connected = 0;
  private held: Buffer[] = [];
  private heldEnd = false;
  private heldPaused = false;
  private resuming = false;

  constructor(plan: NetworkPlan, connection: Connection, peer: Peer) {
    this.plan = plan;
    this.connection = connection;
    this.peer = peer;
    this.id = connection.id;
    this.remoteIp = peer.remoteIp;
    this.remotePort = peer.remotePort;
    this.localIp = peer.localIp;
    this.localPort = peer.localPort;
    this.states = plan.filters.map(({ newState }) => newState?.());
    if (plan.hasWriteHooks) connection.tap = (chunk, end) => this.wrote(chunk, end);
  }

  /** Tells the filters of the new connection; called once, after the socket's handler is set. */
  begin(): void {
    this.connect();
  }

  get closed(): boolean {
    return this.connection.closed;
  }

  /** True when every filter agreed to go on. */
  private connect(): boolean {
    const { filters, end } = this.plan;
    while (this.connected < filters.length) {
      const index = this.connected++;
      const answer = this.call(index, (filter, state) => filter.onConnection?.(this, state as never));
      if (this.closed) return false;
      if (answer !== undefined) {
        this.stoppedAt = index;
        return false;
      }
    }
    if (end !== undefined && this.ownEnd === undefined) this.ownEnd = end.attach(this.connection, this.peer);
    return true;
  }

  private call(index: number, hook: (filter: AnyFilter, state: unknown) => NetworkAnswer): NetworkAnswer {
    const planned = this.plan.filters[index] as PlannedNetworkFilter;
    try {
      return hook(planned.filter as unknown as AnyFilter, this.states[index]);
    } catch (error) {
      this.plan.onFilterError(planned.name, error);
      this.connection.destroy();
      return undefined;
    }
  }

  private read(chunk: Buffer, from: number, end: boolean, owned: boolean): void {
    for (let i = from; i < this.plan.filters.length; i++) {
      const answer = this.call(i, (filter, state) => filter.onData?.(chunk, this, state as never, end));
      if (this.closed) return;
      if (answer === undefined) continue;
      this.stoppedAt = i;
      this.hold(chunk, end, owned);
      return;
    }
    if (chunk.length > 0) this.ownEnd?.onBytes(chunk, owned);
    if (end) this.ownEnd?.onEnd();
  }

  private hold(chunk: Buffer, end: boolean, owned: boolean): void {
    if (chunk.length > 0) this.held.push(owned ? chunk : Buffer.from(chunk));
    this.heldEnd ||= end;
    if (this.heldPaused) return;
    this.heldPaused = true;
    this.connection.pauseReading();
  }

  // ConnectionHandler

  onBytes(chunk: Buffer, owned: boolean): void {
    if (this.stoppedAt >= 0) this.hold(chunk, false, owned);
    else this.read(chunk, 0, false, owned);
  }

  onEnd(): void {
    if (this.stoppedAt >= 0) this.heldEnd = true;
    else this.read(Buffer.alloc(0), 0, true, true);
  }

  onWritable(): void {
    this.ownEnd?.onWritable();
    for (let i = 0; i < this.plan.filters.length; i++) {
      this.call(i, (filter, state) => filter.onWritable?.(this, state as never) as undefined);
    }
  }

  onClose(error: Error | undefined): void {
    this.ownEnd?.onClose(error);
    for (let i = 0; i < this.connected; i++) {
      this.call(i, (filter, state) => filter.onClose?.(this, state as never) as undefined);
    }
  }

  // NetworkConnection

  write(chunk: Uint8Array | string, end = false): boolean {
    if (this.closed) return false;
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    this.connection.addBytes(bytes, false);
    const accepted = this.connection.flush();
    if (end) this.connection.end();
    return accepted;
  }

  continueReading(): void {
    if (this.stoppedAt < 0 || this.resuming || this.closed) return;
    const from = this.stoppedAt + 1;
    this.stoppedAt = -1;
    this.resuming = true;
    const connecting =
      this.connected < this.plan.filters.length || (this.plan.end !== undefined && this.ownEnd === undefined);
    if (!connecting || this.connect()) this.drainHeld(connecting ? 0 : from);
    this.resuming = false;
  }

  private drainHeld(first: number): void {
    let from = first;
    while (this.held.length > 0 && this.stoppedAt < 0) {
      const chunk = this.held.shift() as Buffer;
      const end = this.heldEnd && this.held.length === 0;
      if (end) this.heldEnd = false;
      this.read(chunk, from, end, true);
      from = 0;
    }
    if (this.stoppedAt >= 0) return;
    if (this.heldEnd) {
      this.heldEnd = false;
      this.read(Buffer.alloc(0), from, true, true);
    }
    if (!this.heldPaused) return;
    this.heldPaused = false;
    this.connection.resumeReading();
  }

  pauseReading(): void {
    this.connection.pauseReading();
  }

  resumeReading(): void {
    this.connection.resumeReading();
  }

  close(how: 'flush' | 'now'): void {
    if (how === 'now') this.connection.destroy();
    else {
      this.connection.flush();
      this.connection.socket.destroySoon();
    }
  }

  private wrote(chunk: Uint8Array, end: boolean): void {
    for (let i = this.plan.filters.length - 1; i >= 0; i--) {
      this.call(i, (filter, state) => filter.onWrite?.(chunk, this, state as never, end) as undefined);
    }
  }
}
