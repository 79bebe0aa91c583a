import { type ConnectionInfo, defineNetworkFilter, type NetworkConnection, ResponseFlag } from '@mesh/core';
import { type RawClient, rawClient, refusedPort, startProxy, turn, VirtualClock } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type RawServer, rawServer, tcpProxyTo } from './fixture.ts';
import { tcpProxy } from './index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Args = Parameters<typeof tcpProxyTo>;

async function proxyTo(upstream: Args[0], config?: Args[1], options?: Args[2]) {
  const proxy = await tcpProxyTo(upstream, config, options);
  cleanups.push(() => proxy.close());
  return proxy;
}

async function server(): Promise<RawServer> {
  const made = await rawServer();
  cleanups.push(() => made.close());
  return made;
}

async function connect(proxy: { readonly port: number }): Promise<RawClient> {
  const client = await rawClient(proxy.port);
  cleanups.push(() => client.socket.destroy());
  return client;
}

/** A client and the upstream's end of its connection. */
async function pair(config?: Args[1], options?: Args[2]) {
  const upstream = await server();
  const proxy = await proxyTo(upstream, config, options);
  const client = await connect(proxy);
  const host = await upstream.connection();
  return { upstream, proxy, client, host };
}

/** Resolves when the other side has ended or reset the connection. */
async function ended(...clients: readonly RawClient[]): Promise<void> {
  for (const client of clients) await client.readToEnd().catch(() => {});
}

/** Resolves when a value has not moved for many turns of the event loop. */
async function standstill(value: () => number): Promise<void> {
  for (let before = -1; before !== value(); ) {
    before = value();
    for (let i = 0; i < 200; i++) await turn();
  }
}

describe('tcp_proxy', () => {
  it('passes bytes on, both ways', async () => {
    const { client, host, proxy } = await pair();
    await client.send('ping');
    expect((await host.read(4)).toString()).toBe('ping');
    await host.send(Buffer.of(0, 255, 10));
    expect([...(await client.read(3))]).toEqual([0, 255, 10]);
    expect(proxy.stats('tcp.t.downstream_cx_total')).toBe(1);
    expect(proxy.stats('tcp.t.downstream_cx_rx_bytes_total')).toBe(4);
    expect(proxy.stats('tcp.t.downstream_cx_tx_bytes_total')).toBe(3);
    expect(proxy.stats('cluster.upstream.upstream_cx_active')).toBe(1);
  });

  it('lets a host speak first', async () => {
    const { client, host } = await pair();
    await host.send('220 ready\r\n');
    expect(await client.readUntil('\r\n')).toBe('220 ready\r\n');
  });

  it('keeps what the client sends before the upstream is there', async () => {
    const upstream = await server();
    const client = await connect(await proxyTo(upstream));
    await client.send('early');
    expect((await (await upstream.connection()).read(5)).toString()).toBe('early');
  });
});

describe('ends', () => {
  it('a client that ends first still gets the answer', async () => {
    const { client, host, proxy } = await pair();
    void client.send('question');
    client.end();
    expect((await host.readToEnd()).toString()).toBe('question');
    void host.send('answer');
    host.end();
    expect((await client.readToEnd()).toString()).toBe('answer');
    expect([(await client.closed).error, (await host.closed).error]).toEqual([undefined, undefined]);
    await proxy.untilStat('cluster.upstream.upstream_cx_active', 0);
  });

  it('a host that ends first still gets the rest', async () => {
    const { client, host } = await pair();
    void host.send('greeting');
    host.end();
    expect((await client.readToEnd()).toString()).toBe('greeting');
    await client.send('rest');
    client.end();
    expect((await host.readToEnd()).toString()).toBe('rest');
    expect([(await client.closed).error, (await host.closed).error]).toEqual([undefined, undefined]);
  });

  it('both may end at once', async () => {
    const { client, host } = await pair();
    client.socket.end('a');
    host.socket.end('b');
    expect((await client.readToEnd()).toString()).toBe('b');
    expect((await host.readToEnd()).toString()).toBe('a');
    expect([(await client.closed).error, (await host.closed).error]).toEqual([undefined, undefined]);
  });

  it('an end with a large backlog waits for it', async () => {
    const { client, host } = await pair();
    const bytes = Buffer.alloc(5_000_000, 'mesh');
    host.socket.end(bytes);
    expect((await client.readToEnd()).equals(bytes)).toBe(true);
  });

  it("a client's reset resets the upstream", async () => {
    const { client, host } = await pair();
    await client.send('x');
    await host.read(1);
    client.reset();
    expect((await host.closed).error?.code).toBe('ECONNRESET');
  });

  it("a host's reset resets the client", async () => {
    const { client, host } = await pair();
    await client.send('x');
    await host.read(1);
    host.reset();
    expect((await client.closed).error?.code).toBe('ECONNRESET');
  });

  it('what a client sent before it went away is flushed to the upstream', async () => {
    const { client, host, proxy } = await pair();
    host.pause();
    let sent = 0;
    const chunk = Buffer.alloc(65_536, 'x');
    const sending = (async () => {
      for (; sent < 128 * chunk.length; sent += chunk.length) await client.send(chunk);
    })().catch(() => {});
    await standstill(() => sent);
    // Both directions are over: the proxy's end of the client closes while the upstream's has bytes left.
    host.end();
    await client.readToEnd();
    host.resume();
    await sending;
    client.end();
    const all = await host.readToEnd();
    expect(all.length).toBe(128 * chunk.length);
    await proxy.untilStat('cluster.upstream.upstream_cx_active', 0);
    expect(proxy.stats('tcp.t.upstream_flush_active')).toBe(0);
  });
});

