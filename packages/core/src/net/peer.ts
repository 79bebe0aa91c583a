/** The addresses of a connection, read once: a socket forgets them when it closes. */
import type net from 'node:net';

export interface Peer {
  /** Without port; '' for unix sockets. IPv4-mapped IPv6 addresses are given as IPv4. */
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
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
