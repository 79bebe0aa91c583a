/** Connections ahead of demand; the expected numbers are those of Envoy 1.40 with the same settings. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Host } from '../api/cluster.ts';
import { clusterRig, endpoint, Get, OK, server } from './fixture.ts';
import { HealthFlag } from './health-flags.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise(setImmediate);
};

async function rig(perUpstream: number, predictive: number, thresholds = {}) {
  const release: (() => void)[] = [];
  const upstream = () =>
    server((text, socket) => {
      if (text.startsWith('GET /held')) release.push(() => socket.write(OK));
      else socket.write(OK);
    });
  const servers = [await upstream(), await upstream()];
  const made = clusterRig(thresholds, { preconnect: { perUpstream, predictive } });
  cleanups.push(
    () => made.wheel.close(),
    () => made.cluster.close(),
    ...servers.map(({ close }) => close),
  );
  made.cluster.update(servers.map(({ port }) => endpoint(port)));
  const send = (path = '/') => {
    const request = new Get(path);
    made.cluster.open(made.cluster.pick({}) as Host, request);
    return request;
  };
  const connections = () => made.cluster.hosts.map(({ stats }) => stats.cxActive);
  return { ...made, send, connections, release };
}

describe('per_upstream_preconnect_ratio', () => {
  it('keeps one connection ahead of single requests', async () => {
    const { send, connections, stat } = await rig(1.5, 1);
    for (const expected of [2, 4, 4, 4, 4]) {
      expect(await send().done).toBe('200 ok');
      await until(() => stat('upstream_cx_active') === stat('upstream_cx_total'));
      expect(stat('upstream_cx_total')).toBe(expected);
    }
    expect(connections()).toEqual([2, 2]);
  });

  it('grows with the requests under way', async () => {
    const { send, connections, release } = await rig(1.5, 1);
    const requests = Array.from({ length: 6 }, () => send('/held'));
    await until(() => release.length === 6);
    expect(connections()).toEqual([5, 5]);
    for (const each of release) each();
    await Promise.all(requests.map(({ done }) => done));
  });

  it('heeds the limit of connections, and leaves hosts in doubt alone', async () => {
    const limited = await rig(3, 1, { maxConnections: 2 });
    expect(await limited.send().done).toBe('200 ok');
    expect(limited.connections()).toEqual([2, 0]);
    const doubtful = await rig(3, 1);
    for (const host of doubtful.cluster.hosts) doubtful.cluster.setHealth(host, HealthFlag.degradedEdsHealth, true);
    expect(await doubtful.send().done).toBe('200 ok');
    expect(doubtful.connections()).toEqual([1, 0]);
  });
});

describe('predictive_preconnect_ratio', () => {
  it('connects to the hosts that come next', async () => {
    const { cluster, send, connections, stat } = await rig(1, 2);
    let picks = 0;
    let peeks = 0;
    cluster.useBalancer({
      update: () => {},
      pick: () => {
        peeks = 0;
        return cluster.hosts[picks++ % 2];
      },
      peek: () => cluster.hosts[(picks + peeks++) % 2],
    });
    expect(await send().done).toBe('200 ok');
    await until(() => stat('upstream_cx_active') === 2);
    expect(connections()).toEqual([1, 1]);
    expect(await send().done).toBe('200 ok');
    expect(await send().done).toBe('200 ok');
    expect(stat('upstream_cx_total')).toBe(2);
  });
});
