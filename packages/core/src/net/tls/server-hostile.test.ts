import net from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock, serverSettings, TestServer, talk } from './fixture.ts';
import type { ServerTlsSettings } from './settings.ts';

const open: TestServer[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function serve(settings: ServerTlsSettings): Promise<TestServer> {
  const server = await new TestServer(settings).listen();
  open.push(server);
  return server;
}

describe('bad clients', () => {
  it.each([
    ['plain HTTP', 'GET / HTTP/1.1\r\nhost: a\r\n\r\n', 1],
    ['a byte that is no record', '\x00', 0],
    ['bytes that are no record', '\x00'.repeat(20), 1],
    ['a hello that lies about its lengths', '\x16\x03\x01\x00\x05\x01\x00\x00\x01\xff', 1],
    ['a hello that is longer than any', `\x16\x03\x01\xff\xff\x01\xff\xff\xff${'x'.repeat(40_000)}`, 1],
    ['an end before a hello', '', 0],
    ['an end within a hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 0],
  ])('%s: refused, counted, closed', async (_what, bytes, errors) => {
    const server = await serve(serverSettings());
    const socket = net.connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    socket.end(Buffer.from(bytes, 'latin1'));
    await new Promise((resolve) => socket.on('close', resolve));
    await server.until(() => server.failures.length === 1);
    expect(server.count('connection_error')).toBe(errors);
    expect(server.secured).toEqual([]);
  });

  it('who says nothing, or not enough, is cut after a minute', async () => {
    const clock = new ManualClock();
    const server = await new TestServer(serverSettings(), undefined, clock).listen();
    open.push(server);
    const silent = net.connect(server.port, '127.0.0.1');
    const half = net.connect(server.port, '127.0.0.1');
    const closed = [silent, half].map(
      (socket) =>
        new Promise((resolve) =>
          socket
            .on('error', () => {})
            .on('close', resolve)
            .resume(),
        ),
    );
    half.write(Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'latin1'));
    while (server.accepted < 2) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(61_000);
    await Promise.all(closed);
    expect(server.failures).toEqual(Array(2).fill('the handshake took too long'));
  });

  it('a client that goes away in mid-handshake is noticed at once', async () => {
    const server = await serve(serverSettings());
    const hello = await firstBytes();
    const socket = net.connect(server.port, '127.0.0.1', () => socket.end(hello));
    socket.on('error', () => {});
    socket.resume();
    await server.until(() => server.failures.length === 1);
    expect(server.secured).toEqual([]);
  });

  it('a client that has said all it wants to gets its answer', async () => {
    const server = await new TestServer(serverSettings(), ({ socket }) => {
      socket.on('data', () => {});
      socket.on('end', () => socket.end('late'));
    }).listen();
    open.push(server);
    const where = { port: server.port, host: '127.0.0.1', rejectUnauthorized: false, allowHalfOpen: true };
    const socket = tls.connect(where as tls.ConnectionOptions);
    socket.on('secureConnect', () => socket.end('bye'));
    const parts: Buffer[] = [];
    for await (const part of socket) parts.push(part as Buffer);
    expect(Buffer.concat(parts).toString()).toBe('late');
  });

  it('a reset in the handshake leaves nothing behind', async () => {
    const server = await serve(serverSettings());
    const socket = net.connect(server.port, '127.0.0.1', () => {
      socket.write(Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'latin1'), () =>
        socket.resetAndDestroy(),
      );
    });
    socket.on('error', () => {});
    await server.until(() => server.failures.length === 1);
    expect(server.secured).toEqual([]);
  });

  it('a hello in single bytes is understood', async () => {
    const server = await serve(serverSettings({ alpn_protocols: ['h2'] }));
    const client = slow(net.connect({ port: server.port, host: '127.0.0.1' }));
    const seen = await talk(0, { socket: client, servername: 'b.test', ALPNProtocols: ['h2'] });
    expect(seen).toMatchObject({ alpn: 'h2', reply: 'b.test:hi' });
  });

  it('renegotiation is refused', async () => {
    const server = await serve(serverSettings());
    const socket = tls.connect({
      port: server.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.2',
    });
    await new Promise((resolve) => socket.on('secureConnect', resolve));
    const refused = new Promise((resolve) => {
      socket.on('error', resolve);
      socket.on('close', resolve);
    });
    socket.renegotiate({}, (error) => error && socket.destroy());
    await refused;
    expect(server.count('handshake')).toBe(1);
  });
});

/** A ClientHello. */
async function firstBytes(): Promise<Buffer> {
  const listener = net.createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const client = tls.connect({ port: (listener.address() as net.AddressInfo).port, host: '127.0.0.1' });
  client.on('error', () => {});
  const socket = await new Promise<net.Socket>((resolve) => listener.once('connection', resolve));
  const bytes = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
  socket.destroy();
  client.destroy();
  listener.close();
  return bytes;
}

/** Sends what is written to it one byte at a time. */
function slow(target: net.Socket): net.Socket {
  const write = target.write.bind(target);
  target.setNoDelay(true);
  (target as { write: unknown }).write = (chunk: Buffer, ...rest: unknown[]) => {
    for (const byte of chunk.subarray(0, 300)) write(Buffer.from([byte]));
    return (write as (...all: unknown[]) => boolean)(chunk.subarray(300), ...rest);
  };
  return target;
}
