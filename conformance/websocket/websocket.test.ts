/** WebSocket through the proxy: `ws` and undici's WHATWG client over HTTP/1.1, node:http2 with extended CONNECT; servers by `ws`. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createProxy, type MeshProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { WebSocket as BrowserSocket } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { bootstrap } from './bootstrap.ts';

const metricOf = (proxy: MeshProxy, name: string) =>
  [...proxy.stats.counters(), ...proxy.stats.gauges()].find((one) => one.name === name)?.value;

class EchoServer {
  readonly port: number;
  readonly sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered].at(-1) ?? false,
  });
  refuse: number | undefined = undefined;
  readonly connections = new Set<Socket>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      this.connections.add(socket);
      socket.on('close', () => this.connections.delete(socket));
    });
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      if (this.refuse !== undefined) {
        socket.end(`HTTP/1.1 ${this.refuse} No\r\ncontent-length: 5\r\nx-why: mood\r\n\r\nsorry`);
        return;
      }
      this.sockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on('message', (data, binary) => webSocket.send(data, { binary }));
        webSocket.on('error', () => {});
      });
    });
  }

  static async start(): Promise<EchoServer> {
    const server = createServer((_, response) => response.end('plain'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new EchoServer(server);
  }

  async close(): Promise<void> {
    for (const socket of this.connections) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe('WebSocket', () => {
  let server: EchoServer;
  let proxy: MeshProxy;
  let url: string;

  beforeAll(async () => {
    server = await EchoServer.start();
    proxy = await createProxy({ config: bootstrap(server.port), extensions: standard });
    await proxy.start();
    url = `ws://127.0.0.1:${proxy.address('main').port}/chat`;
  });
  afterEach(async () => {
    server.refuse = undefined;
    await vi.waitFor(() => {
      expect(metricOf(proxy, 'http.ingress_http.downstream_rq_active')).toBe(0);
      expect(metricOf(proxy, 'http.ingress_http.downstream_cx_upgrades_active')).toBe(0);
      expect(metricOf(proxy, 'cluster.chat.upstream_rq_active')).toBe(0);
    });
  });
  afterAll(async () => {
    await proxy.close();
    await server.close();
  });

  it('text and binary messages of every size come back as they were sent', async () => {
    const socket = new WebSocket(url);
    await once(socket, 'open');
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
      for (const binary of [false, true]) {
        const message = Buffer.alloc(size, 'a');
        socket.send(message, { binary });
        const [data, kind] = (await once(socket, 'message')) as [Buffer, boolean];
        expect({ kind, same: data.equals(message) }).toEqual({ kind: binary, same: true });
      }
    }
    socket.close(1000, 'done');
    expect(await closing(socket)).toEqual([1000, 'done']);
  });

  it('pings are answered by the other end', async () => {
    const socket = new WebSocket(url);
    await once(socket, 'open');
    socket.ping('are you there');
    const [data] = (await once(socket, 'pong')) as [Buffer];
    expect(data.toString()).toBe('are you there');
    socket.terminate();
  });

  it('subprotocols are agreed on end to end', async () => {
    const socket = new WebSocket(url, ['one', 'two']);
    await once(socket, 'open');
    expect(socket.protocol).toBe('two');
    socket.terminate();
  });

  it('a client as in a browser sees messages and the close code', async () => {
    const socket = new BrowserSocket(url, ['one']);
    const seen: string[] = [];
    await new Promise((resolve) => socket.addEventListener('open', resolve));
    socket.addEventListener('message', ({ data }) => seen.push(String(data)));
    socket.send('hello');
    await vi.waitFor(() => expect(seen).toEqual(['hello']));
    const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)));
    socket.close(4001, 'enough');
    expect(await closed).toBe(4001);
  });

  it.each([401, 404, 503])('a refusal with %i passes through, with its fields and body', async (status) => {
    server.refuse = status;
    const socket = new WebSocket(url);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(status);
    expect(response.headers['x-why']).toBe('mood');
    let body = '';
    for await (const part of response) body += String(part);
    expect(body).toBe('sorry');
  });

  it('an upgrade that the route does not allow is 403', async () => {
    const socket = new WebSocket(url.replace('/chat', '/plain'));
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(403);
    response.resume();
    await once(response, 'close');
  });

  it('a client that is cut off ends the connection upstream', async () => {
    const socket = new WebSocket(url);
    await once(socket, 'open');
    await vi.waitFor(() => expect(server.connections.size).toBeGreaterThan(0));
    socket.terminate();
    await vi.waitFor(() => expect(server.connections.size).toBe(0));
  });

  it('an upstream that is cut off ends the client', async () => {
    const socket = new WebSocket(url);
    await once(socket, 'open');
    const closed = closing(socket);
    for (const connection of server.connections) connection.resetAndDestroy();
    expect((await closed)[0]).toBe(1006);
  });

  it('an open socket outlives the drain of others until it ends', async () => {
    const own = await createProxy({ config: bootstrap(server.port), extensions: standard });
    await own.start();
    const socket = new WebSocket(`ws://127.0.0.1:${own.address('main').port}/chat`);
    await once(socket, 'open');
    const drained = own.drain();
    socket.send('still here');
    const [data] = (await once(socket, 'message')) as [Buffer];
    expect(data.toString()).toBe('still here');
    socket.close();
    await drained;
    await own.close();
  });

  it('extended CONNECT over HTTP/2 reaches an HTTP/1.1 server', async () => {
    const session = http2.connect(url.replace('ws:', 'http:'));
    session.on('error', () => {});
    const [settings] = (await once(session, 'remoteSettings')) as [http2.Settings];
    expect(settings.enableConnectProtocol).toBe(true);
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/chat',
      ':scheme': 'http',
      ':authority': 'localhost',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    });
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    expect(headers[':status']).toBe(200);
    // A masked text frame, and the same unmasked from the server (RFC 6455 5.7).
    stream.write(Buffer.from('818537fa213d7f9f4d5158', 'hex'));
    const [echo] = (await once(stream, 'data')) as [Buffer];
    expect(echo.toString('hex')).toBe('810548656c6c6f');
    stream.close();
    session.close();
  });

  it('extended CONNECT that the server refuses gets its status', async () => {
    server.refuse = 401;
    const session = http2.connect(url.replace('ws:', 'http:'));
    session.on('error', () => {});
    await once(session, 'remoteSettings');
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/chat',
      ':scheme': 'http',
      ':authority': 'localhost',
    });
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    expect(headers[':status']).toBe(401);
    stream.close();
    session.close();
  });
});

async function closing(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return [code, reason.toString()];
}
