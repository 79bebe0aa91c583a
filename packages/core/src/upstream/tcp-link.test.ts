import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { UpstreamFailure } from '../api/codec.ts';
import type { TcpLink, TcpUser } from '../api/upstream.ts';
import { systemClock } from '../runtime/clock.ts';
import { TimerWheel } from '../runtime/timer-wheel.ts';
import { StatsStore } from '../stats/index.ts';
import { Cluster } from './cluster.ts';
import { DEFAULT_THRESHOLDS } from './settings.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

class User implements TcpUser {
  readonly events: string[] = [];
  link: TcpLink | undefined = undefined;
  private waiting: { text: string; resolve: () => void } | undefined = undefined;

  onConnected(link: TcpLink): void {
    this.link = link;
    this.add('connected');
  }
  onFailure({ reason }: UpstreamFailure): void {
    this.add(`failed: ${reason}`);
  }
  onBytes(chunk: Uint8Array): void {
    this.add(`bytes: ${Buffer.from(chunk)}`);
  }
  onEnd(): void {
    this.add('end');
  }
  onWritable(): void {}
  onClose(error: Error | undefined): void {
    this.add(`closed: ${(error as NodeJS.ErrnoException | undefined)?.code ?? 'in order'}`);
  }
  private add(text: string): void {
    this.events.push(text);
    if (this.waiting?.text === text) this.waiting.resolve();
  }
  until(text: string): Promise<void> {
    if (this.events.includes(text)) return Promise.resolve();
    return new Promise((resolve) => {
      this.waiting = { text, resolve };
    });
  }
}

async function cluster(limits: object = {}) {
  const sockets: net.Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const stats = new StatsStore();
  const thresholds = { ...DEFAULT_THRESHOLDS, ...limits };
  const wheel = new TimerWheel(systemClock, () => {});
  const settings = {
    ...{ name: 'c', statName: 'c', connectTimeoutMs: 5000, idleTimeoutMs: 0, maxConnectionDurationMs: 0 },
    ...{ maxStreamDurationMs: 0, maxRequestsPerConnection: 0, bufferLimitBytes: 65_536, enableTrailers: false },
    ...{ responseLimits: { maxBytes: 1024, maxCount: 10 }, tcpKeepaliveMs: undefined },
    thresholds: { default: thresholds, high: thresholds },
  };
  const made = new Cluster(settings as never, 'static', { scope: stats.scope(''), wheel, random: () => 0 });
  made.update([{ ip: '127.0.0.1', port, hostname: '', weight: 1, priority: 0, locality: {} } as never]);
  const host = made.hosts[0] as (typeof made.hosts)[0];
  cleanups.push(() => {
    made.close();
    wheel.close();
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { made, host, sockets };
}

describe('connectTcp', () => {
  it('hands over a connection with both its halves', async () => {
    const { made, host, sockets } = await cluster();
    const user = new User();
    made.connectTcp(host, user);
    expect(user.events).toEqual([]);
    await user.until('connected');
    user.link?.write(Buffer.from('x'), false);
    user.link?.end();
    while (sockets.length === 0) await new Promise(setImmediate);
    const [socket] = sockets as [net.Socket];
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    await once(socket, 'end');
    socket.end('after the end');
    await user.until('closed: in order');
    expect(bytes.toString()).toBe('x');
    expect(user.events).toEqual(['connected', 'bytes: after the end', 'end', 'closed: in order']);
    expect([made.breaker.connections, made.breaker.pending, made.stats.upstream_cx_active.value]).toEqual([0, 0, 0]);
    expect([host.stats.cxActive, host.stats.rqActive]).toEqual([0, 0]);
  });

  it('tells of a full cluster later, and not at all when given up', async () => {
    const { made, host } = await cluster({ maxConnections: 0 });
    const [told, gone] = [new User(), new User()];
    made.connectTcp(host, told);
    made.connectTcp(host, gone)?.cancel();
    expect(told.events).toEqual([]);
    await told.until('failed: overflow');
    expect([gone.events, made.stats.upstream_cx_overflow.value]).toEqual([[], 2]);
  });

  it('a ticket gives a connection up on its way', async () => {
    const { made, host } = await cluster();
    const user = new User();
    const ticket = made.connectTcp(host, user);
    ticket?.cancel();
    ticket?.cancel();
    while (made.breaker.connections > 0) await new Promise(setImmediate);
    expect([user.events, made.breaker.pending, made.stats.upstream_rq_cancelled.value]).toEqual([[], 0, 1]);
  });

  it('closing the cluster ends connections and tells their users', async () => {
    const { made, host } = await cluster();
    const [open, connecting] = [new User(), new User()];
    made.connectTcp(host, open);
    await open.until('connected');
    made.connectTcp(host, connecting);
    made.close();
    await open.until('closed: in order');
    await connecting.until('failed: local connection failure');
    expect(made.stats.upstream_cx_destroy_local.value).toBe(2);
  });

  it('a reset of the host is told as such', async () => {
    const { made, host, sockets } = await cluster();
    const user = new User();
    made.connectTcp(host, user);
    await user.until('connected');
    while (sockets.length === 0) await new Promise(setImmediate);
    sockets[0]?.resetAndDestroy();
    await user.until('closed: ECONNRESET');
    expect(made.stats.upstream_cx_destroy_remote.value).toBe(1);
  });

  /** As a running Envoy 1.40 counts. */
  it.each([
    ['the host ends last', ['link', 'host'], 'remote'],
    ['this side ends last', ['host', 'link'], 'local'],
  ])('%s: so the connection ends', async (_title, order, side) => {
    const { made, host, sockets } = await cluster();
    const user = new User();
    made.connectTcp(host, user);
    await user.until('connected');
    expect(made.breaker.requests).toBe(1);
    while (sockets.length === 0) await new Promise(setImmediate);
    const [socket] = sockets as [net.Socket];
    socket.resume();
    for (const who of order) {
      if (who === 'host') socket.end();
      else user.link?.end();
      await (who === 'host' ? user.until('end') : once(socket, 'end'));
    }
    // As a user does whose other side is gone.
    if (side === 'remote') user.link?.close('flush');
    await user.until('closed: in order');
    const { stats } = made;
    const other = side === 'local' ? 'remote' : 'local';
    expect([
      stats[`upstream_cx_destroy_${side as 'local'}`].value,
      stats[`upstream_cx_destroy_${side as 'local'}_with_active_rq`].value,
      stats[`upstream_cx_destroy_${other}`].value,
      made.breaker.requests,
    ]).toEqual([1, 1, 0, 0]);
  });
});
