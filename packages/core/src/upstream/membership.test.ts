import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Host, HostSets } from '../api/cluster.ts';
import type { Endpoint } from '../api/discovery.ts';
import { clusterRig, endpoint, Get, OK, server } from './fixture.ts';
import { HealthFlag } from './health-flags.ts';
import type { UpstreamHost } from './host.ts';
import type { ClusterSettings } from './settings.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function rig(settings: Partial<ClusterSettings> = {}) {
  const made = clusterRig({}, settings);
  cleanups.push(
    () => made.wheel.close(),
    () => made.cluster.close(),
  );
  const updates: HostSets[] = [];
  made.cluster.useBalancer({ update: (sets) => void updates.push(sets), pick: () => made.cluster.hosts[0] });
  updates.length = 0;
  const ports = () => made.cluster.hosts.map(({ port }) => port);
  const members = () => ['total', 'healthy', 'degraded', 'excluded'].map((name) => made.stat(`membership_${name}`));
  const host = (port: number) => made.cluster.hostOf(`127.0.0.1:${port}`) as UpstreamHost;
  return { ...made, updates, ports, members, host };
}

const endpoints = (...ports: number[]): Endpoint[] => ports.map((port) => endpoint(port));

describe('Membership.update', () => {
  it('counts a change for each priority whose members are others, as Envoy', () => {
    const { cluster, stat } = rig();
    cluster.update([endpoint(1), endpoint(2, { priority: 1 })]);
    expect(stat('membership_change')).toBe(2);
    cluster.update([endpoint(1), endpoint(2, { priority: 0 })]);
    expect(stat('membership_change')).toBe(4);
    cluster.update([endpoint(1), endpoint(2, { weight: 7 })]);
    expect(stat('membership_change')).toBe(4);
  });

  it('tells the policy of what kept hosts have become', () => {
    const { cluster, updates, host } = rig();
    cluster.update(endpoints(1, 2));
    const before = host(1);
    cluster.update([endpoint(1, { weight: 5 }), endpoint(2)]);
    expect(updates).toHaveLength(2);
    expect(updates[1]?.priorities[0]?.hosts[0]).toBe(before);
    expect(before.weight).toBe(5);
  });

  it('tells monitors of who joined and left, and who watches of every snapshot', () => {
    const { cluster } = rig();
    const onHosts = vi.fn();
    const watcher = vi.fn();
    cluster.update(endpoints(1));
    cluster.addMonitor({ start: async () => {}, close: () => {}, onHosts });
    const stop = cluster.watch(watcher);
    cluster.update(endpoints(2));
    cluster.update(endpoints(2));
    const told = onHosts.mock.calls.map((lists) => (lists as Host[][]).map((hosts) => hosts.map(({ port }) => port)));
    expect(told).toEqual([
      [[1], []],
      [[2], [1]],
    ]);
    expect(watcher).toHaveBeenCalledTimes(2);
    stop();
    cluster.update(endpoints(3));
    expect(watcher).toHaveBeenCalledTimes(2);
  });

  it('makes another host of an endpoint whose transport is another', () => {
    const transports = [{ close() {} }, { close() {} }] as never[];
    const transportMatches = [1, 2].map((kind) => ({ match: { kind }, transport: transports[kind - 1] }));
    const { cluster, host } = rig({ transportMatches });
    const of = (kind: number) => endpoint(1, { metadata: { 'envoy.transport_socket_match': { kind } } });
    cluster.update([of(1)]);
    const first = host(1);
    cluster.update([of(1)]);
    expect(host(1)).toBe(first);
    cluster.update([of(2)]);
    expect(host(1)).not.toBe(first);
    expect([first.removed, host(1).transport]).toEqual([true, transports[1]]);
  });

  it('a logical host keeps its connections and makes new ones to its new address', async () => {
    const [old, now] = [await server((_text, socket) => socket.write(OK)), await server((_t, s) => s.write(OK))];
    cleanups.push(old.close, now.close);
    const { cluster, stat } = rig();
    cluster.update([endpoint(old.port, { key: 'name' })]);
    const host = cluster.hostOf('name') as UpstreamHost;
    const ask = () => {
      const request = new Get();
      cluster.open(host, request);
      return request.done;
    };
    await ask();
    cluster.update([endpoint(now.port, { key: 'name' })]);
    expect([cluster.hostOf('name'), host.address]).toEqual([host, `127.0.0.1:${now.port}`]);
    expect(await ask()).toBe('200 ok');
    expect([old.sockets.length, now.sockets.length, stat('upstream_cx_destroy')]).toEqual([1, 0, 0]);
    await Promise.all([ask(), ask()]);
    expect([old.sockets.length, now.sockets.length]).toEqual([1, 1]);
  });

  it('serves who waits for a host that is replaced meanwhile', async () => {
    const { port, close } = await server((_text, socket) => socket.write(OK));
    cleanups.push(close);
    const { cluster, host, stat } = rig();
    cluster.update(endpoints(port));
    const requests = [new Get(), new Get()];
    for (const request of requests) cluster.open(host(port), request);
    cluster.update([]);
    expect(await Promise.all(requests.map(({ done }) => done))).toEqual(['200 ok', '200 ok']);
    while (stat('upstream_cx_active') !== 0) await new Promise(setImmediate);
  });

  it('close_connections_on_host_set_change ends the connections of those that stay as well', async () => {
    const { port, sockets, close } = await server((_text, socket) => socket.write(OK));
    cleanups.push(close);
    const { cluster, host, stat } = rig({ closeOnHostSetChange: true });
    cluster.update(endpoints(port));
    const ask = async () => {
      const request = new Get();
      cluster.open(host(port), request);
      return request.done;
    };
    await ask();
    cluster.update(endpoints(port));
    expect(stat('upstream_cx_destroy_local')).toBe(0);
    cluster.update(endpoints(port, 1));
    while (stat('upstream_cx_destroy_local') !== 1) await new Promise(setImmediate);
    expect(await ask()).toBe('200 ok');
    expect(sockets).toHaveLength(2);
  });
});

