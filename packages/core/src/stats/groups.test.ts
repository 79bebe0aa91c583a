import { describe, expect, expectTypeOf, it } from 'vitest';
import type { StatsScope } from '../api/stats.ts';
import { circuitBreakerStats, clusterStats, http1CodecStats, listenerStats } from './groups.ts';
import type { Histogram } from './histogram.ts';
import type { Counter, Gauge } from './metrics.ts';
import { type Scope, StatsStore } from './store.ts';

describe('statsOf', () => {
  it('registers every name and types it by kind', () => {
    const store = new StatsStore();
    const stats = clusterStats(store.scope('cluster.a'));
    expectTypeOf(stats.upstream_rq_total).toEqualTypeOf<Counter>();
    expectTypeOf(stats.upstream_cx_active).toEqualTypeOf<Gauge>();
    expectTypeOf(stats.upstream_cx_connect_ms).toEqualTypeOf<Histogram>();
    stats.upstream_rq_total.value++;
    const listed = store.counters().find(({ name }) => name === 'cluster.a.upstream_rq_total');
    expect(listed?.value).toBe(1);
    expect(store.gauges().map(({ name }) => name)).toContain('cluster.a.membership_healthy');
    expect(store.histograms().map(({ name }) => name)).toContain('cluster.a.upstream_rq_per_cx');
  });

  it('nests breakers and codecs below their scope', () => {
    const store = new StatsStore();
    const scope = store.scope('cluster.a');
    expect(circuitBreakerStats(scope, 'high').rq_open.name).toBe('cluster.a.circuit_breakers.high.rq_open');
    expect(http1CodecStats(scope).response_flood.name).toBe('cluster.a.http1.response_flood');
    scope.close();
    expect(store.gauges()).toEqual([]);
  });

  it('shares metrics between owners of one name', () => {
    const store = new StatsStore();
    const first = listenerStats(store.scope('listener.a'));
    expect(listenerStats(store.scope('listener.a')).downstream_cx_total).toBe(first.downstream_cx_total);
  });
});

it('Scope is what extensions know as StatsScope', () => {
  expectTypeOf<Scope>().toExtend<StatsScope>();
});
