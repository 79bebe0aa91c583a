/** What a cluster needs at run time, in plain numbers; made from the frozen config by `config/build`. */
import type { HeadLimits } from '../http1/head-parser.ts';

/** Circuit breaker thresholds of one priority (`circuit_breakers.thresholds`). */
export interface Thresholds {
  /** Default 1024. */
  readonly maxConnections: number;
  /** Default 1024. */
  readonly maxPendingRequests: number;
  /** Default 1024. */
  readonly maxRequests: number;
  /** Default 3. */
  readonly maxRetries: number;
  readonly trackRemaining: boolean;
}

export interface ClusterSettings {
  readonly name: string;
  /** `alt_stat_name`, else the name. */
  readonly statName: string;
  /** Default 5000. */
  readonly connectTimeoutMs: number;
  /** Idle connections are closed after this; 0 keeps them. Default one hour. */
  readonly idleTimeoutMs: number;
  /** 0 is unlimited. */
  readonly maxConnectionDurationMs: number;
  /** Requests per connection; 0 is unlimited. */
  readonly maxRequestsPerConnection: number;
  /** Unsent request bytes above which the client is paused. */
  readonly bufferLimitBytes: number;
  readonly responseLimits: HeadLimits;
  readonly enableTrailers: boolean;
  /** TCP keep-alive probes start after this idle time; `undefined` leaves them off. */
  readonly tcpKeepaliveMs: number | undefined;
  readonly thresholds: { readonly default: Thresholds; readonly high: Thresholds };
}

export const DEFAULT_THRESHOLDS: Thresholds = Object.freeze({
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
  trackRemaining: false,
});
