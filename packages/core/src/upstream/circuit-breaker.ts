/** Counts what a cluster has in flight against its limits. Checked with `count < max`, as Envoy does. */
import type { CircuitBreakerStats, Scope } from '../stats/index.ts';
import { circuitBreakerRemainingStats, circuitBreakerStats } from '../stats/index.ts';
import type { Thresholds } from './settings.ts';

export class CircuitBreaker {
  readonly thresholds: Thresholds;
  connections = 0;
  pending = 0;
  requests = 0;
  retries = 0;
  private readonly stats: CircuitBreakerStats;

  constructor(thresholds: Thresholds, scope: Scope, priority: 'default' | 'high') {
    this.thresholds = thresholds;
    this.stats = circuitBreakerStats(scope, priority);
    if (thresholds.trackRemaining) this.trackRemaining(scope, priority);
  }

  /** Opens and closes the `…_open` gauges; called only when a limit is met or was met. */
  private mark(gauge: 'cx_open' | 'rq_open' | 'rq_pending_open', open: boolean): void {
    this.stats[gauge].set(open ? 1 : 0);
  }

  addConnection(): void {
    if (++this.connections >= this.thresholds.maxConnections) this.mark('cx_open', true);
  }
  removeConnection(): void {
    if (--this.connections === this.thresholds.maxConnections - 1) this.mark('cx_open', false);
  }
  addPending(): void {
    if (++this.pending >= this.thresholds.maxPendingRequests) this.mark('rq_pending_open', true);
  }
  removePending(): void {
    if (--this.pending === this.thresholds.maxPendingRequests - 1) this.mark('rq_pending_open', false);
  }
  addRequest(): void {
    if (++this.requests >= this.thresholds.maxRequests) this.mark('rq_open', true);
  }
  removeRequest(): void {
    if (--this.requests === this.thresholds.maxRequests - 1) this.mark('rq_open', false);
  }

  private trackRemaining(scope: Scope, priority: 'default' | 'high'): void {
    const remaining = circuitBreakerRemainingStats(scope, priority);
    const { thresholds } = this;
    Object.defineProperties(
      remaining.remaining_cx,
      live(() => thresholds.maxConnections - this.connections),
    );
    Object.defineProperties(
      remaining.remaining_pending,
      live(() => thresholds.maxPendingRequests - this.pending),
    );
    Object.defineProperties(
      remaining.remaining_rq,
      live(() => thresholds.maxRequests - this.requests),
    );
    Object.defineProperties(
      remaining.remaining_retries,
      live(() => thresholds.maxRetries - this.retries),
    );
  }
}

/** A gauge whose value is computed when it is read. */
function live(read: () => number): PropertyDescriptorMap {
  return { value: { get: () => Math.max(0, read()), set: () => {}, configurable: true } };
}