describe('backpressure', () => {
  it.each(['client', 'host'] as const)('a slow %s stops the other side', async (slow) => {
    const { client, host, proxy } = await pair();
    const [reader, writer] = slow === 'client' ? [client, host] : [host, client];
    reader.pause();
    const chunk = Buffer.alloc(65_536, 'x');
    const total = 512 * chunk.length;
    let sent = 0;
    const sending = (async () => {
      for (; sent < total; sent += chunk.length) await writer.send(chunk);
    })();
    await standstill(() => sent);
    expect(sent).toBeLessThan(total);
    reader.resume();
    await reader.read(total);
    await sending;
    const paused =
      slow === 'client'
        ? 'cluster.upstream.upstream_flow_control_paused_reading_total'
        : 'tcp.t.downstream_flow_control_paused_reading_total';
    expect(proxy.stats(paused)).toBeGreaterThan(0);
    expect(proxy.stats(paused)).toBe(proxy.stats(paused.replace('paused', 'resumed')));
    expect(proxy.stats('tcp.t.downstream_cx_tx_bytes_buffered')).toBe(0);
  });
});

describe('no upstream', () => {
  it('without the cluster the client is closed', async () => {
    const proxy = await proxyTo(undefined, { cluster: 'nobody' });
    await ended(await connect(proxy));
    expect(proxy.stats('tcp.t.downstream_cx_no_route')).toBe(1);
  });

  it('without a host the client is closed', async () => {
    const proxy = await proxyTo([]);
    await ended(await connect(proxy));
    expect(proxy.stats('cluster.upstream.upstream_cx_none_healthy')).toBe(1);
  });

  it('as many attempts as are allowed', async () => {
    const proxy = await proxyTo(await refusedPort(), { maxConnectAttempts: 3 });
    await ended(await connect(proxy));
    expect(proxy.stats('cluster.upstream.upstream_cx_connect_fail')).toBe(3);
    expect(proxy.stats('cluster.upstream.upstream_cx_total')).toBe(3);
    expect(proxy.stats('cluster.upstream.upstream_cx_connect_attempts_exceeded')).toBe(1);
    expect(proxy.stats('cluster.upstream.upstream_cx_destroy_remote')).toBe(3);
    expect(proxy.stats('cluster.upstream.upstream_rq_pending_failure_eject')).toBe(3);
    expect(proxy.stats('cluster.upstream.upstream_rq_pending_active')).toBe(0);
  });

  it('attempts pause in between when told to', async () => {
    const clock = new VirtualClock();
    const config = { maxConnectAttempts: 2, backoffOptions: { baseInterval: '1s' } };
    const proxy = await proxyTo(await refusedPort(), config, { clock, random: () => 0.5 });
    const client = await connect(proxy);
    await proxy.untilStat('cluster.upstream.upstream_cx_connect_fail', 1);
    for (let i = 0; i < 20; i++) await turn();
    expect(proxy.stats('cluster.upstream.upstream_cx_total')).toBe(1);
    clock.advance(510);
    await ended(client);
    expect(proxy.stats('cluster.upstream.upstream_cx_connect_fail')).toBe(2);
  });

  const threshold = (limits: object) => ({ cluster: { circuitBreakers: { thresholds: [limits] } } }) as never;

  it('the limit of connections', async () => {
    const upstream = await server();
    const proxy = await proxyTo(upstream, { maxConnectAttempts: 5 }, threshold({ maxConnections: 1 }));
    const first = await connect(proxy);
    await upstream.connection();
    await ended(await connect(proxy));
    expect(proxy.stats('cluster.upstream.upstream_cx_overflow')).toBe(1);
    expect(proxy.stats('cluster.upstream.upstream_cx_total')).toBe(1);
    await first.send('still there');
    await (await upstream.connection()).read(11);
  });

  it('the limit of connections on their way', async () => {
    const proxy = await proxyTo(await server(), {}, threshold({ maxPendingRequests: 0 }));
    await ended(await connect(proxy));
    expect(proxy.stats('cluster.upstream.upstream_rq_pending_overflow')).toBe(1);
    expect(proxy.stats('cluster.upstream.upstream_cx_connect_attempts_exceeded')).toBe(1);
  });
});

