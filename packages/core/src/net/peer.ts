/** The addresses of a connection, read once: a socket forgets them when it closes. */
import type net from 'node:net';
import type { TlsInfo } from '../api/tls.ts';

export interface Peer {
  /** Without port; '' for unix sockets. IPv4-mapped IPv6 addresses are given as IPv4. */
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
  /** Facts of the handshake; absent without TLS. */
  readonly tls?: TlsInfo | undefined;
  /** The address of the socket, where a listener filter has put another one in `remoteIp`. */
  readonly directRemoteIp?: string | undefined;
  /** SNI, from TLS or from a listener filter. */
  readonly serverName?: string | undefined;
  /** What the client offers (ALPN), or `http/1.1` and `h2c` as a listener filter has seen it. */
  readonly applicationProtocols?: readonly string[] | undefined;
  /** What listener filters have found out; shared by the connection's streams. */
  readonly metadata?: ReadonlyMap<string, unknown> | undefined;
  readonly filterState?: ReadonlyMap<string, unknown> | undefined;
}

export function peerOf(socket: net.Socket): Peer {
  return {
    remoteIp: plainIp(socket.remoteAddress),
    remotePort: socket.remotePort ?? 0,
    localIp: plainIp(socket.localAddress),
    localPort: socket.localPort ?? 0,
  };
}

function plainIp(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
