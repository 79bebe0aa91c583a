/** The contract of a listener filter: what is looked at of a connection before its filter chain is chosen. */
import type { StatsScope } from './stats.ts';

/** A connection that has no filter chain yet. Filters change what the chains are matched by. */
export interface ListenerConnection {
  /** The address that counts as the client's; PROXY protocol changes it. */
  remoteIp: string;
  remotePort: number;
  /** The address that counts as the destination; original_dst and PROXY protocol change it. */
  localIp: string;
  localPort: number;
  /** The address that the socket came from; never changes. */
  readonly directRemoteIp: string;
  /** SNI of the ClientHello, lower case; '' when there is none or nobody has looked. */
  serverName: string;
  /** ALPN of the ClientHello in the client's order, or the version of cleartext HTTP. */
  applicationProtocols: readonly string[];
  /** `raw_buffer` or `tls`; '' when nobody has looked. */
  transportProtocol: string;
  /** The local address was restored: it is not where the socket was accepted. */
  localAddressRestored: boolean;
  /** Named values for the filters of the connection and its streams (`metadata`, e.g. TLVs of the PROXY protocol). */
  readonly metadata: Map<string, unknown>;
  readonly filterState: Map<string, unknown>;
}

/**
 * What a look at the first bytes came to: `more` wants to see more of them; `done` goes on with the next filter;
 * a number goes on too, and takes so many bytes off the front, which nobody after it sees; `close` ends the connection.
 */
export type ListenerAnswer = 'more' | 'done' | 'close' | number;

/** One listener filter. It has no state of its own: it is asked again with all the bytes there are. */
export interface ListenerFilter {
  /** Called once when the filter's turn comes. `more` (the default when there is `onData`) asks for bytes. */
  onAccept?(connection: ListenerConnection): ListenerAnswer;
  /** Called with everything that has arrived and was not taken off, each time more has. `end`: nothing more will come. */
  onData?(bytes: Buffer, connection: ListenerConnection, end: boolean): ListenerAnswer;
  /** No more than this is kept for looking at; a client that sends more without an answer is closed. */
  readonly maxReadBytes?: number;
}

/** What `create` of a listener filter gets besides its config. */
export interface ListenerFilterContext {
  /** The root scope: these filters' stats have names of their own. */
  readonly stats: StatsScope;
  /** Scope `listener.<address>.`. */
  readonly listenerStats: StatsScope;
  /** For what the operator should know of the config; not for connections. */
  log(level: 'info' | 'warning', message: string): void;
}
