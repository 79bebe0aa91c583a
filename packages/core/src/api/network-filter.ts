/** The contract of a network (L4) filter: bytes of one connection, in order. */
import type { ConnectionLogs } from './access-log.ts';
import type { RandomSource, Timers } from './clock.ts';
import type { ConnectionInfo } from './connection-info.ts';
import type { Stop } from './http-filter.ts';
import type { Runtime } from './runtime.ts';
import type { StatsScope } from './stats.ts';
import type { TlsInfo } from './tls.ts';
import type { Clusters } from './upstream.ts';

/** Nothing means: go on with the next filter. `STOP`: later filters see nothing until `continueReading`. */
// biome-ignore lint/suspicious/noConfusingVoidType: hooks that return nothing are the common case and must type-check
export type NetworkAnswer = void | undefined | Stop;

/**
 * How a connection ends here: `flush` sends what was written first, `now` drops it, `reset` drops it and lets the client
 * know that something was lost (RST).
 */
export type CloseHow = 'flush' | 'now' | 'reset';

/** A downstream connection, as its network filters see it. */
export interface NetworkConnection {
  readonly id: number;
  /** The address that counts as the client's; '' for unix sockets. */
  readonly remoteIp: string;
  readonly remotePort: number;
  /** The address that the socket came from; other than `remoteIp` only behind a PROXY protocol. */
  readonly directRemoteIp: string;
  readonly localIp: string;
  readonly localPort: number;
  readonly secure: boolean;
  /** Facts of the handshake; absent without TLS. */
  readonly tls: TlsInfo | undefined;
  /** Server name that the client asked for, as TLS or a listener filter has seen it; '' without one. */
  readonly serverName: string;
  /** What is known of the connection; made when first asked for. */
  readonly info: ConnectionInfo;
  /** Bytes written that the kernel has not taken yet. */
  readonly bytesUnsent: number;
  /**
   * Walks the write filters in reverse order, then the socket. False: wait for `onWritable`. The bytes are copied if need
   * be unless they are `owned`: the caller then never touches them again.
   */
  write(chunk: Uint8Array | string, end?: boolean, owned?: boolean): boolean;
  /** Goes on after a read hook answered `STOP`. */
  continueReading(): void;
  /** Counted: each pause needs its resume. */
  pauseReading(): void;
  resumeReading(): void;
  close(how: CloseHow): void;
  readonly closed: boolean;
  /** A filter has called `close`; the connection may still have bytes to send. */
  readonly closedHere: boolean;
}

/** One filter of a connection's chain. Read hooks run in order of configuration, `onWrite` in reverse. */
export interface NetworkFilter<State = undefined> {
  /**
   * The client may end its direction and still be written to: the terminal filter then ends the connection. Default false:
   * once the client's end has been seen by all filters, what was written is sent and the connection closed.
   */
  readonly halfClose?: boolean;
  onConnection?(connection: NetworkConnection, state: State): NetworkAnswer;
  /**
   * The chunk is valid until the call returns; if `owned`, for ever, and it may be written on as owned.
   * `end`: the peer will send no more.
   */
  onData?(chunk: Uint8Array, connection: NetworkConnection, state: State, end: boolean, owned: boolean): NetworkAnswer;
  /** Sees every outgoing piece before the socket does. It observes; to stop a connection, close it. */
  onWrite?(chunk: Uint8Array, connection: NetworkConnection, state: State, end: boolean): void;
  /** The socket accepts bytes again after `write` returned false. */
  onWritable?(connection: NetworkConnection, state: State): void;
  /** The connection is gone; `error` tells why when it was not in order, e.g. `ECONNRESET`. */
  onClose?(connection: NetworkConnection, state: State, error: Error | undefined): void;
}

/** What `create` of a network filter gets besides its config. */
export interface NetworkFilterContext {
  /** The root scope: network filters' stats have names of their own. */
  readonly stats: StatsScope;
  readonly listener: NetworkFilterListener;
  readonly clusters: Clusters;
  readonly timers: Timers;
  readonly runtime: Runtime;
  readonly random: RandomSource;
  /** The listener is being drained: whoever can end connections in good order should. */
  draining(): boolean;
  /**
   * Makes the access logs of a list that `accessLogEntry` of `@mesh/core/proto` has read; `undefined` when it is empty.
   * They are closed with the filter chain.
   */
  accessLogs(entries: readonly object[]): ConnectionLogs | undefined;
}

/** The listener that a network filter belongs to. */
export interface NetworkFilterListener {
  readonly name: string;
  readonly direction: 'UNSPECIFIED' | 'INBOUND' | 'OUTBOUND';
}
