/** Sides that do not keep up: what waits for them is bounded, and what was sent still arrives. */
import { once } from 'node:events';
import net from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { testNetworkFilter, turn } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { type RawServer, rawServer, tcpProxyTo } from './fixture.ts';
import { tcpProxy } from './index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const MIB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Memory of the buffers that somebody still holds. */
function heldBytes(): number {
  // The memory of a buffer goes with the collection after the one that finds it.
  for (let i = 0; i < 3; i++) collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** A client that reads nothing until it is told to, and the host's end. */
async function pair() {
  const upstream: RawServer = await rawServer();
  const proxy = await tcpProxyTo(upstream);
  const client = net.connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  cleanups.push(
    () => upstream.close(),
    () => proxy.close(),
    () => client.destroy(),
  );
  await once(client, 'connect');
  const { socket: host } = await upstream.connection();
  host.removeAllListeners('data').pause();
  return { proxy, client, host };
}

/** Writes `total` bytes from one piece of memory, as fast as they are taken. */
function pour(socket: net.Socket, total: number): void {
  const piece = Buffer.alloc(MIB, 'mesh');
  let left = total;
  const more = (): void => {
    while (left > 0) {
      left -= piece.length;
      if (!socket.write(piece)) {
        socket.once('drain', more);
        return;
      }
    }
    socket.end();
  };
  more();
}

/** Resolves when a value has not moved for many turns of the event loop. */
async function standstill(value: () => number): Promise<void> {
  for (let before = -1; before !== value(); ) {
    before = value();
    for (let i = 0; i < 100; i++) await turn();
  }
}

describe('a slow reader', () => {
  it.each([
    ['client', 100],
    ['host', 40],
  ])(
    '(the %s, of %i MiB) holds up its source, not memory',
    async (slow, mebibytes) => {
      const { proxy, client, host } = await pair();
      const start = heldBytes();
      const [reader, writer] = slow === 'client' ? [client, host] : [host, client];
      pour(writer, mebibytes * MIB);
      await standstill(() => writer.bytesWritten);
      const before = heldBytes();
      expect(writer.bytesWritten - writer.writableLength).toBeLessThan(30 * MIB);
      let seen = 0;
      let most = 0;
      for (let next = 0; !reader.readableEnded; ) {
        for (let chunk: Buffer | null = reader.read(); chunk !== null; chunk = reader.read()) seen += chunk.length;
        // A few turns of idleness for each piece: who does not wait for the reader runs full.
        for (let i = 0; i < 3; i++) await turn();
        if (seen < next) continue;
        next += 20 * MIB;
        most = Math.max(most, heldBytes());
      }
      expect(seen).toBe(mebibytes * MIB);
      // All that waits is below the two limits of 1 MiB each, besides what both ends of the test hold.
      expect(Math.max(most, before) - start).toBeLessThan(6 * MIB);
      expect(proxy.stats('tcp.t.downstream_cx_total')).toBe(1);
    },
    30_000,
  );
});

describe('a client that is gone before its bytes are', () => {
  const start = async (clusters = { up: {} }) => {
    const t = testNetworkFilter(tcpProxy({ statPrefix: 't', cluster: 'up', idleTimeout: '10s' }), { clusters });
    const client = await t.connect();
    const host = await t.cluster('up').host();
    return { t, client, host };
  };

  it('has them flushed to the host', async () => {
    const { t, client, host } = await start();
    host.stall();
    await client.send('last words');
    await host.end();
    await client.end();
    expect(client.state).toBe('closed');
    expect([host.text, host.state]).toEqual(['', 'open']);
    expect([t.stats('tcp.t.upstream_flush_total'), t.stats('tcp.t.upstream_flush_active')]).toEqual([1, 1]);
    await host.drain();
    expect([host.text, host.ended, host.state]).toEqual(['last words', true, 'closed']);
    expect([t.stats('tcp.t.upstream_flush_total'), t.stats('tcp.t.upstream_flush_active')]).toEqual([1, 0]);
  });

  it('has them dropped when the host takes nothing for the idle timeout', async () => {
    const { t, client, host } = await start();
    host.stall();
    await client.send('last words');
    await host.end();
    await client.end();
    await t.clock.advanceAsync(9_900);
    expect(host.state).toBe('open');
    await t.clock.advanceAsync(200);
    expect(host.state).toBe('closed');
    expect([t.stats('tcp.t.idle_timeout'), t.stats('tcp.t.upstream_flush_active')]).toEqual([1, 0]);
  });

  it('has nothing flushed when nothing waits', async () => {
    const { t, client, host } = await start();
    await client.send('all');
    await host.end();
    await client.end();
    expect([host.text, host.state, t.stats('tcp.t.upstream_flush_total')]).toEqual(['all', 'closed', 0]);
  });

  it('has its reset passed on at once', async () => {
    const { t, client, host } = await start();
    host.stall();
    await client.send('lost');
    await client.reset();
    expect([host.state, t.stats('tcp.t.upstream_flush_total')]).toEqual(['reset', 0]);
  });

  it('stops an attempt to connect', async () => {
    const { client, host } = await start({ up: { connects: ['wait'] } } as never);
    await client.reset();
    expect(host.connect).toBe('cancelled');
  });
});
