/** Clients that misuse TLS. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';

/** The first flight of a client, as it goes over the wire. */
export function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer) {
        resolve(chunk);
      },
    });
    connectTls({ socket: wire, ALPNProtocols: ['h2'] }).on('error', () => {});
  });
}

/** Sends `bytes` on a new connection. Resolves when the server has ended it: with its age in ms. */
export async function lifeOf(port: number, bytes: Buffer): Promise<number> {
  const started = performance.now();
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.resume().write(bytes);
  await closing(socket);
  return performance.now() - started;
}

function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.on('close', () => resolve());
  });
}

/**
 * Asks for a new handshake and then for `/small` on a connection of TLS 1.2, the last version that has renegotiation.
 * Resolves with the error that the client's library reports.
 */
export async function renegotiate(port: number): Promise<Error> {
  const socket = connectTls({ port, host: '127.0.0.1', maxVersion: 'TLSv1.2', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const failure = once(socket, 'error');
  socket.renegotiate({ rejectUnauthorized: false }, () => {});
  socket.write('GET /small HTTP/1.1\r\nhost: floods.test\r\n\r\n');
  const [error] = await failure;
  socket.destroy();
  return error;
}
