import { describe, expect, it } from 'vitest';
import { StatsStore } from '../stats/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
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
});
