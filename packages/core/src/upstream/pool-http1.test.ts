import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { clusterRig, endpoint, Get, OK, server } from './fixture.ts';
import type { UpstreamHost } from './host.ts';
import type { ClusterSettings, Thresholds } from './settings.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

async function rig(
  respond: Parameters<typeof server>[0],
  thresholds: Partial<Thresholds> = {},
  more: Partial<ClusterSettings> = {},
) {
  const made = clusterRig(thresholds, more);
  const upstream = await server(respond);
  made.cluster.update([endpoint(upstream.port)]);
  cleanups.push(
    () => made.wheel.close(),
    upstream.close,
    () => made.cluster.close(),
  );
  const host = made.cluster.hosts[0] as UpstreamHost;
  const open = (request: Get) => made.cluster.open(host, request);
  return { ...made, upstream, host, open };
}

const always = (_text: string, socket: net.Socket) => void socket.write(OK);

async function until(check: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!check()) {
    if (performance.now() > end) throw new Error('waited in vain');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('Http1Pool', () => {
  it('reuses the connection that was free last', async () => {
    const { upstream, open, stat } = await rig(always);
    const first = new Get();
    open(first);
    expect([await first.done, first.reused]).toEqual(['200 ok', false]);
    const second = new Get();
    expect(open(second)).toBeUndefined();
    expect([await second.done, second.reused]).toEqual(['200 ok', true]);
    expect(upstream.sockets).toHaveLength(1);
    expect([stat('upstream_cx_total'), stat('upstream_rq_total'), stat('upstream_rq_active')]).toEqual([1, 2, 0]);
  });

  it('makes a connection for each request that would have to wait', async () => {
    const { upstream, open, host } = await rig(always);
    const requests = [new Get(), new Get(), new Get()];
    for (const request of requests) open(request);
    await Promise.all(requests.map(({ done }) => done));
    expect(upstream.sockets).toHaveLength(3);
    expect(host.stats).toMatchObject({ cxTotal: 3, rqTotal: 3, rqActive: 0 });
  });

  it('serves waiting requests in order when connections are limited', async () => {
    const seen: string[] = [];
    const respond = (text: string, socket: net.Socket) => {
      seen.push(text.split(' ')[1] as string);
      socket.write(OK);
    };
    const { upstream, open } = await rig(respond, { maxConnections: 1 });
    const requests = ['/1', '/2', '/3', '/4'].map((path) => new Get(path));
    for (const request of requests) open(request);
    await Promise.all(requests.map(({ done }) => done));
    expect(seen).toEqual(['/1', '/2', '/3', '/4']);
    expect(upstream.sockets).toHaveLength(1);
  });

  it('forgets a request that is cancelled while it waits', async () => {
    const { upstream, open, stat } = await rig(always, { maxConnections: 1 });
    const [first, second, third] = [new Get('/1'), new Get('/2'), new Get('/3')];
    open(first);
    const ticket = open(second);
    open(third);
    ticket?.cancel();
    ticket?.cancel();
    expect([await first.done, await third.done]).toEqual(['200 ok', '200 ok']);
    expect(second.reused).toBeUndefined();
    expect(upstream.sockets).toHaveLength(1);
    expect([stat('upstream_rq_cancelled'), stat('upstream_rq_pending_active')]).toEqual([1, 0]);
  });

  it('does not reuse a connection whose response came before the end of its request was sent', async () => {
    const { upstream, open } = await rig(
      (_text, socket) => void socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'),
    );
    for (let i = 0; i < 2; i++) {
      const request = new Get();
      open(request);
      await request.done;
    }
    expect(upstream.sockets).toHaveLength(2);
  });

  it('drops an idle connection that the peer closes', async () => {
    const { upstream, open, stat } = await rig(always);
    const first = new Get();
    open(first);
    await first.done;
    upstream.sockets[0]?.end();
    await until(() => stat('upstream_cx_active') === 0);
    const second = new Get();
    open(second);
    expect([await second.done, second.reused]).toEqual(['200 ok', false]);
  });

  it('drops an idle connection on which the peer speaks unasked', async () => {
    const { upstream, open, stat } = await rig(always);
    const first = new Get();
    open(first);
    await first.done;
    upstream.sockets[0]?.write(OK);
    await until(() => stat('upstream_cx_active') === 0);
    expect(stat('upstream_cx_protocol_error')).toBe(1);
    const second = new Get();
    open(second);
    expect(await second.done).toBe('200 ok');
  });

  it('does not trust a peer that speaks before it is asked', async () => {
    const made = clusterRig();
    const listener = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.write(OK);
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    cleanups.push(
      () => made.wheel.close(),
      () => listener.close(),
      () => made.cluster.close(),
    );
    made.cluster.update([endpoint((listener.address() as net.AddressInfo).port)]);
    const request = new Get();
    made.cluster.open(made.cluster.hosts[0] as UpstreamHost, request);
    expect(await request.done).not.toContain('200');
  });

  it('fails every request that waited for a connection that cannot be made', async () => {
    const { upstream, cluster, open, stat, host } = await rig(always);
    upstream.close();
    await until(() => upstream.sockets.length === 0);
    const requests = [new Get(), new Get()];
    for (const request of requests) open(request);
    expect(await Promise.all(requests.map(({ done }) => done))).toEqual([
      'failure: remote connection failure',
      'failure: remote connection failure',
    ]);
    expect(requests[0]?.failure).toMatchObject({
      detail: 'delayed connect error: Connection refused',
      requestSent: false,
    });
    expect([stat('upstream_cx_connect_fail'), host.stats.cxConnectFail]).toEqual([2, 2]);
    expect([stat('upstream_cx_active'), stat('upstream_rq_pending_active')]).toEqual([0, 0]);
    cluster.close();
  });

  it('tells a reused connection from a new one when it fails', async () => {
    let answered = 0;
    const { open } = await rig((_text, socket) => (answered++ === 0 ? void socket.write(OK) : socket.end()));
    const first = new Get();
    open(first);
    await first.done;
    const second = new Get();
    open(second);
    expect(await second.done).toBe('reset: connection termination');
    expect(second.failure).toMatchObject({ reused: true, responseStarted: false });
  });

  it('closes the connection of a request that is given up', async () => {
    const { upstream, open, stat } = await rig(() => {});
    const request = new Get();
    open(request);
    await until(() => request.writer !== undefined && upstream.sockets.length === 1);
    request.writer?.reset();
    await until(() => stat('upstream_cx_active') === 0);
    expect([stat('upstream_rq_active'), stat('upstream_cx_destroy_local')]).toEqual([0, expect.any(Number)]);
  });

  it('refuses what is over max_requests when it would get a connection', async () => {
    const { open, stat, upstream } = await rig(() => {}, { maxRequests: 1 });
    open(new Get());
    await until(() => stat('upstream_rq_active') === 1);
    const over = new Get();
    open(over);
    expect(over.failure).toBeUndefined();
    expect(await over.done).toBe('failure: overflow');
    expect([stat('upstream_rq_active_overflow'), stat('upstream_rq_pending_overflow')]).toEqual([1, 0]);
    // The connection that it had been waiting for is there for others.
    expect(stat('upstream_rq_pending_active')).toBe(0);
    await until(() => upstream.sockets.length === 2);
    expect(stat('upstream_cx_active')).toBe(2);
  });

  it('refuses every waiting request of a connection that comes when max_requests is reached', async () => {
    const { open, stat } = await rig(() => {}, { maxRequests: 1 });
    const requests = [new Get(), new Get(), new Get()];
    for (const request of requests) open(request);
    await until(() => requests.filter(({ failure }) => failure?.reason === 'overflow').length === 2);
    expect([stat('upstream_rq_active'), stat('upstream_rq_active_overflow')]).toEqual([1, 2]);
  });

  it('lets a request wait that is over max_requests, if there is room by the time of its connection', async () => {
    const { open } = await rig(always, { maxRequests: 1 });
    const [first, second] = [new Get(), new Get()];
    open(first);
    await first.done;
    open(second);
    expect(await second.done).toBe('200 ok');
  });

  it('refuses what is over max_pending_requests', async () => {
    const { open, stat } = await rig(() => {}, { maxPendingRequests: 1 });
    open(new Get());
    const second = new Get();
    open(second);
    expect(await second.done).toBe('failure: overflow');
    expect(stat('upstream_rq_pending_overflow')).toBe(1);
  });

  it('closes a connection that has lived for max_connection_duration, idle or after its request', async () => {
    const held: (() => void)[] = [];
    const { open, stat } = await rig(
      (text, socket) => {
        if (text.startsWith('GET /held')) held.push(() => socket.write(OK));
        else socket.write(OK);
      },
      {},
      { maxConnectionDurationMs: 20 },
    );
    const [idle, busy] = [new Get(), new Get('/held')];
    open(idle);
    expect(await idle.done).toBe('200 ok');
    await until(() => stat('upstream_cx_active') === 0);
    open(busy);
    await until(() => stat('upstream_cx_max_duration_reached') === 2);
    expect(stat('upstream_cx_active')).toBe(1);
    held[0]?.();
    expect(await busy.done).toBe('200 ok');
    await until(() => stat('upstream_cx_active') === 0);
    expect([stat('upstream_cx_total'), stat('upstream_cx_destroy_local')]).toEqual([2, 2]);
  });
});