describe('choice of the cluster', () => {
  it('weighted clusters are drawn by weight', async () => {
    const weightedClusters = {
      clusters: [
        { name: 'upstream', weight: 3 },
        { name: 'nobody', weight: 1 },
      ],
    };
    let drawn = 0;
    const upstream = await server();
    const proxy = await proxyTo(upstream, { weightedClusters }, { random: () => drawn });
    await connect(proxy);
    await upstream.connection(0);
    drawn = 0.74;
    await connect(proxy);
    await upstream.connection(1);
    drawn = 0.76;
    await ended(await connect(proxy));
    expect(proxy.stats('tcp.t.downstream_cx_no_route')).toBe(1);
  });
});

describe('limits of time', () => {
  it('the idle timeout counts from the last byte', async () => {
    const clock = new VirtualClock();
    const { client, host, proxy } = await pair({ idleTimeout: '10s' }, { clock });
    await client.send('x');
    await host.read(1);
    clock.advance(9_000);
    await host.send('y');
    await client.read(1);
    clock.advance(9_000);
    for (let i = 0; i < 20; i++) await turn();
    expect(proxy.stats('tcp.t.idle_timeout')).toBe(0);
    clock.advance(1_100);
    await ended(client, host);
    expect(proxy.stats('tcp.t.idle_timeout')).toBe(1);
  });

  it('max_downstream_connection_duration with its jitter', async () => {
    const clock = new VirtualClock();
    const config = {
      maxDownstreamConnectionDuration: '10s',
      maxDownstreamConnectionDurationJitterPercentage: { value: 50 },
    };
    const { client, host, proxy } = await pair(config, { clock, random: () => 0.5 });
    await client.send('x');
    await host.read(1);
    clock.advance(12_400);
    for (let i = 0; i < 20; i++) await turn();
    expect(proxy.stats('tcp.t.max_downstream_connection_duration')).toBe(0);
    clock.advance(200);
    await ended(client, host);
    expect(proxy.stats('tcp.t.max_downstream_connection_duration')).toBe(1);
  });
});

describe('closing the proxy', () => {
  it('ends both sides', async () => {
    const { client, host, proxy } = await pair();
    await proxy.close();
    await ended(client, host);
  });
});

describe('the YAML door', () => {
  const typeUrl = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
  const v2Type = 'type.googleapis.com/envoy.config.filter.network.tcp_proxy.v2.TcpProxy';
  const fields = { stat_prefix: 't', cluster: 'upstream' };

  it.each([
    ['v3', { name: 'envoy.filters.network.tcp_proxy', typed_config: { '@type': typeUrl, ...fields } }],
    ['v2', { name: 'envoy.tcp_proxy', config: fields }],
    ['v2 with a type', { name: 'envoy.tcp_proxy', typed_config: { '@type': v2Type, ...fields } }],
  ])('%s', async (_title, filter) => {
    const upstream = await server();
    const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
    const lb_endpoints = [{ endpoint: { address: address(upstream.port) } }];
    const load_assignment = { cluster_name: 'upstream', endpoints: [{ lb_endpoints }] };
    const listeners = [{ name: 'l', address: address(0), filter_chains: [{ filters: [filter] }] }];
    const config = { static_resources: { listeners, clusters: [{ name: 'upstream', load_assignment }] } };
    const proxy = await startProxy({ config, extensions: [tcpProxy] });
    cleanups.push(() => proxy.close());
    const client = await connect(proxy);
    await client.send('yaml');
    expect((await (await upstream.connection()).read(4)).toString()).toBe('yaml');
  });
});

describe('facts for logs', () => {
  it('are gathered on the connection', async () => {
    let info: ConnectionInfo | undefined;
    const onConnection = (connection: NetworkConnection) => void (info = connection.info);
    const spy = defineNetworkFilter({ name: 'spy', config: z.object({}), create: () => ({ onConnection }) });
    const { client, host, upstream, proxy } = await pair({}, { networkFilters: [spy()] });
    await client.send('abc');
    await host.read(3);
    await host.send('defg');
    await client.read(4);
    client.end();
    host.end();
    await proxy.untilStat('cluster.upstream.upstream_cx_active', 0);
    await Promise.all([client.closed, host.closed]);
    const expected = { flags: 0, bytesReceived: 3, bytesSent: 4, attempts: 1, upstreamCluster: 'upstream' };
    expect(info).toMatchObject({ ...expected, upstreamBytesSent: 3, upstreamBytesReceived: 4, localCloseReason: '' });
    expect(info?.upstreamHost?.address).toBe(`127.0.0.1:${upstream.port}`);
    expect(info?.upstreamLocalAddress).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it.each<[string, number, string, object]>([
    ['NC', ResponseFlag.NC, 'tcp_initializion_failure:3', { cluster: 'nobody' }],
    ['UF,URX', ResponseFlag.UF | ResponseFlag.URX, 'tcp_initializion_failure:0', {}],
  ])('%s', async (_title, flags, localCloseReason, config) => {
    let info: ConnectionInfo | undefined;
    const onConnection = (connection: NetworkConnection) => void (info = connection.info);
    const spy = defineNetworkFilter({ name: 'spy', config: z.object({}), create: () => ({ onConnection }) });
    const proxy = await proxyTo(await refusedPort(), config, { networkFilters: [spy()] });
    await ended(await connect(proxy));
    expect(info).toMatchObject({ flags, localCloseReason });
  });
});
