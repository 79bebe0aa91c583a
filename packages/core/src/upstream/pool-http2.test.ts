import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_HTTP2_OPTIONS } from '../http2/options.ts';
import { clusterRig, endpoint, Get } from './fixture.ts';
import type { UpstreamHost } from './host.ts';
import type { ClusterSettings, Thresholds } from './settings.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** The independent implementation: streams wait in `held` until the test answers them. */
async function h2Server(settings: http2.Settings = {}) {
  const listener = http2.createServer({ settings });
  const sessions: http2.ServerHttp2Session[] = [];
  const held: http2.ServerHttp2Stream[] = [];
  const sockets: net.Socket[] = [];
  const state = { hold: false };
  listener.on('connection', (socket: net.Socket) => void sockets.push(socket));
  listener.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  listener.on('stream', (stream) => {
    stream.on('error', () => {});
    if (state.hold) held.push(stream);
    else answer(stream);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  cleanups.push(() => {
    listener.close();
    for (const session of sessions) session.destroy();
  });
  return { port: (listener.address() as net.AddressInfo).port, sessions, sockets, held, state };
}

function answer(stream: http2.ServerHttp2Stream): void {
  stream.respond({ ':status': 200 });
  stream.end('ok');
}

function clusterOf(port: number, thresholds: Partial<Thresholds> = {}, more: Partial<ClusterSettings> = {}) {
  const made = clusterRig(thresholds, { protocol: 'http2', ...more });
  made.cluster.update([endpoint(port)]);
  cleanups.push(
    () => made.wheel.close(),
    () => made.cluster.close(),
  );
  const host = made.cluster.hosts[0] as UpstreamHost;
  const open = (...requests: Get[]) => requests.map((request) => made.cluster.open(host, request));
  const all = (...names: string[]) => names.map((name) => made.stat(name));
  return { ...made, host, open, all };
}

const gets = (count: number) => Array.from({ length: count }, () => new Get());
const outcomes = (requests: readonly Get[]) => Promise.all(requests.map(({ done }) => done));

async function until(check: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!check()) {
    if (performance.now() > end) throw new Error('waited in vain');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('Http2Pool', () => {
  it('serves many requests at once on one connection', async () => {
    const server = await h2Server();
    const { open, all, host } = clusterOf(server.port);
    const requests = gets(50);
    open(...requests);
    expect(new Set(await outcomes(requests))).toEqual(new Set(['200 ok']));
    expect(server.sessions).toHaveLength(1);
    expect(all('upstream_cx_total', 'upstream_cx_http2_total', 'upstream_cx_http1_total')).toEqual([1, 1, 0]);
    expect(all('upstream_rq_total', 'upstream_rq_active', 'upstream_rq_pending_active')).toEqual([50, 0, 0]);
    expect(host.stats).toMatchObject({ cxTotal: 1, rqTotal: 50, rqActive: 0 });
  });

  it('tells a connection that has served from a new one', async () => {
    const server = await h2Server();
    const { open } = clusterOf(server.port);
    const [first, second] = [new Get(), new Get()];
    open(first);
    await first.done;
    expect(open(second)).toEqual([undefined]);
    await second.done;
    expect([first.reused, second.reused]).toEqual([false, true]);
  });

  it('makes more connections when the host takes few requests on each, and loses none on the first', async () => {
    const server = await h2Server({ maxConcurrentStreams: 2 });
    server.state.hold = true;
    const { open, all, stat } = clusterOf(server.port);
    const requests = gets(20);
    open(...requests);
    await until(() => server.held.length === 20);
    expect(server.sessions).toHaveLength(10);
    expect(all('upstream_rq_active', 'upstream_rq_pending_active')).toEqual([20, 0]);
    for (const stream of server.held) answer(stream);
    expect(new Set(await outcomes(requests))).toEqual(new Set(['200 ok']));
    await until(() => stat('upstream_rq_active') === 0);
  });

  it('queues what the host and max_connections do not take', async () => {
    const server = await h2Server({ maxConcurrentStreams: 2 });
    server.state.hold = true;
    const { open, all, stat } = clusterOf(server.port, { maxConnections: 1 });
    const requests = gets(5);
    open(...requests);
    await until(() => server.held.length === 2);
    expect(all('upstream_cx_total', 'upstream_rq_pending_active')).toEqual([1, 3]);
    expect(stat('upstream_cx_overflow')).toBeGreaterThan(0);
    server.state.hold = false;
    for (const stream of server.held) answer(stream);
    expect(new Set(await outcomes(requests))).toEqual(new Set(['200 ok']));
    expect(stat('upstream_cx_total')).toBe(1);
  });

  it('honours its own max_concurrent_streams', async () => {
    const server = await h2Server();
    server.state.hold = true;
    const { open } = clusterOf(server.port, {}, { http2: { ...DEFAULT_HTTP2_OPTIONS, maxConcurrentStreams: 3 } });
    open(...gets(7));
    await until(() => server.held.length === 7);
    expect(server.sessions).toHaveLength(3);
  });

  it('refuses what is over max_pending_requests and max_requests', async () => {
    const server = await h2Server();
    server.state.hold = true;
    const { open, all, stat } = clusterOf(server.port, { maxPendingRequests: 2, maxRequests: 2 });
    const [first, second, third, fourth] = gets(4) as [Get, Get, Get, Get];
    open(first, second, third);
    expect(await third.done).toBe('failure: overflow');
    await until(() => stat('upstream_rq_active') === 2);
    open(fourth);
    expect(await fourth.done).toBe('failure: overflow');
    expect(all('upstream_rq_pending_overflow', 'upstream_rq_active_overflow')).toEqual([1, 1]);
  });

  it('lets a request that waits be cancelled', async () => {
    const server = await h2Server();
    const { open, all } = clusterOf(server.port);
    const [first, second] = [new Get(), new Get()];
    const [, ticket] = open(first, second);
    ticket?.cancel();
    expect(await first.done).toBe('200 ok');
    expect(second.reused).toBeUndefined();
    expect(all('upstream_rq_cancelled', 'upstream_rq_pending_active', 'upstream_rq_total')).toEqual([1, 0, 1]);
  });

  it('resets one stream without harm to the others', async () => {
    const server = await h2Server();
    server.state.hold = true;
    const { open, all } = clusterOf(server.port);
    const [given, kept] = [new Get(), new Get()];
    open(given, kept);
    await until(() => server.held.length === 2);
    given.writer?.reset();
    const [first, second] = server.held as [http2.ServerHttp2Stream, http2.ServerHttp2Stream];
    await until(() => first.closed);
    // As Envoy does.
    expect(first.rstCode).toBe(http2.constants.NGHTTP2_INTERNAL_ERROR);
    answer(second);
    expect(await kept.done).toBe('200 ok');
    expect(all('upstream_rq_tx_reset', 'upstream_cx_active', 'upstream_rq_active')).toEqual([1, 1, 0]);
  });

  it.each([
    [http2.constants.NGHTTP2_NO_ERROR, 'remote reset', 'upstream_rq_rx_reset'],
    [http2.constants.NGHTTP2_PROTOCOL_ERROR, 'protocol error', 'upstream_rq_tx_reset'],
    [http2.constants.NGHTTP2_INTERNAL_ERROR, 'remote reset', 'upstream_rq_rx_reset'],
    [http2.constants.NGHTTP2_REFUSED_STREAM, 'remote refused stream reset', undefined],
    [http2.constants.NGHTTP2_CANCEL, 'remote reset', 'upstream_rq_rx_reset'],
    [http2.constants.NGHTTP2_CONNECT_ERROR, 'remote error with CONNECT request', undefined],
    [http2.constants.NGHTTP2_ENHANCE_YOUR_CALM, 'remote reset', 'upstream_rq_rx_reset'],
  ])('reports a reset with code %i as Envoy does', async (code, reason, counter) => {
    const server = await h2Server();
    server.state.hold = true;
    const { open, stat } = clusterOf(server.port);
    const request = new Get();
    open(request);
    await until(() => server.held.length === 1);
    server.held[0]?.close(code);
    expect(await request.done).toBe(`reset: ${reason}`);
    expect(request.failure).toMatchObject({ requestSent: true, responseStarted: false, reused: false });
    if (counter !== undefined) expect(stat(counter)).toBe(1);
    expect(stat('upstream_cx_active')).toBe(1);
  });

  it('lets a connection finish what it has after GOAWAY, and opens new streams elsewhere', async () => {
    const server = await h2Server();
    server.state.hold = true;
    const { open, all, stat } = clusterOf(server.port);
    const [old, late] = [new Get(), new Get()];
    open(old);
    await until(() => server.held.length === 1);
    server.sessions[0]?.goaway(0, 1);
    await until(() => stat('upstream_cx_close_notify') === 1);
    open(late);
    await until(() => server.held.length === 2);
    expect(server.sessions).toHaveLength(2);
    for (const stream of server.held) answer(stream);
    expect(await outcomes([old, late])).toEqual(['200 ok', '200 ok']);
    await until(() => stat('upstream_cx_active') === 1);
    expect(all('upstream_cx_destroy_local', 'upstream_cx_destroy_with_active_rq')).toEqual([1, 0]);
  });

  it('fails the streams above the last one of a GOAWAY as refused', async () => {
    const server = await h2Server();
    server.state.hold = true;
    const { open } = clusterOf(server.port);
    const [first, second] = [new Get(), new Get()];
    open(first, second);
    await until(() => server.held.length === 2);
    server.sessions[0]?.goaway(0, 1);
    expect(await second.done).toBe('reset: remote refused stream reset');
    answer(server.held[0] as http2.ServerHttp2Stream);
    expect(await first.done).toBe('200 ok');
  });

  it('fails every stream of a connection that dies', async () => {
    const server = await h2Server();
    const { open, all } = clusterOf(server.port);
    const before = new Get();
    open(before);
    await before.done;
    server.state.hold = true;
    const requests = gets(3);
    open(...requests);
    await until(() => server.held.length === 3);
    server.sockets[0]?.destroy();
    expect(new Set(await outcomes(requests))).toEqual(new Set(['reset: connection termination']));
    expect(requests[0]?.failure).toMatchObject({ reused: true, requestSent: true, responseStarted: false });
    expect(
      all('upstream_cx_destroy_remote_with_active_rq', 'upstream_rq_pending_failure_eject', 'upstream_rq_active'),
    ).toEqual([1, 3, 0]);
  });

  it('fails every request that waited for a connection that cannot be made', async () => {
    const server = await h2Server();
    const taken = net.createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as net.AddressInfo;
    taken.close();
    await once(taken, 'close');
    const { open, all } = clusterOf(port);
    const requests = gets(3);
    open(...requests);
    expect(new Set(await outcomes(requests))).toEqual(new Set(['failure: remote connection failure']));
    expect(all('upstream_cx_connect_fail', 'upstream_rq_pending_failure_eject', 'upstream_cx_total')).toEqual([
      1, 3, 1,
    ]);
    expect(server.sessions).toHaveLength(0);
  });

  it('keeps no connection to a host that allows no requests', async () => {
    const server = await h2Server({ maxConcurrentStreams: 0 });
    const { open, all, stat } = clusterOf(server.port);
    const requests = gets(3);
    open(...requests);
    expect(new Set(await outcomes(requests))).toEqual(new Set(['reset: remote refused stream reset']));
    await until(() => stat('upstream_cx_active') === 0);
    expect(all('upstream_rq_active', 'upstream_rq_pending_active')).toEqual([0, 0]);
  });

  it('makes one connection at a time to a host that allows no requests', async () => {
    const server = await h2Server({ maxConcurrentStreams: 0 });
    const { open, cluster } = clusterOf(server.port);
    let most = 0;
    const requests = gets(20);
    open(...requests);
    for (const { done } of requests) void done.then(() => (most = Math.max(most, cluster.breaker.connections)));
    expect(cluster.breaker.connections).toBe(1);
    await outcomes(requests);
    expect(most).toBe(1);
  });

  it('serves who waits once a host allows requests after all', async () => {
    const server = await h2Server({ maxConcurrentStreams: 0 });
    const { open, stat, cluster } = clusterOf(server.port, {}, { preconnect: { perUpstream: 1, predictive: 2 } });
    // Nobody waits while it is made: none is sent before the host has told what it allows.
    cluster.useBalancer({ update: () => {}, pick: () => cluster.hosts[0], peek: () => cluster.hosts[0] });
    cluster.pick({});
    // Its SETTINGS have arrived.
    await until(() => server.sessions[0]?.pendingSettingsAck === false);
    const requests = gets(3);
    open(...requests);
    expect([stat('upstream_cx_total'), stat('upstream_rq_pending_active')]).toEqual([1, 3]);
    server.sessions[0]?.settings({ maxConcurrentStreams: 10 });
    expect(await outcomes(requests)).toEqual(['200 ok', '200 ok', '200 ok']);
    expect(stat('upstream_cx_total')).toBe(1);
  });

  it('gives up a host that allows no requests for as long as connecting may take', async () => {
    const server = await h2Server({ maxConcurrentStreams: 0 });
    const settings = { preconnect: { perUpstream: 1, predictive: 2 }, connectTimeoutMs: 60 };
    const { open, all, cluster } = clusterOf(server.port, {}, settings);
    cluster.useBalancer({ update: () => {}, pick: () => cluster.hosts[0], peek: () => cluster.hosts[0] });
    cluster.pick({});
    // Its SETTINGS have arrived.
    await until(() => server.sessions[0]?.pendingSettingsAck === false);
    const requests = gets(3);
    open(...requests);
    expect(new Set(await outcomes(requests))).toEqual(new Set(['failure: connection timeout']));
    expect(all('upstream_cx_connect_timeout', 'upstream_rq_pending_active')).toEqual([1, 0]);
  });

  it('takes an HTTP/1 answer for a protocol error', async () => {
    const listener = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n'));
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    cleanups.push(() => listener.close());
    const { open, stat } = clusterOf((listener.address() as net.AddressInfo).port);
    const request = new Get();
    open(request);
    expect(await request.done).toBe('reset: protocol error');
    await until(() => stat('upstream_cx_active') === 0);
    expect(stat('upstream_cx_protocol_error')).toBe(1);
  });

  it('retires a connection after max_requests_per_connection', async () => {
    const server = await h2Server();
    const { open, all, stat } = clusterOf(server.port, {}, { maxRequestsPerConnection: 2 });
    for (let i = 0; i < 4; i++) {
      const request = new Get();
      open(request);
      expect(await request.done).toBe('200 ok');
    }
    await until(() => stat('upstream_cx_active') === 0);
    expect(all('upstream_cx_total', 'upstream_cx_max_requests')).toEqual([2, 2]);
  });

  it('lets busy connections finish when the host goes', async () => {
    const server = await h2Server();
    server.state.hold = true;
    const { open, cluster, stat } = clusterOf(server.port);
    const request = new Get();
    open(request);
    await until(() => server.held.length === 1);
    cluster.update([]);
    answer(server.held[0] as http2.ServerHttp2Stream);
    expect(await request.done).toBe('200 ok');
    await until(() => stat('upstream_cx_active') === 0);
  });

  it('lets full connections finish when the host goes, and serves who waits', async () => {
    const server = await h2Server({ maxConcurrentStreams: 1 });
    server.state.hold = true;
    const { open, cluster, stat } = clusterOf(server.port, { maxConnections: 1 });
    const requests = gets(2);
    open(...requests);
    await until(() => server.held.length === 1);
    cluster.update([]);
    answer(server.held[0] as http2.ServerHttp2Stream);
    await until(() => server.held.length === 2);
    answer(server.held[1] as http2.ServerHttp2Stream);
    expect(await outcomes(requests)).toEqual(['200 ok', '200 ok']);
    await until(() => stat('upstream_cx_active') === 0);
  });

  it('gives up a connection on which PINGs are not answered', async () => {
    const listener = net.createServer((socket) => {
      socket.on('error', () => {});
      // SETTINGS, and then nothing any more.
      socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
      socket.resume();
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    cleanups.push(() => listener.close());
    const keepalive = { intervalMs: 20, timeoutMs: 20, intervalJitterPercent: 0, connectionIdleIntervalMs: 0 };
    const { open, all, stat } = clusterOf(
      (listener.address() as net.AddressInfo).port,
      {},
      { http2: { ...DEFAULT_HTTP2_OPTIONS, keepalive } },
    );
    const request = new Get();
    open(request);
    expect(await request.done).toBe('reset: connection termination');
    await until(() => stat('upstream_cx_active') === 0);
    expect(all('http2.keepalive_timeout', 'upstream_cx_protocol_error')).toEqual([1, 0]);
  });

  it('closes a connection that is idle for long enough, and none that is in use', async () => {
    const server = await h2Server();
    server.state.hold = true;
    const { open, all, stat } = clusterOf(server.port, {}, { idleTimeoutMs: 30 });
    const request = new Get();
    open(request);
    await until(() => server.held.length === 1);
    const begun = performance.now();
    await until(() => performance.now() - begun > 60);
    expect(stat('upstream_cx_active')).toBe(1);
    answer(server.held[0] as http2.ServerHttp2Stream);
    expect(await request.done).toBe('200 ok');
    await until(() => stat('upstream_cx_active') === 0);
    expect(all('upstream_cx_idle_timeout', 'upstream_cx_destroy_local')).toEqual([1, 1]);
  });

  it('looks for room for another connection whenever one of those that wait is served', async () => {
    const server = await h2Server({ maxConcurrentStreams: 1 });
    const { open, stat } = clusterOf(server.port, { maxConnections: 1 });
    const requests = gets(4);
    open(...requests);
    await outcomes(requests);
    expect(stat('upstream_cx_total')).toBe(1);
    // Envoy's count: each that finds no connection, then with each that is served while others wait.
    expect(stat('upstream_cx_overflow')).toBeGreaterThanOrEqual(2);
  });

  it('retires a connection that has lived for max_connection_duration', async () => {
    const server = await h2Server();
    server.state.hold = true;
    const { open, stat } = clusterOf(server.port, {}, { maxConnectionDurationMs: 20 });
    const [old, late] = [new Get(), new Get()];
    open(old);
    await until(() => stat('upstream_cx_max_duration_reached') === 1 && server.held.length === 1);
    open(late);
    await until(() => server.held.length === 2);
    expect(server.sessions).toHaveLength(2);
    for (const stream of server.held) answer(stream);
    expect(await outcomes([old, late])).toEqual(['200 ok', '200 ok']);
    await until(() => stat('upstream_cx_active') === 0);
  });

  it('does not wait for ever for SETTINGS that do not come', async () => {
    let sockets = 0;
    const listener = net.createServer((socket) => {
      sockets++;
      socket.on('error', () => {});
      socket.resume();
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    cleanups.push(() => listener.close());
    const { open, all, stat } = clusterOf((listener.address() as net.AddressInfo).port, {}, { connectTimeoutMs: 30 });
    open(...gets(3));
    await until(() => stat('upstream_rq_active') === 1);
    expect(all('upstream_rq_pending_active')).toEqual([2]);
    await until(() => stat('upstream_rq_active') === 3);
    expect(sockets).toBe(1);
  });
});
