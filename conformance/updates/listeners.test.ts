import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { filterChain, http as httpManager, listener, type MeshProxy } from '@mesh/core';
import { router } from '@mesh/filters-http';
import { afterEach, describe, expect, it } from 'vitest';
import { Client2, get1, listenerOf, NamedUpstream, startProxy, stat, versionHost } from './rig.ts';

const STATIC = { replaceStatic: true };
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function started(drainTimeMs?: number): Promise<{ proxy: MeshProxy; port: number; one: NamedUpstream }> {
  const one = await NamedUpstream.start('one');
  const proxy = await startProxy([one], drainTimeMs);
  cleanups.push(
    () => one.close(),
    () => proxy.close(),
  );
  return { proxy, port: proxy.address('l').port, one };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}

function keepAlive(): http.Agent {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  cleanups.push(() => agent.destroy());
  return agent;
}

/** The listener `l` with a chain for each loopback address; both speak HTTP. */
function twoChains(versions: Readonly<Record<string, number>>) {
  return listener({
    name: 'l',
    host: '127.0.0.1',
    filterChains: Object.entries(versions).map(([address, version]) =>
      filterChain({
        name: address,
        match: { sourcePrefixRanges: [{ addressPrefix: address, prefixLen: 32 }] as never },
        http: httpManager({
          statPrefix: `chain-${address}`,
          serverName: `v${version}`,
          virtualHosts: [versionHost(version)],
          filters: [router()],
        }),
      }),
    ),
  });
}

/** A kept connection from a loopback address of its own. */
function clientFrom(localAddress: string, port: number) {
  const agent = keepAlive();
  return (): Promise<{ server: string; connection: string; localPort: number }> =>
    new Promise((resolve, reject) => {
      const request = http.get({ host: '127.0.0.1', port, localAddress, agent }, (response) => {
        const { localPort = 0 } = response.socket;
        const { server = '', connection = '' } = response.headers as Record<string, string>;
        response.resume().on('end', () => resolve({ server, connection, localPort }));
      });
      request.on('error', reject);
    });
}

