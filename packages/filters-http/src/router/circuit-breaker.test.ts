/** Limits of a cluster: what is over them is refused with 503, UO, and the upstream is not troubled. */
import type { Host } from '@mesh/core';
import { answer, until } from '@mesh/testing';
import { expect, it } from 'vitest';
import { ask, clientOf, closeAfterEach, filterOf, get, observer, proxyFor, turns, upstreamOf } from './fixture.ts';

closeAfterEach();

const OVERFLOW = 'upstream connect error or disconnect/reset before headers. reset reason: overflow';

async function limited(thresholds: Record<string, number>, cluster: object = {}) {
  const release: (() => void)[] = [];
  const upstream = await upstreamOf(async (request, peer) => {
    await new Promise<void>((resolve) => release.push(resolve));
    await answer({ body: request.path })(request, peer);
  });
  const { filter, outcomes } = observer();
  const hosts: (Host | undefined)[] = [];
  const told = filterOf('told', { onComplete: ({ info }) => void hosts.push(info.upstreamHost) });
  const limits = {
    priority: 'DEFAULT',
    maxConnections: 1024,
    maxPendingRequests: 1024,
    maxRequests: 1024,
    maxRetries: 3,
    trackRemaining: false,
    ...thresholds,
  };
  const proxy = await proxyFor({
    upstream,
    filters: [filter, told],
    cluster: { circuitBreakers: { thresholds: [limits], perHostThresholds: [], ...cluster } as never },
  });
  const next = async () => {
    await until(() => release.length > 0, 'a request to answer');
    release.shift()?.();
  };
  return { upstream, proxy, outcomes, hosts, next };
}

it('max_requests refuses the request over it, and takes the next one when there is room', async () => {
  const { upstream, proxy, outcomes, next } = await limited({ maxRequests: 1 });
  const [first, second] = [await clientOf(proxy), await clientOf(proxy)];
  await first.send(get('/1'));
  await upstream.untilRequests(1);
  expect(proxy.stats('cluster.upstream.circuit_breakers.default.rq_open')).toBe(1);
  await second.send(get('/2'));
  const refused = await second.readResponse();
  expect([refused.status, refused.body, refused.headers['x-envoy-overloaded']]).toEqual([503, OVERFLOW, 'true']);
  expect(outcomes[0]).toEqual({
    status: 503,
    flags: 'UO',
    details: 'upstream_reset_before_response_started{overflow}',
  });
  expect(proxy.stats('cluster.upstream.upstream_rq_active_overflow')).toBe(1);
  await next();
  expect((await first.readResponse()).body).toBe('/1');
  expect(proxy.stats('cluster.upstream.circuit_breakers.default.rq_open')).toBe(0);
  await second.send(get('/3'));
  await upstream.untilRequests(2);
  await next();
  expect((await second.readResponse()).body).toBe('/3');
});

it('max_connections lets requests wait for the connections there are', async () => {
  const { upstream, proxy, next } = await limited({ maxConnections: 1 });
  const clients = [await clientOf(proxy), await clientOf(proxy), await clientOf(proxy)];
  for (const [index, client] of clients.entries()) await client.send(get(`/${index}`));
  await upstream.untilRequests(1);
  await proxy.untilStat('cluster.upstream.upstream_rq_pending_active', 2);
  expect(proxy.stats('cluster.upstream.circuit_breakers.default.cx_open')).toBe(1);
  const bodies: string[] = [];
  for (const client of clients) {
    await next();
    bodies.push((await client.readResponse()).body);
  }
  expect(bodies).toEqual(['/0', '/1', '/2']);
  expect(upstream.peers).toHaveLength(1);
  expect(proxy.stats('cluster.upstream.upstream_cx_overflow')).toBeGreaterThan(0);
});

it('max_pending_requests refuses who would have to wait', async () => {
  const { upstream, proxy, hosts, next } = await limited({ maxConnections: 1, maxPendingRequests: 1 });
  const clients = [await clientOf(proxy), await clientOf(proxy), await clientOf(proxy)];
  const [first, second, third] = clients;
  await first?.send(get('/1'));
  await upstream.untilRequests(1);
  await second?.send(get('/2'));
  await proxy.untilStat('cluster.upstream.upstream_rq_pending_active', 1);
  expect(proxy.stats('cluster.upstream.circuit_breakers.default.rq_pending_open')).toBe(1);
  await third?.send(get('/3'));
  expect(await third?.readResponse()).toMatchObject({ status: 503, body: OVERFLOW });
  await next();
  await first?.readResponse();
  await next();
  expect((await second?.readResponse())?.body).toBe('/2');
  expect(proxy.stats('cluster.upstream.circuit_breakers.default.rq_pending_open')).toBe(0);
  // The host had no part in what was refused.
  expect(hosts.map((host) => host?.stats.rqError)).toEqual([undefined, 0, 0]);
});

it('a client that leaves the queue makes room in it', async () => {
  const { upstream, proxy } = await limited({ maxConnections: 1, maxPendingRequests: 1 });
  const [first, second] = [await clientOf(proxy), await clientOf(proxy)];
  await first.send(get('/1'));
  await upstream.untilRequests(1);
  await second.send(get('/2'));
  await proxy.untilStat('cluster.upstream.upstream_rq_pending_active', 1);
  second.reset();
  await proxy.untilStat('cluster.upstream.upstream_rq_pending_active', 0);
  await turns();
  expect(proxy.stats('cluster.upstream.upstream_rq_cancelled')).toBe(1);
  expect(upstream.requests).toHaveLength(1);
});

it('max_connection_pools leaves a host without a pool as good as none, as Envoy', async () => {
  const { proxy, outcomes } = await limited({ maxConnectionPools: 0 });
  const response = await ask(proxy);
  expect([response.status, response.body]).toEqual([503, 'no healthy upstream']);
  await until(() => outcomes.length > 0, 'the outcome');
  expect(outcomes[0]).toMatchObject({ flags: 'UH', details: 'no_healthy_upstream' });
  expect(proxy.stats('cluster.upstream.upstream_cx_pool_overflow')).toBe(1);
});

it('max_connections of per_host_thresholds lets requests wait for the connections there are', async () => {
  const { upstream, proxy, next } = await limited(
    {},
    { perHostThresholds: [{ priority: 'DEFAULT', maxConnections: 1 }] },
  );
  const clients = [await clientOf(proxy), await clientOf(proxy), await clientOf(proxy), await clientOf(proxy)];
  for (const [index, client] of clients.entries()) {
    await client.send(get('/'));
    await upstream.untilRequests(1);
    await proxy.untilStat('cluster.upstream.upstream_rq_pending_total', index + 1);
  }
  for (const client of clients) {
    await next();
    expect((await client.readResponse()).status).toBe(200);
  }
  expect(upstream.peers).toHaveLength(1);
  // Once for each that waits, and again whenever one of them is served while others wait; as Envoy.
  expect(proxy.stats('cluster.upstream.upstream_cx_overflow')).toBe(5);
});

it('connection_pool_per_downstream_connection gives each client connections of its own', async () => {
  const upstream = await upstreamOf({ status: 200 });
  const proxy = await proxyFor({ upstream, cluster: { connectionPoolPerDownstreamConnection: true } });
  const clients = [await clientOf(proxy), await clientOf(proxy)];
  for (const client of [...clients, ...clients]) {
    await client.send(get('/'));
    expect((await client.readResponse()).status).toBe(200);
  }
  expect(upstream.peers).toHaveLength(2);
});
