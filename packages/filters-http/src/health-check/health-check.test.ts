import type { HostSets, UpstreamCluster } from '@mesh/core';
import { testFilter } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { healthCheck } from './index.ts';

const PATH = [{ name: ':path', exactMatch: '/healthz' }];
const here = (more: object = {}) => healthCheck({ passThroughMode: false, headers: PATH, ...more });
const through = (more: object = {}) => healthCheck({ passThroughMode: true, headers: PATH, ...more });
const check = { path: '/healthz' };

/** Clusters with so many hosts, of which so many are healthy and so many degraded. */
function clusters(members: Record<string, readonly [all: number, healthy: number, degraded: number]>) {
  const list = (length: number) => Array.from({ length });
  return {
    get(name: string) {
      const [all, healthy, degraded] = members[name] ?? [];
      if (all === undefined) return undefined;
      const priority = { hosts: list(all), healthy: list(healthy ?? 0), degraded: list(degraded ?? 0) };
      return { sets: { priorities: [priority] } as unknown as HostSets } as UpstreamCluster;
    },
  };
}

describe('healthCheck', () => {
  it('answers health checks itself and leaves other requests alone', async () => {
    const filter = testFilter(here());
    const answer = await filter.request(check);
    expect([answer.status, answer.details]).toEqual([200, 'health_check_ok']);
    expect(answer.headers['x-envoy-upstream-healthchecked-cluster']).toBe('');
    const other = await filter.request({ path: '/' });
    expect('x-envoy-upstream-healthchecked-cluster' in other.headers).toBe(false);
    expect(filter.stats('http.ingress_http.health_check.ok')).toBe(1);
    expect(filter.stats('http.ingress_http.tracing.health_check')).toBe(1);
  });

  it.each([
    ['a body', { body: ['ab', 'c'] }],
    ['trailers', { body: 'abc', trailers: { t: '1' } }],
  ])('answers once the request is complete: %s', async (_, rest) => {
    const answer = await testFilter(here()).request({ ...check, method: 'POST', ...rest });
    expect([answer.status, answer.headers.connection, answer.upstreamRequest]).toEqual([200, undefined, undefined]);
  });

  it('health checks are not counted among the responses', async () => {
    const filter = testFilter(here());
    await filter.request(check);
    expect(filter.stats('http.ingress_http.downstream_rq_2xx')).toBe(0);
    await filter.request({ path: '/' });
    expect(filter.stats('http.ingress_http.downstream_rq_2xx')).toBe(1);
  });

  it.each([
    ['answering here', here()],
    ['passing through', through()],
  ])('/healthcheck/fail fails health checks when %s, and every response tells of it', async (_, filter) => {
    const test = testFilter(filter);
    test.server.healthFailed = true;
    const answer = await test.request(check);
    expect([answer.status, answer.details, answer.flags]).toEqual([503, 'health_check_failed', 'LH']);
    expect(answer.headers['x-envoy-immediate-health-check-fail']).toBe('true');
    const other = await test.request({ path: '/' });
    expect([other.status, other.headers['x-envoy-immediate-health-check-fail']]).toEqual([200, 'true']);
    test.server.healthFailed = false;
    expect((await test.request(check)).headers).not.toHaveProperty('x-envoy-immediate-health-check-fail');
  });

  it('pass-through lets the upstream answer', async () => {
    const filter = testFilter(through());
    const answer = await filter.request({ ...check, upstream: { status: 418 } });
    expect(answer.status).toBe(418);
    expect('x-envoy-upstream-healthchecked-cluster' in answer.headers).toBe(true);
    expect(filter.stats('http.ingress_http.health_check.request_total')).toBe(0);
  });

  it('cache_time keeps the answer, degraded or not, until its period is over', async () => {
    let asked = 0;
    const upstream = () => {
      asked++;
      return { status: 503, headers: { 'x-envoy-degraded': '' } };
    };
    const filter = testFilter(through({ cacheTime: '1s' }));
    const scripted = { ...check, upstream };
    await filter.request(scripted);
    const cached = await filter.request(scripted);
    expect([cached.status, cached.details, cached.flags, asked]).toEqual([503, 'health_check_cached', 'LH', 1]);
    expect(cached.headers['x-envoy-degraded']).toBe('');
    filter.clock.advance(1000);
    await filter.request(scripted);
    expect(asked).toBe(2);
    expect(filter.stats('http.ingress_http.health_check.cached_response')).toBe(1);
  });

  it.each<[string, Parameters<typeof clusters>[0], number, string]>([
    ['enough hosts', { a: [4, 2, 0] }, 200, 'health_check_ok_cluster_healthy'],
    ['enough with degraded ones', { a: [4, 1, 1] }, 200, 'health_check_ok_cluster_healthy'],
    ['too few hosts', { a: [5, 2, 0] }, 503, 'health_check_failed_cluster_unhealthy'],
    ['no hosts', { a: [0, 0, 0] }, 503, 'health_check_failed_cluster_empty'],
    ['no cluster', {}, 503, 'health_check_failed_no_cluster_found'],
  ])('cluster_min_healthy_percentages: %s', async (_, members, status, details) => {
    const filter = testFilter(here({ clusterMinHealthyPercentages: { a: { value: 50.9 } } }), {
      clusters: clusters(members),
    });
    const answer = await filter.request(check);
    expect([answer.status, answer.details]).toEqual([status, details]);
  });

  it('cluster_min_healthy_percentages: an empty cluster satisfies 0 percent', async () => {
    const filter = testFilter(here({ clusterMinHealthyPercentages: { a: { value: 0 } } }), {
      clusters: clusters({ a: [0, 0, 0] }),
    });
    expect((await filter.request(check)).status).toBe(200);
  });

  it('cache_time without pass-through is refused', () => {
    expect(() => here({ cacheTime: '1s' })).toThrow('cache_time_ms must not be set when path_through_mode is disabled');
  });
});
