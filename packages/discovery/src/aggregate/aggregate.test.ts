/** Live proxies with clusters of clusters. What is counted where was compared with Envoy 1.40. */
import { type ClusterOptions, cluster, route } from '@mesh/core';
import { neverAnswer, startUpstream } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { ask, closeAfterEach, proxyFor, staticCluster, upstream } from '../fixture.ts';
import { aggregate } from './index.ts';

closeAfterEach();

const all = (clusters: string[], options: ClusterOptions = {}) =>
  cluster('all', { clusterType: aggregate({ clusters }), ...options });
const routes = [route('/', 'all')];
const extensions = [aggregate];

/** Draws that are spread evenly, so that shares are exact. */
function even(): () => number {
  let draws = 0;
  return () => (draws++ % 100) / 100;
}

describe('aggregate', () => {
  it('prefers the first cluster that there is; connections count there, answers on the aggregate', async () => {
    const [a, b] = [await upstream('a'), await upstream('b')];
    const clusters = [all(['missing', 'near', 'far']), staticCluster('near', [a]), staticCluster('far', [b])];
    const proxy = await proxyFor({ routes, clusters, extensions });
    for (let i = 0; i < 3; i++) expect(await ask(proxy)).toBe('200 a');
    const counted = (name: string) =>
      ['upstream_rq_total', 'upstream_cx_total', 'membership_total'].map((stat) =>
        proxy.stats(`cluster.${name}.${stat}`),
      );
    expect(proxy.stats('cluster.all.upstream_rq_200')).toBe(3);
    expect(proxy.stats('cluster.near.upstream_rq_200')).toBe(0);
    expect(counted('near')).toEqual([3, 1, 1]);
    expect(counted('all')).toEqual([0, 0, 0]);
    expect(proxy.stats('cluster.far.upstream_rq_total')).toBe(0);
  });

  it('spills over by the share of hosts that are well', async () => {
    const [a, b] = [await upstream('a'), await upstream('b')];
    const near = staticCluster('near', [a, { port: 1, health: 'UNHEALTHY' }]);
    const clusters = [all(['near', 'far']), near, staticCluster('far', [b])];
    const proxy = await proxyFor({ routes, clusters, extensions, random: even() });
    const before = proxy.stats('cluster.near.upstream_rq_total');
    for (let i = 0; i < 100; i++) await ask(proxy);
    const took = proxy.stats('cluster.near.upstream_rq_total') - before;
    // Ids of requests take draws too.
    expect(took).toBeGreaterThan(55);
    expect(took).toBeLessThan(85);
    expect(proxy.stats('cluster.far.upstream_rq_total')).toBe(100 - took);
  });

  it('goes on to the next one when all hosts of a cluster are gone', async () => {
    const [a, b] = [await upstream('a'), await upstream('b')];
    const near = staticCluster('near', [{ ...a, port: a.port, health: 'UNHEALTHY' }]);
    const clusters = [all(['near', 'far']), near, staticCluster('far', [b])];
    const proxy = await proxyFor({ routes, clusters, extensions });
    expect(await ask(proxy)).toBe('200 b');
  });

  it('without any host is answered 503', async () => {
    const proxy = await proxyFor({ routes, clusters: [all(['near'])], extensions });
    expect(await ask(proxy)).toBe('503 no healthy upstream');
    expect(proxy.stats('cluster.all.upstream_cx_none_healthy')).toBe(1);
  });

  it('follows clusters that come, are replaced and go', async () => {
    const [a, b, c] = [await upstream('a'), await upstream('b'), await upstream('c')];
    const clusters = [all(['near', 'far']), staticCluster('far', [b])];
    const proxy = await proxyFor({ routes, clusters, extensions });
    expect(await ask(proxy)).toBe('200 b');
    await proxy.proxy.clusters.set(staticCluster('near', [a]));
    expect(await ask(proxy)).toBe('200 a');
    await proxy.proxy.clusters.set(staticCluster('near', [c]));
    expect(await ask(proxy)).toBe('200 c');
    await proxy.proxy.clusters.remove('near');
    expect(await ask(proxy)).toBe('200 b');
  });

  it('holds to the limits of the cluster that was chosen', async () => {
    const slow = await startUpstream(neverAnswer());
    const limits = { thresholds: [{ maxRequests: 1 }] };
    const near = staticCluster('near', [slow], { circuitBreakers: limits as never });
    const proxy = await proxyFor({ routes, clusters: [all(['near']), near], extensions });
    const first = ask(proxy).catch(() => 'cut');
    await slow.untilHeads(1);
    expect(await ask(proxy)).toMatch(/^503 .*overflow$/);
    expect(proxy.stats('cluster.near.upstream_rq_active_overflow')).toBe(1);
    await proxy.close();
    await slow.close();
    await first;
  });

  it('retries on its own account, wherever the load goes', async () => {
    const failing = await startUpstream({ status: 500, body: 'no' });
    const retrying = [route('/', 'all', { route: { retryPolicy: { retryOn: '5xx', numRetries: 1 } } })];
    const clusters = [all(['near']), staticCluster('near', [failing])];
    const proxy = await proxyFor({ routes: retrying, clusters, extensions });
    expect(await ask(proxy)).toBe('500 no');
    expect(proxy.stats('cluster.all.upstream_rq_retry')).toBe(1);
    expect(proxy.stats('cluster.near.upstream_rq_retry')).toBe(0);
    expect(proxy.stats('cluster.near.upstream_rq_total')).toBe(2);
    await failing.close();
  });
});

describe('aggregate config', () => {
  it.each([
    [all(['all']), 'cluster all: an aggregate cluster cannot be made of itself'],
    [
      all(['near'], { lbPolicy: 'ROUND_ROBIN' }),
      "cluster manager: cluster provided LB not specified but cluster 'all' provided one. Check cluster documentation.",
    ],
    [
      cluster('all', { endpoints: [], lbPolicy: 'CLUSTER_PROVIDED' }),
      "cluster manager: cluster provided LB specified but cluster 'all' did not provide one. Check cluster documentation.",
    ],
  ])('%# is refused', async (config, message) => {
    await expect(proxyFor({ routes, clusters: [config], extensions })).rejects.toThrow(message);
  });

  it('needs a cluster', () => {
    expect(() => aggregate({ clusters: [] })).toThrow('needs at least 1 item');
  });
});

describe('aggregate retries', () => {
  it('leave out the priorities that were tried (retry_priority)', async () => {
    const near = await startUpstream({ status: 500, body: 'no' });
    const b = await upstream('b');
    const retryPriority = { name: 'envoy.retry_priorities.previous_priorities', config: { updateFrequency: 1 } };
    const retryPolicy = { retryOn: '5xx', numRetries: 1, retryPriority };
    const clusters = [all(['near', 'far']), staticCluster('near', [near]), staticCluster('far', [b])];
    const retrying = [route('/', 'all', { route: { retryPolicy } as never })];
    const proxy = await proxyFor({ routes: retrying, clusters, extensions });
    for (let i = 0; i < 3; i++) expect(await ask(proxy)).toBe('200 b');
    expect(proxy.stats('cluster.near.upstream_rq_total')).toBe(3);
    await near.close();
  });
});
