import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Connection, type ConnectionHandler, type ConnectTarget } from './connection.ts';
import { connectFailure } from './failure-text.ts';
import type { ClientTransport } from './transport.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Records the events of a connection; each `until…` resolves when its event has come. */
class Recorder implements ConnectionHandler {
  text = '';
  readonly events: string[] = [];
  error: Error | undefined;
  #waiters: { ready: () => boolean; resolve: () => void }[] = [];
  onBytes(chunk: Buffer): void {
    this.text += chunk.toString('latin1');
    this.#check();
  }
  onEnd(): void {
    this.#add('end');
  }
  onWritable(): void {
    this.#add('writable');
  }
  onClose(error: Error | undefined): void {
    this.error = error;
    this.#add('close');
  }
  untilText(text: string): Promise<void> {
    return this.#until(() => this.text.includes(text));
  }
  untilEvent(event: string): Promise<void> {
    return this.#until(() => this.events.includes(event));
  }
  #add(event: string): void {
    this.events.push(event);
    this.#check();
  }
  #until(ready: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ ready, resolve });
      this.#check();
    });
  }
  #check(): void {
    for (const waiter of this.#waiters) if (waiter.ready()) waiter.resolve();
    this.#waiters = this.#waiters.filter((waiter) => !waiter.ready());
  }
}

async function listen(at: { port: number; host: string } | { path: string }): Promise<net.Server> {
  const server = net.createServer({ allowHalfOpen: true });
  server.listen(at);
  await once(server, 'listening');
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  return server;
}

/** A `Connection` made with `connect`, its peer's raw socket, and the peer wrapped with `accept`. */
async function pair(highWatermark = 64 * 1024, at?: { path: string }) {
  const server = await listen(at ?? { port: 0, host: '127.0.0.1' });
  const target: ConnectTarget = at ?? { host: '127.0.0.1', port: (server.address() as net.AddressInfo).port };
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const near = new Recorder();
  const far = new Recorder();
  let connected = (): void => {};
  const up = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const connection = Connection.connect(target, near, highWatermark, connected);
  const [socket] = await accepted;
  const peer = Connection.accept(socket, far, highWatermark);
  cleanups.push(async () => {
    await Promise.all(
      [connection, peer].map((each) => {
        if (each.closed) return undefined;
        const closed = once(each.socket, 'close');
        each.destroy();
        return closed;
      }),
    );
  });
  await up;
  return { connection, near, peer, far, socket: peer.socket };
}

