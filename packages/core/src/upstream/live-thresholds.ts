/** Thresholds that operators may change while the proxy runs: `circuit_breakers.<cluster>.<priority>.<limit>`. */
import type { Runtime } from '../api/runtime.ts';
import type { RetryBudget, Thresholds } from './settings.ts';

/** Reads as the configured thresholds, but for what the runtime says otherwise. */
export class LiveThresholds implements Thresholds {
  readonly trackRemaining: boolean;
  readonly maxConnectionsPerHost: number;
  private readonly own: Thresholds;
  private readonly runtime: Runtime;
  private readonly connectionsKey: string;
  private readonly pendingKey: string;
  private readonly requestsKey: string;
  private readonly retriesKey: string;
  private readonly poolsKey: string;
  private readonly percentKey: string;
  private readonly concurrencyKey: string;

  constructor(own: Thresholds, runtime: Runtime, cluster: string, priority: 'default' | 'high') {
    this.own = own;
    this.runtime = runtime;
    this.trackRemaining = own.trackRemaining;
    const prefix = `circuit_breakers.${cluster}.${priority}.`;
    this.connectionsKey = `${prefix}max_connections`;
    this.pendingKey = `${prefix}max_pending_requests`;
    this.requestsKey = `${prefix}max_requests`;
    this.retriesKey = `${prefix}max_retries`;
    this.poolsKey = `${prefix}max_connection_pools`;
    this.maxConnectionsPerHost = own.maxConnectionsPerHost;
    this.percentKey = `${prefix}retry_budget.budget_percent`;
    this.concurrencyKey = `${prefix}retry_budget.min_retry_concurrency`;
  }

  get maxConnections(): number {
    return this.runtime.integer(this.connectionsKey, this.own.maxConnections);
  }
  get maxPendingRequests(): number {
    return this.runtime.integer(this.pendingKey, this.own.maxPendingRequests);
  }
  get maxRequests(): number {
    return this.runtime.integer(this.requestsKey, this.own.maxRequests);
  }
  get maxRetries(): number {
    return this.runtime.integer(this.retriesKey, this.own.maxRetries);
  }

  get maxConnectionPools(): number {
    return this.runtime.integer(this.poolsKey, this.own.maxConnectionPools);
  }

  /** One of its two keys is enough to have a budget. */
  get retryBudget(): RetryBudget | undefined {
    const { own, runtime } = this;
    const percent = runtime.get(this.percentKey);
    if (percent === undefined && runtime.get(this.concurrencyKey) === undefined) return own.retryBudget;
    const { percent: ownPercent = 20, minConcurrency = 3 } = own.retryBudget ?? {};
    const written = Number(percent);
    return {
      percent: percent === undefined || Number.isNaN(written) ? ownPercent : written,
      minConcurrency: runtime.integer(this.concurrencyKey, minConcurrency),
    };
  }
}
