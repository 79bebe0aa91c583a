/** What a cluster needs at run time, in plain numbers; made from the frozen config by `config/build`. */

import type { EndpointHealthStatus } from '../api/discovery.ts';
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
  /** Pools that have a connection or a request that waits for one. Default unlimited. */
  readonly maxConnectionPools: number;
  /** Connections to one host (`per_host_thresholds`). Default unlimited. */
  readonly maxConnectionsPerHost: number;
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

/** What connections to a cluster's hosts speak: as configured, as the client does, or as ALPN says. */
export type UpstreamProtocol = 'http1' | 'http2' | 'downstream' | 'alpn';

/** A transport for hosts with certain metadata (`transport_socket_matches`). */
export interface TransportMatch {
  /** What its hosts are counted by: `<name>.total_match_count`. Default ''. */
  readonly name?: string;
  /** Fields that the host's `envoy.transport_socket_match` metadata must have, each with this value; none match any host. */
  readonly match: Readonly<Record<string, unknown>>;
  /** `undefined` is plain TCP. */
  readonly transport: ClientTransport | undefined;
}

/** What of a cluster is counted besides the usual (`track_cluster_stats`). */
export interface TrackedStats {
  readonly sizes: boolean;
  readonly budgets: boolean;
  readonly endpoints: boolean;
}

/** Where connections come from (`upstream_bind_config`). */
export interface SourceAddress {
  readonly localAddress: string;
  /** Absent is any. */
  readonly localPort?: number;
  /** 4 or 6. */
  readonly family: number;
}

/** Connections ahead of demand (`preconnect_policy`), as multiples of the requests that there are. 1 is none ahead. */
export interface PreconnectSettings {
  /** To the host that a request goes to. */
  readonly perUpstream: number;
  /** To those that the next requests will go to. */
  readonly predictive: number;
}

/** Envoy `HappyEyeballsConfig`. */
export interface AddressOrder {
  /** 4 or 6; 0 is that of the host's first address. */
  readonly firstFamily: number;
  /** Addresses of that family before the first of the other. Default 1. */
  readonly firstCount: number;
}

export interface ClusterSettings {
  readonly name: string;
  /** `alt_stat_name`, else the name. */
  readonly statName: string;
  /** `metadata.filter_metadata`; absent when it has none. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Default 5000. */
  readonly connectTimeoutMs: number;
  /** Idle connections are closed after this; 0 keeps them. Default one hour. */
  readonly idleTimeoutMs: number;
  /** 0 is unlimited. */
  readonly maxConnectionDurationMs: number;
  /** Percent of it that chance may add. Default 0. */
  readonly maxConnectionDurationJitter?: number | undefined;
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
  /** `undefined` is nothing. */
  readonly tracked?: TrackedStats | undefined;
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
  /** TCP connections of a host end when checks or outlier detection find it wanting. Default false. */
  readonly closeOnHealthFailure?: boolean | undefined;
  /** One for each family, tried by that of the host's address; the system chooses when absent. */
  readonly sources?: readonly SourceAddress[] | undefined;
  /** `undefined` is none. */
  readonly preconnect?: PreconnectSettings | undefined;
  /** For hosts of several addresses. */
  readonly addressOrder?: AddressOrder | undefined;
  /** A change of membership closes the connections of every host once their requests are over. Default false. */
  readonly closeOnHostSetChange?: boolean | undefined;
  /** What a host's health must be for requests that ask for it. Default `UNKNOWN`, `HEALTHY` and `DEGRADED`. */
  readonly overrideHostStatuses?: readonly EndpointHealthStatus[] | undefined;
}

export const DEFAULT_THRESHOLDS: Thresholds = Object.freeze({
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
  maxConnectionPools: Number.POSITIVE_INFINITY,
  maxConnectionsPerHost: Number.POSITIVE_INFINITY,
  trackRemaining: false,
  retryBudget: undefined,
});
