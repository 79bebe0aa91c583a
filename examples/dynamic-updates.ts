/** A service is moved to its next version while the proxy runs, and moved back if that goes wrong. */
import { cluster, type MeshProxy, route, virtualHost } from '@mesh/core';

/** Sends everything to the cluster `to`; `share` percent of it to `next`. */
function table(to: string, next: string, share: number) {
  const clusters = [
    { name: to, weight: 100 - share },
    { name: next, weight: share },
  ];
  const routes = [route('/', undefined, { route: { weightedClusters: { clusters } } })];
  return { virtualHosts: [virtualHost('all', { domains: ['*'], routes })] };
}

/** `healthy` is asked after each step. */
export async function release(
  proxy: MeshProxy,
  endpoints: readonly string[],
  healthy: (share: number) => Promise<boolean>,
): Promise<boolean> {
  await proxy.clusters.set(cluster('next', { endpoints }));
  for (const share of [1, 10, 50, 100]) {
    await proxy.routes.set('local_route', table('stable', 'next', share), { version: `${share}%` });
    if (await healthy(share)) continue;
    await proxy.routes.remove('local_route');
    await proxy.clusters.remove('next');
    return false;
  }
  return true;
}
