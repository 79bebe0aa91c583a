/** `max_connection_pools`, and what else limits pools as a whole. */
import { afterEach, describe, expect, it } from 'vitest';
import type { UpstreamRequest } from '../api/upstream.ts';
import { clusterRig, endpoint, Get, OK, server } from './fixture.ts';
import type { UpstreamHost } from './host.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

async function rig(maxConnectionPools: number) {
  const release: (() => void)[] = [];
  const upstream = await server((text, socket) => {
    if (text.startsWith('GET /held')) release.push(() => socket.write(OK));
    else socket.write(OK);
  });
  const made = clusterRig({ maxConnectionPools, trackRemaining: true });
  cleanups.push(
    () => made.wheel.close(),
    () => made.cluster.close(),
    upstream.close,
  );
  made.cluster.update([endpoint(upstream.port)]);
  const host = made.cluster.hosts[0] as UpstreamHost;
  /** A request of a client whose connections are its own. */
  const ask = (client: number, path = '/') => {
    const request: Get & { transport?: UpstreamRequest['transport'] } = new Get(path);
    request.transport = { dedicatedTo: client };
    made.cluster.open(host, request);
    return request;
  };
  const breakers = (...names: string[]) => names.map((name) => made.stat(`circuit_breakers.default.${name}`));
  return { ...made, host, ask, breakers, release };
}

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise(setImmediate);
};

describe('max_connection_pools', () => {
  it('refuses a pool beyond it, and the requests of those that there are go on', async () => {
    const { ask, breakers, release, stat } = await rig(1);
    const held = ask(1, '/held');
    await until(() => release.length === 1);
    expect(breakers('cx_pool_open', 'remaining_cx_pools')).toEqual([1, 0]);
    const refused = ask(2);
    expect(await refused.done).toBe('failure: overflow');
    expect(refused.failure?.detail).toBe('no_connection_pool');
    expect(stat('upstream_cx_pool_overflow')).toBe(1);
    release[0]?.();
    expect(await held.done).toBe('200 ok');
  });

  it('closes a pool of the same host that nobody uses, as Envoy does', async () => {
    const { ask, stat, cluster } = await rig(1);
    expect(await ask(1).done).toBe('200 ok');
    expect(await ask(2).done).toBe('200 ok');
    await until(() => stat('upstream_cx_active') === 1);
    expect([cluster.breaker.pools, stat('upstream_cx_pool_overflow'), stat('upstream_cx_destroy_local')]).toEqual([
      1, 0, 1,
    ]);
  });

  it('counts a pool until its last connection is gone', async () => {
    const { ask, breakers, cluster, host } = await rig(5);
    expect(await ask(1).done).toBe('200 ok');
    expect(breakers('cx_pool_open', 'remaining_cx_pools')).toEqual([0, 4]);
    host.drain();
    await until(() => cluster.breaker.connections === 0);
    expect(breakers('cx_pool_open', 'remaining_cx_pools')).toEqual([0, 5]);
    expect(host.specialPools?.size).toBe(0);
  });
});
