/** Counting costs additions: once a request of a kind has been seen, no name is put together for the next one. */
import { cluster } from '@mesh/core';
import { expect, it, vi } from 'vitest';
import { ask, closeAfterEach, get, proxyFor, upstreamOf } from './fixture.ts';

closeAfterEach();

it('no statistic is looked up by name for a request like one before', async () => {
  const upstream = await upstreamOf();
  const tracked = { timeoutBudgets: true, requestResponseSizes: true, perEndpointStats: true };
  const options = { endpoints: [`127.0.0.1:${upstream.port}`], trackClusterStats: tracked };
  const proxy = await proxyFor({ clusters: [cluster('upstream', options as never)] });
  const scope = Object.getPrototypeOf(proxy.proxy.stats.scope('')) as Record<string, () => unknown>;
  const lookUps = ['counter', 'gauge', 'histogram', 'dynamicCounter', 'scope'].map((name) => vi.spyOn(scope, name));
  const asked = () => lookUps.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  await ask(proxy, get('/'));
  expect(asked()).toBeGreaterThan(0);
  const before = asked();
  for (let i = 0; i < 5; i++) expect((await ask(proxy, get('/'))).status).toBe(200);
  expect(asked()).toBe(before);
  vi.restoreAllMocks();
});
