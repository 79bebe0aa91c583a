/** How bytes travel between a socket and the code behind it: as they are, or through TLS. Implemented in `net/tls`. */
import type net from 'node:net';
import type { TlsInfo } from '../api/tls.ts';
import type { TransportOptions } from '../api/upstream.ts';

/** The transport of a filter chain. */
export interface ServerTransport {
  /**
   * Secures an accepted socket. Bytes that were looked at before have been put back with `unshift`. Exactly one of the
   * callbacks is called, once; before `failed` the failure has been counted and the socket destroyed.
   */
  accept(socket: net.Socket, ready: (secured: SecuredSocket) => void, failed: (reason: string) => void): void;
  /** Stops watching files; connections go on. */
  close(): void;
}

/** A socket whose handshake is over. */
export interface SecuredSocket {
  readonly socket: net.Socket;
  /** The TCP socket below it: only that can be reset. */
  readonly raw: net.Socket;
  readonly tls: TlsInfo;
}

/** The transport of a cluster's connections. */
export interface ClientTransport {
  /** The event of the returned socket after which bytes may be written. */
  readonly readyEvent: 'connect' | 'secureConnect';
  /** The host's name, where it has one, is to be `serverName` when the request asks for none (`auto_host_sni`). */
  readonly autoHostSni?: boolean;
  /** Starts a connection and returns its socket at once, with no listener of its own that ends the process. */
  connect(options: net.NetConnectOpts, choice: TransportOptions | undefined): net.Socket;
  /** Asked once, at `readyEvent`: why the peer is not to be trusted, in Envoy's words; `undefined` when it is. */
  refusal(socket: net.Socket): string | undefined;
  /** The protocol that was agreed on; '' without ALPN. */
  alpn(socket: net.Socket): string;
  /** Facts of the handshake; `undefined` without TLS. */
  info(socket: net.Socket): TlsInfo | undefined;
  /** What is beneath `socket`: only TCP can be reset. */
  raw(socket: net.Socket): net.Socket;
  /** Stops watching files; connections go on. */
  close(): void;
}
