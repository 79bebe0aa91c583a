/**
 * Gives an accepted socket the read buffers that `net.connect({ onread })` gives an upstream one. Node's server makes
 * its sockets itself and offers no such option, so the handle moves to a socket that has it: a read then costs neither
 * a 64 KiB allocation nor a trip through the stream machinery. Where the handle is not what is expected, the socket
 * is used as it is.
 */
import net from 'node:net';

/** What is looked at of a socket's inside; each part is checked before it is used. */
interface SocketInside {
  _handle?: { readonly useUserBuffer?: unknown; readonly readStart?: unknown } | null;
  _server?: unknown;
  server?: unknown;
}

/** The callbacks of Node's `onread` option. */
export interface OnRead {
  readonly buffer: () => Buffer | undefined;
  readonly callback: (bytes: number, buffer: Uint8Array) => boolean;
}

/** The socket to use instead of `socket`, or `undefined` when there is none. */
export function rewrap(socket: net.Socket, onread: OnRead): net.Socket | undefined {
  const inside = socket as unknown as SocketInside;
  const handle = inside._handle;
  if (typeof handle?.useUserBuffer !== 'function' || typeof handle.readStart !== 'function') return undefined;
  if (socket.readableLength > 0 || socket.destroyed) return undefined;
  const wrapped = new net.Socket({ handle, allowHalfOpen: true, onread } as unknown as net.SocketConstructorOpts);
  const target = wrapped as unknown as SocketInside;
  if (target._handle !== handle) return undefined;
  inside._handle = null;
  // The server counts its connections; the one that closes is now the new one.
  target._server = inside._server;
  target.server = inside.server;
  return wrapped;
}
