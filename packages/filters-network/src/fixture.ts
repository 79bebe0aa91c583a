/** What the tests of listener filters share: proxies whose chains say their names, and TLS clients. */
import net from 'node:net';
import tls from 'node:tls';
import { defineTerminalHttpFilter, type FilterChainOptions, filterChain, http, type ListenerOptions } from '@mesh/core';
import { type LiveProxy, type StartProxyOptions, startProxy } from '@mesh/testing';
import { afterEach } from 'vitest';
import { z } from 'zod';
import { directResponse } from './direct-response/index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const FIXTURES = new URL('../../core/src/net/tls/fixtures/', import.meta.url).pathname;

/** TLS with a certificate of core's fixtures. */
export function tlsOf(name: string, alpnProtocols: readonly string[] = []): NonNullable<FilterChainOptions['tls']> {
  const certificateChain = { filename: `${FIXTURES}${name}.pem` };
  const privateKey = { filename: `${FIXTURES}${name}.key` };
  return { commonTlsContext: { tlsCertificates: [{ certificateChain, privateKey }], alpnProtocols } };
}

/** A chain that answers every connection with its name. */
export function says(name: string, match: FilterChainOptions['match'] = {}, more: Partial<FilterChainOptions> = {}) {
  return filterChain({ name, match, filters: [directResponse({ response: { inlineString: name } })], ...more });
}

/** Answers a request with the name of its chain and facts of its connection. */
const teller = defineTerminalHttpFilter({
  name: 'test.filters.http.teller',
  config: z.object({ chain: z.string() }),
  create: ({ chain }) => ({
    onRequestHeaders(_headers, stream) {
      const { remoteIp, remotePort, localIp, localPort, directRemoteIp, serverName } = stream.connection;
      const { metadata } = stream.info;
      stream.reply(200, chain, {
        'x-remote': `${remoteIp} ${remotePort}`,
        'x-local': `${localIp} ${localPort}`,
        'x-direct': directRemoteIp ?? '',
        'x-sni': serverName ?? '',
        'x-metadata': encodeURIComponent(JSON.stringify(Object.fromEntries(metadata))),
      });
    },
  }),
});

/** A chain of HTTP that answers with facts of the connection. */
export function tells(name: string, match: FilterChainOptions['match'] = {}, more: Partial<FilterChainOptions> = {}) {
  return filterChain({ name, match, http: http({ routes: [], filters: [teller({ chain: name })] }), ...more });
}

/** A listener on a free port, without an upstream. */
export async function serve(
  listener: ListenerOptions,
  more: Pick<StartProxyOptions, 'clock' | 'config' | 'extensions'> = {},
): Promise<LiveProxy> {
  const proxy = await startProxy({ listener: listener as NonNullable<StartProxyOptions['listener']>, ...more });
  cleanups.push(() => proxy.close());
  return proxy;
}

/** What a client got until the connection was over. */
export interface Heard {
  readonly text: string;
  /** The code of the error, when it did not end in order. */
  readonly error: string | undefined;
}

/** Everything that comes until the end. */
export function heard(socket: net.Socket): Promise<Heard> {
  return new Promise((resolve) => {
    let text = '';
    let error: string | undefined;
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', (failure: NodeJS.ErrnoException) => {
      error = failure.code ?? failure.message;
    });
    socket.on('close', () => resolve({ text, error }));
  });
}

/** A TCP connection that is destroyed with the test. */
export async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  cleanups.push(() => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

/** Sends bytes, and everything that comes until the end. */
export async function exchange(port: number, ...parts: readonly (string | Uint8Array)[]): Promise<Heard> {
  const socket = await connect(port);
  const all = heard(socket);
  for (const part of parts) {
    await new Promise((resolve) => socket.write(part, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return all;
}

/** A handshake over `socket` or a new connection. */
export async function secure(
  port: number,
  options: tls.ConnectionOptions = {},
  over?: net.Socket,
): Promise<tls.TLSSocket> {
  const socket = tls.connect({ socket: over ?? (await connect(port)), rejectUnauthorized: false, ...options });
  cleanups.push(() => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed during the handshake')));
  });
  return socket;
}

/** The bytes of a ClientHello. */
export function helloBytes(options: tls.ConnectionOptions = {}): Promise<Buffer> {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => {
      socket.once('data', (chunk: Buffer) => {
        socket.destroy();
        server.close(() => resolve(chunk));
      });
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      tls.connect({ port, host: '127.0.0.1', ...options }).on('error', () => {});
    });
  });
}
