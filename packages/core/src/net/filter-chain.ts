/**
 * Runs the network filters of one connection. Read hooks run in order, write hooks see outgoing bytes in reverse;
 * the last filter is terminal: a network filter of its own, or the HTTP connection manager (a `ChainEnd`).
 */
import type { Clock } from '../api/clock.ts';
import type { ConnectionInfo } from '../api/connection-info.ts';
import type { CloseHow, NetworkAnswer, NetworkConnection, NetworkFilter } from '../api/network-filter.ts';
import type { TlsInfo } from '../api/tls.ts';
import type { Connection, ConnectionHandler } from './connection.ts';
import { ConnectionFacts } from './connection-facts.ts';
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
  /** Nobody is served: as with Envoy connections are closed at once, before any handshake. */
  readonly empty: boolean;
  readonly hasWriteHooks: boolean;
  /** A filter or the chain's end goes on when the client has ended its direction. */
  readonly halfClose: boolean;
  readonly clock: Clock;
  onFilterError(filter: string, error: unknown): void;
}

/** Builds the plan of a chain. */
export function networkPlan(
  filters: readonly PlannedNetworkFilter[],
  end: ChainEnd | undefined,
  onFilterError: (filter: string, error: unknown) => void,
  clock: Clock,
): NetworkPlan {
  return {
    filters,
    end,
    empty: filters.length === 0 && end === undefined,
    hasWriteHooks: filters.some(({ filter }) => filter.onWrite !== undefined),
    halfClose: end !== undefined || filters.some(({ filter }) => filter.halfClose === true),
    clock,
    onFilterError,
  };
}

type AnyFilter = NetworkFilter<unknown>;

const EMPTY = Buffer.alloc(0);
const NO_STATES: readonly unknown[] = [];

/** One connection under a plan that has network filters. */
export class FilteredConnection implements ConnectionHandler, NetworkConnection {
  readonly id: number;
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
  private readonly plan: NetworkPlan;
  private readonly connection: Connection;
  private readonly peer: Peer;
  private readonly startMs: number;
  private readonly states: readonly unknown[];
  private facts: ConnectionFacts | undefined = undefined;
  private ownEnd: ConnectionHandler | undefined = undefined;
  /** Filter whose answer was STOP; -1 when bytes flow. */
  private stoppedAt = -1;
  /** It answered so to the connection, and has seen none of the bytes that are held. */
  private stoppedConnecting = false;
  private closing = false;
  private connected = 0;
  private held: Buffer[] = [];
  private heldEnd = false;
  private heldPaused = false;
  private resuming = false;

  constructor(plan: NetworkPlan, connection: Connection, peer: Peer) {
    this.plan = plan;
    this.connection = connection;
    this.peer = peer;
    this.startMs = plan.clock.nowMs();
    this.id = connection.id;
    this.remoteIp = peer.remoteIp;
    this.remotePort = peer.remotePort;
    this.localIp = peer.localIp;
    this.localPort = peer.localPort;
    this.states = plan.filters.length === 0 ? NO_STATES : plan.filters.map(({ newState }) => newState?.());
    if (plan.hasWriteHooks) connection.tap = (chunk, end) => this.wrote(chunk, end);
  }

  get directRemoteIp(): string {
    return this.peer.directRemoteIp ?? this.peer.remoteIp;
  }
  get secure(): boolean {
    return this.peer.tls !== undefined;
  }
  get tls(): TlsInfo | undefined {
    return this.peer.tls;
  }
  get serverName(): string {
    return this.peer.serverName ?? '';
  }
  get info(): ConnectionInfo {
    this.facts ??= new ConnectionFacts(this.connection, this.peer, this.plan.clock, this.startMs);
    return this.facts;
  }
  /** As `info`, if anybody has asked for it. */
  get madeInfo(): ConnectionFacts | undefined {
    return this.facts;
  }
  /** What has taken the connection over behind the filters. */
  get end(): ConnectionHandler | undefined {
    return this.ownEnd;
  }
  get bytesUnsent(): number {
    return this.connection.bytesUnsent;
  }
  get closed(): boolean {
    return this.connection.closed;
  }
  get closedHere(): boolean {
    return this.closing;
  }
  /** Bytes that wait for a filter to go on. */
  get bytesHeld(): number {
    return this.held.reduce((sum, { length }) => sum + length, 0);
  }

  /** Tells the filters of the new connection; called once, after the socket's handler is set. */
  begin(): void {
    if (this.plan.empty) this.connection.destroy();
    else this.connect();
  }

