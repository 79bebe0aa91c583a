import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { Connection } from './connection.ts';
import { file } from './tls/fixture.ts';
import type { ClientTransport } from './transport.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** TLS that trusts everybody. */
const TRUSTING = {
  readyEvent: 'secureConnect',
  autoHostSni: false,
  connect: (options: net.NetConnectOpts) =>
    tls.connect({ ...options, rejectUnauthorized: false } as tls.ConnectionOptions),
  refusal: () => undefined,
  raw: (socket: net.Socket) => socket,
  alpn: () => '',
  info: () => undefined,
  close: () => {},
} as unknown as ClientTransport;

/** A host of TLS that gives each connection up behind its part of the handshake, before it has read the client's. */
async function host(end: (near: net.Socket, flight: Buffer) => void): Promise<number> {
  const behind = tls.createServer({ cert: file('server.pem'), key: file('server.key') }, (socket) => socket.destroy());
  behind.on('tlsClientError', () => {});
  const server = net.createServer({ allowHalfOpen: true }, (near) => {
    const far = net.connect((behind.address() as net.AddressInfo).port, '127.0.0.1');
    near.on('error', () => {});
    far.on('error', () => {});
    near.on('close', () => far.destroy());
    near.once('data', (hello) => {
      far.write(hello);
      near.resume();
    });
    far.once('data', (flight) => end(near, flight));
  });
  for (const each of [behind, server]) {
    each.listen(0, '127.0.0.1');
    await once(each, 'listening');
    cleanups.push(() => each.close());
  }
  return (server.address() as net.AddressInfo).port;
}

/** Resolves when the connection tells of its end, in whatever way. */
function ended(port: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      connection.destroy();
      resolve();
    };
    const handler = { onBytes: () => {}, onWritable: () => {}, onEnd: end, onClose: end };
    const target = { host: '127.0.0.1', port };
    const connection = Connection.connect(target, handler, 65_536, () => {}, TRUSTING);
  });
}

const ENDS: readonly [string, (near: net.Socket, flight: Buffer) => void][] = [
  ['FIN', (near, flight) => near.end(flight)],
  ['RST', (near, flight) => near.write(flight, () => near.resetAndDestroy())],
  ['FIN, then RST', (near, flight) => near.end(flight, () => near.destroy())],
];

describe('Connection over TLS', () => {
  it.each(ENDS)('onEnd or onClose tells of a host that gives up with %s behind the handshake', async (_how, end) => {
    const port = await host(end);
    const ends = await Promise.all(Array.from({ length: 40 }, () => ended(port)));
    expect(ends).toHaveLength(40);
  });
});
