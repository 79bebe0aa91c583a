import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { RequestWriter, UpstreamFailure } from '../api/codec.ts';
import type { UpstreamRequest } from '../api/upstream.ts';
import { RequestHead } from '../headers/header-map.ts';
import { systemClock } from '../runtime/clock.ts';
import { TimerWheel } from '../runtime/timer-wheel.ts';
import { StatsStore } from '../stats/index.ts';
import { Cluster } from './cluster.ts';
import { DEFAULT_THRESHOLDS } from './settings.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** A CONNECT that wants its bytes carried; everything it is told, in order. */
class Request implements UpstreamRequest {
  readonly events: string[] = [];
  writer: RequestWriter | undefined = undefined;
  onReady(writer: RequestWriter): void {
    this.writer = writer;
    writer.writeHead(new RequestHead(), false);
    writer.flush();
  }
  onFailure({ reason }: UpstreamFailure): void {
    this.events.push(`failed: ${reason}`);
  }
  onInterim(): void {}
  onHead({ status }: { readonly status: number }): void {
    this.events.push(`head ${status}`);
  }
  onData(chunk: Uint8Array, end: boolean): void {
    this.events.push(`data ${Buffer.from(chunk)}${end ? ' end' : ''}`);
  }
  onTrailers(): void {}
  onBatchEnd(): void {}
  onWritable(): void {}
  onReset({ reason }: UpstreamFailure): void {
    this.events.push(`reset: ${reason}`);
  }
  async until(event: string): Promise<void> {
    while (!this.events.includes(event)) await new Promise(setImmediate);
  }
}

async function opened(limits: object = {}) {
  const sockets: net.Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const thresholds = { ...DEFAULT_THRESHOLDS, ...limits };
  const wheel = new TimerWheel(systemClock, () => {});
  const settings = {
    ...{ name: 'c', statName: 'c', connectTimeoutMs: 5000, idleTimeoutMs: 0, maxConnectionDurationMs: 0 },
    ...{ maxStreamDurationMs: 0, maxRequestsPerConnection: 0, bufferLimitBytes: 65_536, enableTrailers: false },
    ...{ responseLimits: { maxBytes: 1024, maxCount: 10 }, tcpKeepaliveMs: undefined },
    thresholds: { default: thresholds, high: thresholds },
  };
  const cluster = new Cluster(settings as never, 'static', {
    scope: new StatsStore().scope(''),
    wheel,
    random: () => 0,
  });
  cluster.update([{ ip: '127.0.0.1', port, hostname: '', weight: 1, priority: 0, locality: {} } as never]);
  cleanups.push(() => {
    cluster.close();
    wheel.close();
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const request = new Request();
  const ticket = cluster.openTcp(cluster.hosts[0] as never, request);
  const host = async () => {
    while (sockets.length === 0) await new Promise(setImmediate);
    return sockets[0] as net.Socket;
  };
  return { cluster, request, ticket, host };
}

async function gone({ breaker }: Cluster): Promise<void> {
  while (breaker.connections > 0) await new Promise(setImmediate);
}

/** As a running Envoy 1.40 behaves and counts. */
describe('openTcp', () => {
  it('keeps the end of the client: the host may go on', async () => {
    const { cluster, request, host } = await opened();
    await request.until('head 200');
    request.writer?.writeData(Buffer.from('q'), true, true);
    const socket = await host();
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    await once(socket, 'end');
    socket.write('answer');
    await request.until('data answer');
    socket.end();
    await request.until('data  end');
    await gone(cluster);
    expect(String(bytes)).toBe('q');
    expect(request.events).toEqual(['head 200', 'data answer', 'data  end']);
  });

  it('the end of the host ends both directions', async () => {
    const { cluster, request, host } = await opened();
    await request.until('head 200');
    const socket = await host();
    socket.resume();
    socket.end('all');
    await once(socket, 'end');
    await gone(cluster);
    expect(request.events).toEqual(['head 200', 'data all', 'data  end']);
    expect(cluster.stats.upstream_cx_destroy_local_with_active_rq.value).toBe(1);
    expect([cluster.breaker.requests, cluster.stats.upstream_rq_active.value]).toEqual([0, 0]);
  });

  it('a reset of the host is one for the client', async () => {
    const { cluster, request, host } = await opened();
    await request.until('head 200');
    (await host()).resetAndDestroy();
    await request.until('reset: connection termination');
    expect(cluster.stats.upstream_cx_destroy_remote_with_active_rq.value).toBe(1);
  });

  it('a reset of the request tells it nothing more', async () => {
    const { cluster, request } = await opened();
    await request.until('head 200');
    request.writer?.reset();
    await gone(cluster);
    expect(request.events).toEqual(['head 200']);
    expect(cluster.stats.upstream_cx_destroy_local.value).toBe(1);
  });

  it('a full cluster refuses', async () => {
    const { cluster, request } = await opened({ maxConnections: 0 });
    await request.until('failed: overflow');
    expect(cluster.stats.upstream_cx_overflow.value).toBe(1);
  });

  it('may be cancelled on its way', async () => {
    const { cluster, request, ticket } = await opened();
    ticket?.cancel();
    await gone(cluster);
    expect([request.events, cluster.stats.upstream_rq_cancelled.value, cluster.breaker.pending]).toEqual([[], 1, 0]);
  });
});
