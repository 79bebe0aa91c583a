import { createHash } from 'node:crypto';
import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Connection, type ConnectionHandler } from './connection.ts';

const TOTAL_BYTES = 6 * 1024 * 1024;
const servers: net.Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(onSocket: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer(onSocket);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Bytes that differ per stream and position, so that a piece from elsewhere is noticed. */
function pattern(seed: number): Buffer {
  const bytes = Buffer.alloc(TOTAL_BYTES);
  for (let i = 0; i < TOTAL_BYTES; i += 4) bytes.writeUInt32LE(((i >>> 2) * 2654435761 + seed * 40503) >>> 0, i);
  return bytes;
}

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Forwards what it reads without copying it first, as the data path does. */
class Forwarder implements ConnectionHandler {
  to!: Connection;
  from!: Connection;
  maxPending = 0;
  onBytes(chunk: Buffer, owned: boolean): void {
    this.to.addBytes(chunk, owned);
    if (!this.to.flush()) this.from.pauseReading();
    this.maxPending = Math.max(this.maxPending, this.to.socket.writableLength);
  }
  onEnd(): void {
    this.to.end();
    this.from.destroy();
  }
  onWritable(): void {}
  onClose(): void {}
}

/** The client side: reads slowly at first, so that writes stay pending while the next reads come. */
async function receive(port: number): Promise<Buffer> {
  const socket = net.connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  let reads = 0;
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    if (++reads > 40) return;
    socket.pause();
    setImmediate(() => setImmediate(() => socket.resume()));
  });
  await new Promise((resolve, reject) => socket.once('end', resolve).once('error', reject));
  return Buffer.concat(chunks);
}

async function forwarded(
  seed: number,
  watermark: number,
): Promise<{ sent: Buffer; received: Buffer; forwarder: Forwarder }> {
  const sent = pattern(seed);
  const source = await serve((socket) => socket.end(sent));
  const forwarder = new Forwarder();
  const entry = await serve((socket) => {
    const idle: ConnectionHandler = {
      onBytes() {},
      onEnd() {},
      onWritable: () => forwarder.from.resumeReading(),
      onClose() {},
    };
    forwarder.to = Connection.accept(socket, idle, watermark);
    forwarder.from = Connection.connect({ host: '127.0.0.1', port: source }, forwarder, watermark, () => {});
  });
  return { sent, received: await receive(entry), forwarder };
}

describe('ReadBuffers', () => {
  it('delivers several slow streams unmixed and unchanged', async () => {
    const streams = await Promise.all([1, 2, 3, 4].map((seed) => forwarded(seed, 512 * 1024)));
    for (const { sent, received } of streams) {
      expect(received.length).toBe(TOTAL_BYTES);
      expect(digest(received)).toBe(digest(sent));
    }
  });

  it('holds at most the watermark and one read', async () => {
    const { forwarder } = await forwarded(5, 32 * 1024);
    expect(forwarder.maxPending).toBeGreaterThan(8 * 1024);
    expect(forwarder.maxPending).toBeLessThanOrEqual(32 * 1024 + 64 * 1024);
  });
});
