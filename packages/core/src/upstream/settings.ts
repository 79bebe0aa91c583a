/** What a cluster needs at run time, in plain numbers; made from the frozen config by `config/build`. */

import type { TransportPolicy } from '../api/upstream.ts';
import type { HeadLimits } from '../http1/head-parser.ts';
import type { Http1ClientOptions } from '../http1/options.ts';
import type { Http2Options } from '../http2/options.ts';
import type { ClientTransport } from '../net/transport.ts';

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
  /** Takes the place of `maxRetries` when given. */
  readonly retryBudget: RetryBudget | undefined;
}

/** Retries as a share of what is in flight (`retry_budget`). */
export interface RetryBudget {
  /** Percent of active and pending requests. Default 20. */
  readonly percent: number;
  /** So many retries are always allowed. Default 3. */
  readonly minConcurrency: number;
}

/** Envoy `RingHash` and `RingHashLbConfig`. */
export interface RingSettings {
  /** Default 1024. */
  readonly minimumRingSize: number;
  /** Default and limit 8 388 608. */
  readonly maximumRingSize: number;
  readonly hashFunction: 'XX_HASH' | 'MURMUR_HASH_2';
}

/** What a ring hash balancer runs on. */
export interface RingHashSettings extends RingSettings {
  /** The host name instead of the address is hashed. */
  readonly useHostnameForHashing: boolean;
}

/** What connections to a cluster's hosts speak: as configured, as the client does, or as ALPN says. */
export type UpstreamProtocol = 'http1' | 'http2' | 'downstream' | 'alpn';

/** A transport for hosts with certain metadata (`transport_socket_matches`). */
export interface TransportMatch {
  /** Fields that the host's `envoy.transport_socket_match` metadata must have, each with this value; none match any host. */
  readonly match: Readonly<Record<string, unknown>>;
  /** `undefined` is plain TCP. */
  readonly transport: ClientTransport | undefined;
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
  /** Limit of one attempt; 0 is unlimited. */
  readonly maxStreamDurationMs: number;
  /** Requests per connection; 0 is unlimited. */
  readonly maxRequestsPerConnection: number;
  /** Unsent request bytes above which the client is paused. */
  readonly bufferLimitBytes: number;
  readonly responseLimits: HeadLimits;
  readonly enableTrailers: boolean;
  /** Further options of the HTTP/1 codec; Envoy's defaults when absent. */
  readonly http1?: Http1ClientOptions | undefined;
  /** Default `http1`. */
  readonly protocol?: UpstreamProtocol | undefined;
  /** Options of the HTTP/2 codec; Envoy's defaults when absent. */
  readonly http2?: Http2Options | undefined;
  /** What requests ask of their connections; nothing when absent. */
  readonly transportPolicy?: TransportPolicy | undefined;
  /** TCP keep-alive probes start after this idle time; `undefined` leaves them off. */
  readonly tcpKeepaliveMs: number | undefined;
  /** How its connections are secured; plain TCP when absent. */
  readonly transport?: ClientTransport | undefined;
  /** Tried in order before `transport`. */
  readonly transportMatches?: readonly TransportMatch[] | undefined;
  readonly thresholds: { readonly default: Thresholds; readonly high: Thresholds };
  /** The cluster's hosts are checked actively: a new one is no good until it has passed. Default false. */
  readonly activeChecks?: boolean | undefined;
  /** New hosts count neither for nor against their priority until they have been checked. Default false. */
  readonly ignoreNewHosts?: boolean | undefined;
  /** Hosts that their source removes go at once, healthy or not. Default false. */
  readonly ignoreHealthOnHostRemoval?: boolean | undefined;
}

export const DEFAULT_THRESHOLDS: Thresholds = Object.freeze({
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
  trackRemaining: false,
  retryBudget: undefined,
});
