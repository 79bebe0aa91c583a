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
  pools = 0;
  private everRetried = false;
  private readonly stats: CircuitBreakerStats;

  constructor(thresholds: Thresholds, scope: Scope, priority: 'default' | 'high') {
    this.thresholds = thresholds;
    this.stats = circuitBreakerStats(scope, priority);
    if (thresholds.trackRemaining) this.trackRemaining(scope, priority);
  }

  /** Opens and closes the `…_open` gauges. */
  private mark(gauge: keyof CircuitBreakerStats, open: boolean): void {
    this.stats[gauge].set(open ? 1 : 0);
  }

  addConnection(): void {
    if (++this.connections >= this.thresholds.maxConnections) this.mark('cx_open', true);
  }
  removeConnection(): void {
    if (--this.connections < this.thresholds.maxConnections) this.mark('cx_open', false);
  }
  addPool(): void {
    if (++this.pools >= this.thresholds.maxConnectionPools) this.mark('cx_pool_open', true);
  }
  removePool(): void {
    if (--this.pools < this.thresholds.maxConnectionPools) this.mark('cx_pool_open', false);
  }
  addPending(): void {
    if (++this.pending >= this.thresholds.maxPendingRequests) this.mark('rq_pending_open', true);
  }
  removePending(): void {
    if (--this.pending < this.thresholds.maxPendingRequests) this.mark('rq_pending_open', false);
  }
  addRequest(): void {
    if (++this.requests >= this.thresholds.maxRequests) this.mark('rq_open', true);
  }
  removeRequest(): void {
    if (--this.requests < this.thresholds.maxRequests) this.mark('rq_open', false);
  }

  /** Something is counted. */
  get busy(): boolean {
    return this.connections > 0 || this.pending > 0 || this.requests > 0 || this.retries > 0;
  }

  /** True when a retry more is within the budget, or without one within `max_retries`. */
  get canRetry(): boolean {
    const { retryBudget, maxRetries } = this.thresholds;
    if (retryBudget === undefined) return this.retries < maxRetries;
    const share = Math.floor((retryBudget.percent / 100) * (this.requests + this.pending));
    return this.retries < Math.max(share, retryBudget.minConcurrency);
  }
  /** The gauge tells of `max_retries` also where a budget decides, as in Envoy. */
  addRetry(): void {
    this.everRetried = true;
    if (++this.retries >= this.thresholds.maxRetries) this.mark('rq_retry_open', true);
  }
  removeRetry(): void {
    if (--this.retries < this.thresholds.maxRetries) this.mark('rq_retry_open', false);
  }

  private trackRemaining(scope: Scope, priority: 'default' | 'high'): void {
    const remaining = circuitBreakerRemainingStats(scope, priority);
    const { thresholds } = this;
    Object.defineProperties(
      remaining.remaining_cx,
      live(() => thresholds.maxConnections - this.connections),
    );
    Object.defineProperties(
      remaining.remaining_cx_pools,
      live(() => Math.min(thresholds.maxConnectionPools, UNLIMITED) - this.pools),
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
      live(() => {
        // As in Envoy: a budget has no number of retries to tell, but until the first one the gauge has not heard of it.
        if (thresholds.retryBudget !== undefined && this.everRetried) return 0;
        return thresholds.maxRetries - this.retries;
      }),
    );
  }
}

/** What Envoy's gauge tells of where there is no limit: the greatest 64-bit number. */
const UNLIMITED = 2 ** 64;

/** A gauge whose value is computed when it is read. */
function live(read: () => number): PropertyDescriptorMap {
  return { value: { get: () => Math.max(0, read()), set: () => {}, configurable: true } };
}
