import { cluster } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { ask, closeAfterEach, post, proxyFor, upstreamOf } from '../fixture.ts';
import { percentOfTimeout } from './index.ts';

closeAfterEach();

describe('track_cluster_stats', () => {
  async function tracked(more: object) {
    const upstream = await upstreamOf({ body: 'hello', headers: { 'x-a': 'bbb' } });
    const clusters = [cluster('upstream', { endpoints: [`127.0.0.1:${upstream.port}`], ...more } as never)];
    const proxy = await proxyFor({ clusters });
    expect((await ask(proxy, post('/', '0123456789'))).status).toBe(200);
    expect((await ask(proxy, post('/', '0123456789'))).status).toBe(200);
    proxy.proxy.stats.flush();
    const of = (name: string) =>
      proxy.proxy.stats.histograms().find((histogram) => histogram.name === `cluster.upstream.${name}`)?.cumulative;
    return { of, proxy, upstream };
  }

  it('request_response_sizes measures heads and bodies of every attempt', async () => {
    const { of, upstream } = await tracked({ trackClusterStats: { requestResponseSizes: true } });
    expect([of('upstream_rq_body_size')?.count, of('upstream_rs_body_size')?.count]).toEqual([2, 2]);
    expect(of('upstream_rq_body_size')?.filledBins()[0]?.lowerBound).toBe(10);
    expect(of('upstream_rs_body_size')?.filledBins()[0]?.lowerBound).toBe(5);
    // Its fields as the upstream has seen them, `host` being one of the four pseudo headers.
    const fields = Object.keys(upstream.requests[0]?.headers ?? {}).length - 1 + 4;
    expect(of('upstream_rq_headers_count')?.filledBins()[0]?.lowerBound).toBe(fields);
    expect(of('upstream_rq_headers_size')?.sum).toBeGreaterThan(100);
    expect(of('upstream_rs_headers_count')?.count).toBe(2);
    expect(of('upstream_rq_timeout_budget_percent_used')).toBeUndefined();
  });

  it('timeout_budgets measures how much of their time requests take', async () => {
    const { of } = await tracked({ trackClusterStats: { timeoutBudgets: true } });
    expect(of('upstream_rq_timeout_budget_percent_used')?.count).toBe(2);
    expect(of('upstream_rq_timeout_budget_per_try_percent_used')?.count).toBe(2);
    expect(of('upstream_rq_body_size')).toBeUndefined();
  });

  it('nothing is measured unless it is asked for', async () => {
    const { of } = await tracked({});
    expect([of('upstream_rq_body_size'), of('upstream_rq_timeout_budget_percent_used')]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it.each([
    [5, 0, 0],
    [5, 10, 50],
    [29, 1000, 2],
    [20, 10, 200],
  ])('%i ms of %i ms are %i percent', (used, timeout, percent) => {
    expect(percentOfTimeout(used, timeout)).toBe(percent);
  });
});