describe('Connection', () => {
  it('moves bytes both ways, and queued text leaves before large bytes', async () => {
    const { connection, near, peer, far } = await pair();
    connection.addText('caf\xe9 ');
    connection.addBytes(Buffer.from('small '), false);
    connection.addBytes(Buffer.alloc(5000, 'x'), false);
    connection.addText(' tail');
    connection.flush();
    await far.untilText('tail');
    expect(far.text).toBe(`caf\xe9 small ${'x'.repeat(5000)} tail`);
    peer.addText('answer');
    expect(near.text).toBe('');
    peer.flush();
    await near.untilText('answer');
    expect([connection.bytesWritten, peer.bytesRead]).toEqual([5016, 5016]);
    expect([connection.bytesRead, peer.bytesWritten]).toEqual([6, 6]);
  });

  it('copies bytes that it does not own', async () => {
    const { connection, far } = await pair();
    const small = Buffer.from('aaaa');
    const large = Buffer.alloc(8000, 'b');
    connection.addBytes(small, false);
    connection.addBytes(large, false);
    small.fill('X');
    large.fill('X');
    connection.flush();
    await far.untilText('b'.repeat(8000));
    expect(far.text).not.toContain('X');
  });

  it('answers after the peer has sent FIN', async () => {
    const { connection, near, peer, far } = await pair();
    connection.addText('ask');
    connection.end();
    await far.untilEvent('end');
    expect([peer.peerEnded, peer.closed]).toEqual([true, false]);
    peer.addText('answer');
    peer.end();
    await near.untilEvent('close');
    expect(near.text).toBe('answer');
    expect(near.events).toEqual(['end', 'close']);
    expect(near.error).toBeUndefined();
  });

  it('a paused connection gets nothing until every pause has its resume', async () => {
    const { near, connection, peer } = await pair();
    connection.pauseReading();
    connection.pauseReading();
    peer.addText('hello');
    peer.flush();
    await new Promise<void>((resolve) => peer.socket.write('', () => resolve()));
    connection.resumeReading();
    await new Promise((resolve) => setImmediate(resolve));
    expect([near.text, connection.paused]).toEqual(['', true]);
    connection.resumeReading();
    await near.untilText('hello');
    connection.resumeReading();
    expect(connection.paused).toBe(false);
  });

  it('a pause while connecting holds', async () => {
    const server = await listen({ port: 0, host: '127.0.0.1' });
    server.on('connection', (socket) => socket.end('early'));
    const near = new Recorder();
    const { port } = server.address() as net.AddressInfo;
    let connected = (): void => {};
    const up = new Promise<void>((resolve) => {
      connected = resolve;
    });
    const connection = Connection.connect({ host: '127.0.0.1', port }, near, 1024, connected);
    cleanups.push(() => connection.destroy());
    connection.pauseReading();
    await up;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(near.text).toBe('');
    connection.resumeReading();
    await near.untilText('early');
  });

  it.each([100, 4096, 64 * 1024, 1024 * 1024])(
    'a write above a high watermark of %i is followed by onWritable',
    async (mark) => {
      const { connection, near, peer, far } = await pair(mark);
      peer.pauseReading();
      let sent = 0;
      while (!connection.backedUp) {
        connection.addBytes(Buffer.alloc(Math.max(5000, mark)), true);
        sent += Math.max(5000, mark);
        connection.flush();
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(connection.socket.writableLength).toBeGreaterThanOrEqual(mark);
      peer.resumeReading();
      await near.untilEvent('writable');
      expect(connection.backedUp).toBe(false);
      await far.untilText('\0'.repeat(sent));
    },
  );

  it('reset reaches the peer as an error', async () => {
    const { connection, near, far } = await pair();
    connection.reset();
    await Promise.all([far.untilEvent('close'), near.untilEvent('close')]);
    expect(far.error).toMatchObject({ code: 'ECONNRESET' });
    expect(near.error).toBeUndefined();
  });

  it('a reset right behind data is an error, not an end', async () => {
    const { connection, near, socket } = await pair();
    socket.write('last words');
    await new Promise((resolve) => setImmediate(resolve));
    connection.pauseReading();
    socket.write(', more');
    socket.resetAndDestroy();
    await new Promise((resolve) => setImmediate(resolve));
    connection.resumeReading();
    await near.untilEvent('close');
    expect(near.events).toEqual(['close']);
    expect(near.error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('onClose runs once, and the connection is mute and deaf afterwards', async () => {
    const { connection, near, peer, far } = await pair();
    connection.destroy();
    connection.destroy();
    await far.untilEvent('end');
    peer.destroy();
    await Promise.all([near.untilEvent('close'), far.untilEvent('close')]);
    for (const each of [connection, peer]) {
      each.addText('x');
      each.addBytes(Buffer.alloc(10_000), false);
      expect(each.flush()).toBe(true);
      each.pauseReading();
      each.resumeReading();
      each.end();
      each.reset();
      each.destroy();
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(near.events).toEqual(['close']);
    expect(far.events.filter((event) => event === 'close')).toHaveLength(1);
  });

  it('what is written after end is dropped', async () => {
    const { connection, near, far, peer } = await pair();
    connection.addText('last');
    connection.end();
    connection.addText('late');
    connection.addBytes(Buffer.alloc(10_000), true);
    connection.flush();
    await far.untilEvent('end');
    peer.end();
    await near.untilEvent('close');
    expect(far.text).toBe('last');
    expect(near.error).toBeUndefined();
  });

  it('a refused connect closes with its error and never connects', async () => {
    const server = await listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.address() as net.AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const near = new Recorder();
    Connection.connect({ host: '127.0.0.1', port }, near, 1024, () => expect.unreachable());
    await near.untilEvent('close');
    expect(near.error).toMatchObject({ code: 'ECONNREFUSED' });
    expect(near.events).toEqual(['close']);
  });

  it('the shared read buffer does not mix connections', async () => {
    const pairs = await Promise.all(Array.from({ length: 8 }, () => pair()));
    pairs.forEach(({ peer }, i) => {
      peer.addText(String(i).repeat(50_000));
      peer.addText('.');
      peer.flush();
    });
    await Promise.all(pairs.map(({ near }) => near.untilText('.')));
    expect(pairs.map(({ near }) => near.text)).toEqual(pairs.map((_, i) => `${String(i).repeat(50_000)}.`));
  });

  it('works over a unix socket, where reset is a close', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'mesh-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    const { connection, near, far } = await pair(1024, { path: path.join(folder, 's') });
    connection.addText('hello');
    connection.flush();
    await far.untilText('hello');
    connection.reset();
    await Promise.all([near.untilEvent('close'), far.untilEvent('end')]);
  });

  it('hands over to another handler', async () => {
    const { connection, near, peer } = await pair();
    const other = new Recorder();
    connection.handler = other;
    expect(connection.handler).toBe(other);
    peer.addText('hello');
    peer.flush();
    await other.untilText('hello');
    expect(near.text).toBe('');
  });
});

describe('Connection.connect with a transport', () => {
  /** Plain TCP that calls itself secured. */
  const transport = (refusal: string | undefined): ClientTransport => ({
    readyEvent: 'connect',
    connect: (options) => net.connect(options),
    refusal: () => refusal,
    alpn: () => '',
    info: () => undefined,
    raw: (socket) => socket,
    close: () => {},
  });

  async function connected(refusal: string | undefined) {
    const server = net.createServer((socket) => socket.pipe(socket).on('error', () => {}));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const target = { host: '127.0.0.1', port: (server.address() as net.AddressInfo).port };
    const recorder = new Recorder();
    let ready = false;
    const onConnect = () => void (ready = true);
    const connection = Connection.connect(target, recorder, 1024, onConnect, transport(refusal));
    cleanups.push(() => connection.destroy());
    return { connection, recorder, ready: () => ready };
  }

  it('is ready when the transport trusts the peer', async () => {
    const { connection, recorder, ready } = await connected(undefined);
    await once(connection.socket, 'connect');
    connection.addText('hello');
    connection.flush();
    await recorder.untilText('hello');
    expect(ready()).toBe(true);
  });

  it('is closed with the reason when it does not', async () => {
    const { recorder, ready } = await connected('TLS_error:|CERTIFICATE_VERIFY_FAILED');
    await recorder.untilEvent('close');
    expect(ready()).toBe(false);
    const failure = connectFailure(recorder.error);
    expect([failure.reason, failure.detail]).toEqual([
      'remote connection failure',
      'TLS_error:|CERTIFICATE_VERIFY_FAILED',
    ]);
  });
});
