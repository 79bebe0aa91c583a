import { expect, it } from 'vitest';
import { ResponseCodeStats } from './response-codes.ts';
import { StatsStore } from './store.ts';

it('ResponseCodeStats creates a counter per code and class with the first response', () => {
  const store = new StatsStore();
  const codes = new ResponseCodeStats(store.scope('cluster.a'), 'external.');
  const listed = (): Record<string, number> =>
    Object.fromEntries(
      store
        .counters()
        .filter(({ name }) => name.startsWith('cluster.'))
        .map(({ name, value }) => [name, value]),
    );
  expect(listed()).toEqual({});
  for (const status of [200, 200, 204, 503, 99, 600, 1000]) codes.charge(status);
  expect(listed()).toEqual({
    'cluster.a.external.upstream_rq_200': 2,
    'cluster.a.external.upstream_rq_204': 1,
    'cluster.a.external.upstream_rq_2xx': 3,
    'cluster.a.external.upstream_rq_503': 1,
    'cluster.a.external.upstream_rq_5xx': 1,
    'cluster.a.external.upstream_rq_completed': 7,
  });
});