describe('Membership.setHealth', () => {
  it('gathers the changes of one turn, and the next choice knows of them', async () => {
    const { cluster, updates, host, members } = rig();
    cluster.update(endpoints(1, 2, 3));
    updates.length = 0;
    for (const port of [1, 2]) cluster.setHealth(host(port), HealthFlag.failedOutlierCheck, true);
    expect(updates).toHaveLength(0);
    cluster.pick({});
    expect(updates.map(({ priorities }) => priorities[0]?.healthy.map(({ port }) => port))).toEqual([[3]]);
    await Promise.resolve();
    expect(updates).toHaveLength(1);
    cluster.setHealth(host(1), HealthFlag.failedOutlierCheck, false);
    await Promise.resolve();
    expect([updates.length, members()]).toEqual([2, [3, 2, 0, 0]]);
  });

  it('says whether anything has changed', () => {
    const { cluster, host } = rig();
    cluster.update(endpoints(1));
    const set = (on: boolean) => cluster.setHealth(host(1), HealthFlag.failedActiveHc, on);
    expect([set(true), set(true), set(false), set(false)]).toEqual([true, false, true, false]);
  });

  it('leaves out of the reckoning who drains or is not checked yet', () => {
    const { cluster, host, members, updates } = rig();
    cluster.update([endpoint(1), endpoint(2, { healthStatus: 'DRAINING' }), endpoint(3, { healthStatus: 'DEGRADED' })]);
    cluster.setHealth(host(1), HealthFlag.pendingActiveHc | HealthFlag.failedActiveHc, true);
    cluster.pick({});
    expect(members()).toEqual([3, 0, 1, 2]);
    expect(updates.at(-1)?.priorities[0]?.excluded.map(({ port }) => port)).toEqual([1, 2]);
  });

  it('has the pooled connections of a host that was found wanting end', async () => {
    const { port, close } = await server((_text, socket) => socket.write(OK));
    cleanups.push(close);
    const { cluster, host, stat } = rig();
    cluster.update(endpoints(port));
    const ask = () => {
      const request = new Get();
      cluster.open(host(port), request);
      return request.done;
    };
    await ask();
    cluster.setHealth(host(port), HealthFlag.failedActiveHc, true);
    while (stat('upstream_cx_active') !== 0) await new Promise(setImmediate);
    // In a panic it is used all the same.
    expect([await ask(), await ask(), stat('upstream_cx_total')]).toEqual(['200 ok', '200 ok', 2]);
  });
});

describe('Membership with active checks', () => {
  const checked = { activeChecks: true } as const;

  it('new hosts are no good until they have passed', () => {
    const { cluster, host, members } = rig(checked);
    cluster.update([endpoint(1), endpoint(2, { healthCheck: { port: 0, ip: '', hostname: '', disabled: true } })]);
    expect(members()).toEqual([2, 1, 0, 0]);
    cluster.setHealth(host(1), HealthFlag.failedActiveHc, false);
    cluster.pick({});
    expect(members()).toEqual([2, 2, 0, 0]);
  });

  it('a healthy host that its source has removed stays until checks fail', () => {
    const { cluster, host, ports, stat } = rig(checked);
    cluster.update(endpoints(1, 2));
    const [first, second] = [host(1), host(2)];
    cluster.setHealth(first, HealthFlag.failedActiveHc, false);
    cluster.update([]);
    expect([ports(), second.removed]).toEqual([[1], true]);
    expect(first.healthFlags).toBe(HealthFlag.pendingDynamicRemoval);
    expect(stat('membership_healthy')).toBe(1);
    cluster.setHealth(first, HealthFlag.failedActiveHc, true);
    expect([ports(), first.removed]).toEqual([[], true]);
  });

  it('one that comes back is as it was', () => {
    const { cluster, host, ports } = rig(checked);
    cluster.update(endpoints(1));
    const first = host(1);
    cluster.setHealth(first, HealthFlag.failedActiveHc, false);
    cluster.update([]);
    cluster.update(endpoints(1));
    expect([host(1), first.healthFlags, ports()]).toEqual([first, 0, [1]]);
  });

  it('ignore_health_on_host_removal lets it go at once', () => {
    const { cluster, host, ports } = rig({ ...checked, ignoreHealthOnHostRemoval: true });
    cluster.update(endpoints(1));
    cluster.setHealth(host(1), HealthFlag.failedActiveHc, false);
    cluster.update([]);
    expect(ports()).toEqual([]);
  });
});
