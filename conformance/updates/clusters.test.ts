import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { cluster, type MeshProxy } from '@mesh/core';
import { afterEach, describe, expect, it } from 'vitest';
import { clusterAt, get1, NamedUpstream, startProxy, stat, versionHost } from './rig.ts';

const STATIC = { replaceStatic: true };
/** Per round; `MESH_UPDATES=1000` for a long run. */
const REPLACED = Number(process.env.MESH_UPDATES ?? 100);
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function upstream(name: string): Promise<NamedUpstream> {
  const made = await NamedUpstream.start(name);
  cleanups.push(() => made.close());
  return made;
}

async function proxyAt(upstreams: readonly NamedUpstream[], drainTimeMs?: number): Promise<MeshProxy> {
  const proxy = await startProxy(upstreams, drainTimeMs);
  cleanups.push(() => proxy.close());
  return proxy;
}

/** Resolves when `true`; fails with the test's own timeout. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}

describe('proxy.clusters', () => {
  it('sends the next request to the new cluster, and finishes those under way on the old one', async () => {
    const [one, two] = [await upstream('one'), await upstream('two')];
    const proxy = await proxyAt([one]);
    const { port } = proxy.address('l');
    let release = () => {};
    one.held = new Promise((resolve) => {
      release = resolve;
    });
    const early = get1(port);
    await until(() => one.requests === 1);
    expect(await proxy.clusters.set(clusterAt([two]), STATIC)).toBe('modified');
    expect((await get1(port)).body).toBe('two');
    release();
    expect((await early).body).toBe('one');
    await until(async () => (await one.connections()) === 0);
    expect([stat(proxy, 'cluster.c.upstream_rq_total'), stat(proxy, 'cluster.c.membership_total')]).toEqual([2, 1]);
  });

  it('does nothing for a config that is in force', async () => {
    const one = await upstream('one');
    const proxy = await proxyAt([one]);
    expect(await proxy.clusters.set(clusterAt([one]))).toBe('unchanged');
    expect(await proxy.clusters.set({ json: jsonCluster('j', one) })).toBe('added');
    expect(await proxy.clusters.set({ json: jsonCluster('j', one) })).toBe('unchanged');
    expect([stat(proxy, 'cluster_manager.cluster_modified'), stat(proxy, 'cluster_manager.cluster_added')]).toEqual([
      0, 2,
    ]);
  });

  it('leaves static clusters alone unless it is told otherwise', async () => {
    const one = await upstream('one');
    const proxy = await proxyAt([one]);
    const refused = { code: 'STATIC_RESOURCE', message: "cluster 'c' is part of the static config" };
    await expect(proxy.clusters.set(clusterAt([one], 1))).rejects.toMatchObject(refused);
    await expect(proxy.clusters.remove('c')).rejects.toMatchObject(refused);
    expect(await proxy.clusters.remove('c', STATIC)).toBe(true);
  });

  it('answers 503 once a cluster is gone, and lets go of its connections', async () => {
    const one = await upstream('one');
    const proxy = await proxyAt([one]);
    const { port } = proxy.address('l');
    await get1(port);
    expect(await proxy.clusters.remove('c', STATIC)).toBe(true);
    expect(await proxy.clusters.remove('c')).toBe(false);
    expect(await get1(port)).toMatchObject({ status: 503 });
    await until(async () => (await one.connections()) === 0);
    expect([stat(proxy, 'cluster_manager.active_clusters'), stat(proxy, 'cluster_manager.cluster_removed')]).toEqual([
      0, 1,
    ]);
  });

  it('refuses several clusters for the problems of one, all told at once', async () => {
    const one = await upstream('one');
    const proxy = await proxyAt([one]);
    const bad = { json: { name: 'bad', connect_timeout: 'soon', lb_policy: 'BEST' } };
    const updating = proxy.clusters.update({ set: [{ json: jsonCluster('good', one) }, bad] });
    await expect(updating).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      issues: [{ path: 'clusters[1].connect_timeout' }, { path: 'clusters[1].lb_policy' }],
    });
    expect(proxy.clusters.list().map(({ name }) => name)).toEqual(['c']);
  });

  it('changes several clusters together', async () => {
    const [one, two] = [await upstream('one'), await upstream('two')];
    const proxy = await proxyAt([one]);
    const set = [clusterAt([one], 0, 'a'), clusterAt([two], 0, 'b')];
    expect(await proxy.clusters.update({ set }, { version: '1' })).toEqual(['added', 'added']);
    await proxy.routes.set('table', { virtualHosts: [versionHost(1, 'b')] });
    expect((await get1(proxy.address('l').port)).body).toBe('two');
    const changes = { set: [clusterAt([one], 1, 'a')], remove: ['b', 'nobody'] };
    expect(await proxy.clusters.update(changes, { version: '2' })).toEqual(['modified']);
    expect(proxy.clusters.list().map(({ name, version, addedViaApi }) => [name, version, addedViaApi])).toEqual([
      ['c', '', false],
      ['a', '2', true],
    ]);
  });

  it('warms beside the cluster in force until the first health checks are through', async () => {
    const [one, two] = [await upstream('one'), await upstream('two')];
    const proxy = await proxyAt([one]);
    const { port } = proxy.address('l');
    let release = () => {};
    two.held = new Promise((resolve) => {
      release = resolve;
    });
    const checked = cluster('c', {
      endpoints: [two.address],
      healthChecks: [
        {
          timeoutMs: 5000,
          intervalMs: 1000,
          unhealthyThreshold: 1,
          healthyThreshold: 1,
          httpHealthCheck: { path: '/' },
        },
      ] as never,
    });
    const setting = proxy.clusters.set(checked, STATIC);
    await until(() => two.requests === 1);
    expect(proxy.clusters.list().map(({ state }) => state)).toEqual(['active', 'warming']);
    expect(stat(proxy, 'cluster_manager.warming_clusters')).toBe(1);
    expect((await get1(port)).body).toBe('one');
    const superseding = proxy.clusters.set(clusterAt([one], 1), STATIC);
    expect(await setting).toBe('superseded');
    expect(await superseding).toBe('modified');
    const again = proxy.clusters.set(checked, STATIC);
    await until(() => two.requests === 2);
    release();
    expect(await again).toBe('modified');
    expect((await get1(port)).body).toBe('two');
    expect(stat(proxy, 'cluster_manager.warming_clusters')).toBe(0);
  });

  it('takes no updates before the start and after the end', async () => {
    const one = await upstream('one');
    const proxy = await proxyAt([one]);
    await proxy.close();
    await expect(proxy.clusters.set(clusterAt([one], 1))).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(proxy.listeners.remove('l')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it(`holds nothing of ${2 * REPLACED} clusters that have been replaced`, { timeout: 60_000 }, async () => {
    const one = await upstream('one');
    const proxy = await proxyAt([one]);
    const { port } = proxy.address('l');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    cleanups.push(() => agent.destroy());
    const metrics = () => proxy.stats.counters().length + proxy.stats.gauges().length + proxy.stats.histograms().length;
    const round = async (from: number) => {
      for (let step = from; step < from + REPLACED; step++) {
        await proxy.clusters.set(clusterAt([one], step), STATIC);
        if (step % 10 === 0) expect((await get1(port, agent)).status).toBe(200);
      }
      await get1(port, agent);
      await until(async () => (await one.connections()) === 1);
      // The last of them is looked at four times before it is let go.
      await sleep(1300);
      collect();
    };
    await round(1);
    const before = { metrics: metrics(), timers: timers(), heap: process.memoryUsage().heapUsed };
    await round(1 + REPLACED);
    const after = { metrics: metrics(), timers: timers(), heap: process.memoryUsage().heapUsed };
    expect([after.metrics, after.timers]).toEqual([before.metrics, before.timers]);
    expect((after.heap - before.heap) / REPLACED).toBeLessThan(4000);
  });
});

/** Bytes of garbage say nothing. */
const collect = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

function jsonCluster(name: string, { port }: NamedUpstream) {
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  return {
    name,
    connect_timeout: '1s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
}
