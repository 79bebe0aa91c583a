/** The contract of a network (L4) filter: bytes of one connection, in order. */
import type { Stop } from './http-filter.ts';
import type { StatsScope } from './stats.ts';

/** Nothing means: go on with the next filter. `STOP`: later filters see nothing until `continueReading`. */
// biome-ignore lint/suspicious/noConfusingVoidType: hooks that return nothing are the common case and must type-check
export type NetworkAnswer = void | undefined | Stop;

/** A downstream connection, as its network filters see it. */
export interface NetworkConnection {
  readonly id: number;
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
  readonly secure: boolean;
  /** Walks the write filters in reverse order, then the socket. False: wait for `onWritable`. */
  write(chunk: Uint8Array | string, end?: boolean): boolean;
  /** Goes on after a read hook answered `STOP`. */
  continueReading(): void;
  /** Counted: each pause needs its resume. */
  pauseReading(): void;
  resumeReading(): void;
  /** `flush` sends what was written, then closes; `now` drops it. */
  close(how: 'flush' | 'now'): void;
  readonly closed: boolean;
}

/** One filter of a connection's chain. Read hooks run in order of configuration, `onWrite` in reverse. */
export interface NetworkFilter<State = undefined> {
  onConnection?(connection: NetworkConnection, state: State): NetworkAnswer;
  /** The chunk is valid until the call returns. `end`: the peer will send no more. */
  onData?(chunk: Uint8Array, connection: NetworkConnection, state: State, end: boolean): NetworkAnswer;
  /** Sees every outgoing piece before the socket does. It observes; to stop a connection, close it. */
  onWrite?(chunk: Uint8Array, connection: NetworkConnection, state: State, end: boolean): void;
  /** The socket accepts bytes again after `write` returned false. */
  onWritable?(connection: NetworkConnection, state: State): void;
  onClose?(connection: NetworkConnection, state: State): void;
}

/** What `create` of a network filter gets besides its config. */
export interface NetworkFilterContext {
  readonly stats: StatsScope;
}
