import { describe, expect, it } from 'vitest';
import { NO_RUNTIME } from '../runtime/layered-runtime.ts';
import { StatsStore } from '../stats/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { LiveThresholds } from './live-thresholds.ts';
import { DEFAULT_THRESHOLDS } from './settings.ts';

function rig(thresholds: object) {
  const store = new StatsStore();
  const breaker = new CircuitBreaker({ ...DEFAULT_THRESHOLDS, ...thresholds }, store.scope('cluster.c.'), 'default');
  const gauge = (name: string) =>
    store.gauges().find((one) => one.name === `cluster.c.circuit_breakers.default.${name}`)?.value;
  return { breaker, gauge };
}

describe('CircuitBreaker', () => {
  it('opens its gauges at the limits and closes them below', () => {
    const { breaker, gauge } = rig({ maxConnections: 2, maxPendingRequests: 1, maxRequests: 1 });
    const gauges = () => [gauge('cx_open'), gauge('rq_pending_open'), gauge('rq_open')];
    breaker.addConnection();
    expect(gauges()).toEqual([0, 0, 0]);
    breaker.addConnection();
    breaker.addPending();
    breaker.addRequest();
    expect(gauges()).toEqual([1, 1, 1]);
    breaker.removeConnection();
    breaker.removePending();
    breaker.removeRequest();
    expect(gauges()).toEqual([0, 0, 0]);
  });

  it('is open from the start with a limit of 0 once something counts', () => {
    const { breaker, gauge } = rig({ maxRequests: 0 });
    breaker.addRequest();
    expect(gauge('rq_open')).toBe(1);
  });

  it('shows what remains only when asked', () => {
    const plain = rig({ maxRequests: 3 });
    expect(plain.gauge('remaining_rq')).toBeUndefined();
    const tracking = rig({ maxRequests: 3, maxConnections: 1, trackRemaining: true });
    tracking.breaker.addRequest();
    tracking.breaker.addConnection();
    tracking.breaker.addConnection();
    expect([
      tracking.gauge('remaining_rq'),
      tracking.gauge('remaining_cx'),
      tracking.gauge('remaining_pending'),
    ]).toEqual([2, 0, 1024]);
  });

  it('allows retries up to max_retries', () => {
    const { breaker, gauge } = rig({ maxRetries: 2 });
    breaker.addRetry();
    expect([breaker.canRetry, gauge('rq_retry_open')]).toEqual([true, 0]);
    breaker.addRetry();
    expect([breaker.canRetry, gauge('rq_retry_open')]).toEqual([false, 1]);
    breaker.removeRetry();
    expect([breaker.canRetry, gauge('rq_retry_open')]).toEqual([true, 0]);
  });

  it('allows retries as a share of what is active and pending, and a minimum', () => {
    const { breaker } = rig({ maxRetries: 0, retryBudget: { percent: 20, minConcurrency: 1 } });
    const allowed = () => {
      let count = 0;
      for (; breaker.canRetry; count++) breaker.addRetry();
      for (let i = 0; i < count; i++) breaker.removeRetry();
      return count;
    };
    expect(allowed()).toBe(1);
    for (let i = 0; i < 10; i++) breaker.addRequest();
    expect(allowed()).toBe(2);
    for (let i = 0; i < 9; i++) breaker.addPending();
    expect(allowed()).toBe(3);
    breaker.addPending();
    expect(allowed()).toBe(4);
  });
});

describe('LiveThresholds', () => {
  function live(values: Record<string, string>, own: object = {}) {
    const get = (key: string) => values[key];
    const integer = (key: string, fallback: number) => (get(key) === undefined ? fallback : Number(get(key)));
    return new LiveThresholds({ ...DEFAULT_THRESHOLDS, ...own }, { ...NO_RUNTIME, get, integer }, 'c', 'high');
  }

  it('are the configured ones, but for what the runtime says', () => {
    expect(live({}, { maxRequests: 7 })).toMatchObject({ maxRequests: 7, maxConnections: 1024, maxRetries: 3 });
    const key = (name: string) => `circuit_breakers.c.high.${name}`;
    const all = live({ [key('max_connections')]: '1', [key('max_pending_requests')]: '2', [key('max_requests')]: '3' });
    expect([all.maxConnections, all.maxPendingRequests, all.maxRequests]).toEqual([1, 2, 3]);
    expect(live({ [key('max_retries')]: '9', 'circuit_breakers.c.default.max_requests': '1' })).toMatchObject({
      maxRetries: 9,
      maxRequests: 1024,
    });
  });

  it('have a retry budget as soon as one of its keys is there', () => {
    const key = (name: string) => `circuit_breakers.c.high.retry_budget.${name}`;
    expect(live({}).retryBudget).toBeUndefined();
    expect(live({ [key('budget_percent')]: '12.5' }).retryBudget).toEqual({ percent: 12.5, minConcurrency: 3 });
    expect(live({ [key('budget_percent')]: 'much' }).retryBudget).toEqual({ percent: 20, minConcurrency: 3 });
    const own = { retryBudget: { percent: 50, minConcurrency: 4 } };
    expect(live({ [key('min_retry_concurrency')]: '0' }, own).retryBudget).toEqual({ percent: 50, minConcurrency: 0 });
  });
});
