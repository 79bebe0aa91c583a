/** Routing priority HIGH: circuit breakers and connections of its own. */
import { route } from '@mesh/core';
import { answer, until } from '@mesh/testing';
import { expect, it } from 'vitest';
import { clientOf, closeAfterEach, get, proxyFor, upstreamOf } from './fixture.ts';

closeAfterEach();

const routes = [route('/high', 'upstream', { route: { priority: 'HIGH' } }), route('/', 'upstream')];

it('high requests are not counted against the limits of the others', async () => {
  const release: (() => void)[] = [];
  const upstream = await upstreamOf(async (request, peer) => {
    await new Promise<void>((resolve) => release.push(resolve));
    await answer({ body: request.path })(request, peer);
  });
  const thresholds = [{ maxRequests: 1 }, { priority: 'HIGH', maxRequests: 1 }];
  const proxy = await proxyFor({ upstream, routes, cluster: { circuitBreakers: { thresholds } as never } });
  const [usual, high, over] = [await clientOf(proxy), await clientOf(proxy), await clientOf(proxy)];
  await usual.send(get('/usual'));
  await high.send(get('/high'));
  await upstream.untilRequests(2);
  const open = (priority: string) => proxy.stats(`cluster.upstream.circuit_breakers.${priority}.rq_open`);
  expect([open('default'), open('high')]).toEqual([1, 1]);
  await over.send(get('/high'));
  expect((await over.readResponse()).headers['x-envoy-overloaded']).toBe('true');
  await until(() => release.length === 2, 'both to wait');
  for (const go of release) go();
  expect((await usual.readResponse()).body).toBe('/usual');
  expect((await high.readResponse()).body).toBe('/high');
  expect([open('default'), open('high')]).toEqual([0, 0]);
});

it('high requests have connections of their own', async () => {
  const upstream = await upstreamOf({ body: 'x' });
  const client = await clientOf(await proxyFor({ upstream, routes }));
  for (const path of ['/1', '/high', '/2', '/high']) {
    await client.send(get(path));
    await client.readResponse();
  }
  expect(upstream.requests.map(({ connection }) => connection)).toEqual([0, 1, 0, 1]);
});