describe('proxy.listeners', () => {
  it('takes over the address of the listener it replaces, whose connections are asked to end', async () => {
    const { proxy, port } = await started();
    const agent = keepAlive();
    await get1(port, agent);
    const two = new Client2(port);
    cleanups.push(() => two.close());
    await two.get();
    expect(await proxy.listeners.set(listenerOf(1, { maxKb: 64 }), STATIC)).toBe('modified');
    expect(proxy.address('l').port).toBe(port);
    expect(proxy.listeners.list().map(({ state }) => state)).toEqual(['active', 'draining']);
    const last = await get1(port, agent);
    expect([last.headers.server, last.headers.connection]).toEqual(['listener-0', 'close']);
    expect((await get1(port, agent)).headers.server).toBe('listener-1');
    await two.get();
    expect(two.connections).toBe(2);
    await until(() => stat(proxy, 'listener_manager.total_listeners_draining') === 0);
    expect(counts(proxy)).toEqual({ added: 1, modified: 1, removed: 0, inPlace: 0, created: 2, failed: 0, active: 1 });
  });

  it('has no moment in which nobody listens', async () => {
    const { proxy, port } = await started();
    const dials: Promise<unknown>[] = [];
    const dial = () =>
      new Promise<void>((resolve, reject) => {
        const socket = net.connect(port, '127.0.0.1', () => {
          socket.destroy();
          resolve();
        });
        socket.on('error', reject);
      });
    for (let version = 1; version <= 20; version++) {
      for (let i = 0; i < 5; i++) dials.push(dial());
      await proxy.listeners.set(listenerOf(version, { maxKb: version }), STATIC);
    }
    await expect(Promise.all(dials)).resolves.toHaveLength(100);
  });

  it('keeps the connections of filter chains that stay the same', async () => {
    const { proxy } = await started();
    await proxy.listeners.set(twoChains({ '127.0.0.2': 1, '127.0.0.3': 1 }), STATIC);
    const { port } = proxy.address('l');
    const [stays, changes] = [clientFrom('127.0.0.2', port), clientFrom('127.0.0.3', port)];
    const [first, second] = [await stays(), await changes()];
    expect(await proxy.listeners.set(twoChains({ '127.0.0.2': 1, '127.0.0.3': 2 }))).toBe('modified');
    expect(stat(proxy, 'listener_manager.total_filter_chains_draining')).toBe(1);
    expect(await stays()).toEqual({ ...first, connection: '' });
    expect(await changes()).toEqual({ ...second, server: 'v1', connection: 'close' });
    expect(await changes()).toMatchObject({ server: 'v2', connection: '' });
    await until(() => stat(proxy, 'listener_manager.total_filter_chains_draining') === 0);
    expect(counts(proxy)).toMatchObject({ modified: 2, inPlace: 2 });
    expect(stat(proxy, 'http.chain-127.0.0.3.downstream_rq_total')).toBe(3);
  });

  it('cuts what is left at the end of the drain time', async () => {
    const { proxy, one } = await started(50);
    const type = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
    const tcp = { name: 'tcp', typed_config: { '@type': type, stat_prefix: 't', cluster: 'c' } };
    const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
    await proxy.listeners.set({ json: { name: 't', address, filter_chains: [{ filters: [tcp] }] } });
    const socket = net.connect(proxy.address('t').port, '127.0.0.1');
    const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    await until(async () => (await one.connections()) === 1);
    await proxy.listeners.remove('t');
    await ended;
    await until(() => proxy.listeners.list().length === 1);
  });

  it('stays as it is when an address cannot be bound', async () => {
    const { proxy, port } = await started();
    const other = net.createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => other.close());
    const taken = (other.address() as AddressInfo).port;
    const both = { ...listenerOf(1), additionalAddresses: [{ address: socketAddress(taken) }] };
    await expect(proxy.listeners.set(both as never, STATIC)).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
    expect((await get1(port)).headers.server).toBe('listener-0');
    expect(counts(proxy)).toMatchObject({ failed: 1, modified: 0, active: 1 });
    expect(stat(proxy, 'listener_manager.total_listeners_warming')).toBe(0);
  });

  it('refuses an address that another listener has, in Envoy’s words', async () => {
    const { proxy } = await started();
    const free = net.createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    await proxy.listeners.set({ ...listenerOf(1, { port }), name: 'a' });
    await expect(proxy.listeners.set({ ...listenerOf(2, { port }), name: 'b' })).rejects.toThrow(
      `error adding listener: 'b' has duplicate address '127.0.0.1:${port}' as existing listener`,
    );
  });

  it('tells every problem of a listener, and needs its name', async () => {
    const { proxy } = await started();
    const wrong = { address: { socket_address: { address: 'here', port_value: 1 } }, drain_type: 'NEVER' };
    await expect(proxy.listeners.set({ json: wrong })).rejects.toMatchObject({
      issues: [{ path: 'listeners[0].drain_type' }, { path: 'listeners[0].address.socket_address.address' }, {}],
    });
    await expect(proxy.listeners.set({ ...listenerOf(1), name: '' })).rejects.toThrow('needs a name');
    const nowhere = { ...listenerOf(1), name: 'x' };
    expect(await proxy.clusters.remove('c', STATIC)).toBe(true);
    await expect(proxy.listeners.set(nowhere)).rejects.toThrow("route: unknown cluster 'c'");
  });

  it('moves to another address, and lets go of the one before', async () => {
    const { proxy, port } = await started();
    const free = net.createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port: wanted } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    await proxy.listeners.set(listenerOf(1, { port: wanted }), STATIC);
    expect((await get1(wanted)).headers.server).toBe('listener-1');
    await expect(get1(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

function socketAddress(port: number) {
  return { socketAddress: { protocol: 'TCP', address: '127.0.0.1', portValue: port, ipv4Compat: false } };
}

function counts(proxy: MeshProxy) {
  const of = (name: string) => stat(proxy, `listener_manager.${name}`);
  return {
    added: of('listener_added'),
    modified: of('listener_modified'),
    removed: of('listener_removed'),
    inPlace: of('listener_in_place_updated'),
    created: of('listener_create_success'),
    failed: of('listener_create_failure'),
    active: of('total_listeners_active'),
  };
}