  /** True when every filter agreed to go on. */
  private connect(): boolean {
    const { filters, end } = this.plan;
    while (this.connected < filters.length) {
      const index = this.connected++;
      const answer = this.callConnection(index);
      if (this.closing || this.closed) return false;
      if (answer !== undefined) {
        this.stoppedAt = index;
        this.stoppedConnecting = true;
        return false;
      }
    }
    if (end !== undefined && this.ownEnd === undefined) this.ownEnd = end.attach(this.connection, this.endPeer());
    return true;
  }

  /** The peer with what the filters have found out, which the streams of the connection share. */
  private endPeer(): Peer {
    const { facts, peer } = this;
    return facts === undefined ? peer : { ...peer, metadata: facts.metadata, filterState: facts.filterState };
  }

  // One method per hook: what runs per piece makes no closure.

  private callConnection(index: number): NetworkAnswer {
    const planned = this.plan.filters[index] as PlannedNetworkFilter;
    try {
      return (planned.filter as AnyFilter).onConnection?.(this, this.states[index]);
    } catch (error) {
      return this.failed(planned, error);
    }
  }

  private callData(index: number, chunk: Uint8Array, end: boolean, owned: boolean): NetworkAnswer {
    const planned = this.plan.filters[index] as PlannedNetworkFilter;
    try {
      return (planned.filter as AnyFilter).onData?.(chunk, this, this.states[index], end, owned);
    } catch (error) {
      return this.failed(planned, error);
    }
  }

  private callWritable(index: number): void {
    const planned = this.plan.filters[index] as PlannedNetworkFilter;
    try {
      (planned.filter as AnyFilter).onWritable?.(this, this.states[index]);
    } catch (error) {
      this.failed(planned, error);
    }
  }

  private callWrite(index: number, chunk: Uint8Array, end: boolean): void {
    const planned = this.plan.filters[index] as PlannedNetworkFilter;
    try {
      (planned.filter as AnyFilter).onWrite?.(chunk, this, this.states[index], end);
    } catch (error) {
      this.failed(planned, error);
    }
  }

  private callClose(index: number, cause: Error | undefined): void {
    const planned = this.plan.filters[index] as PlannedNetworkFilter;
    try {
      (planned.filter as AnyFilter).onClose?.(this, this.states[index], cause);
    } catch (error) {
      this.failed(planned, error);
    }
  }

  private failed(planned: PlannedNetworkFilter, error: unknown): undefined {
    this.plan.onFilterError(planned.name, error);
    this.closing = true;
    this.connection.destroy();
  }

  private read(chunk: Buffer, from: number, end: boolean, owned: boolean): void {
    const { filters } = this.plan;
    for (let i = from; i < filters.length; i++) {
      const answer = this.callData(i, chunk, end, owned);
      if (this.closing || this.closed) return;
      if (answer === undefined) continue;
      this.stoppedAt = i;
      this.hold(chunk, end, owned);
      return;
    }
    if (chunk.length > 0) this.ownEnd?.onBytes(chunk, owned);
    if (!end) return;
    if (this.plan.halfClose) this.ownEnd?.onEnd();
    else this.connection.finish();
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
    // Who has been told to go is not listened to any more.
    if (this.closing) return;
    if (this.stoppedAt >= 0) this.hold(chunk, false, owned);
    else this.read(chunk, 0, false, owned);
  }

  onEnd(): void {
    if (this.closing) return;
    if (this.stoppedAt >= 0) this.heldEnd = true;
    else this.read(EMPTY, 0, true, true);
  }

  onWritable(): void {
    this.ownEnd?.onWritable();
    for (let i = 0; i < this.plan.filters.length; i++) this.callWritable(i);
  }

  onClose(error: Error | undefined): void {
    if (this.facts !== undefined) this.facts.endMs = this.plan.clock.nowMs();
    this.ownEnd?.onClose(error);
    for (let i = 0; i < this.connected; i++) this.callClose(i, error);
    this.held = [];
  }

  // NetworkConnection

  write(chunk: Uint8Array | string, end = false, owned = false): boolean {
    if (this.closed) return false;
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    this.connection.addBytes(bytes, owned);
    const accepted = this.connection.flush();
    if (end) this.connection.end();
    return accepted;
  }

  continueReading(): void {
    if (this.stoppedAt < 0 || this.resuming || this.closed) return;
    const from = this.stoppedAt + 1;
    const connecting = this.stoppedConnecting;
    this.stoppedAt = -1;
    this.stoppedConnecting = false;
    this.resuming = true;
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
      this.read(EMPTY, from, true, true);
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

  close(how: CloseHow): void {
    this.closing = true;
    if (how === 'now') this.connection.destroy();
    else if (how === 'reset') this.connection.reset();
    else this.connection.finish();
  }

  private wrote(chunk: Uint8Array, end: boolean): void {
    for (let i = this.plan.filters.length - 1; i >= 0; i--) this.callWrite(i, chunk, end);
  }
}
