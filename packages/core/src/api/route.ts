/** The outcome of route matching, as filters see it. */
import type { RequestHeaders, ResponseHeaders } from './headers.ts';
import type { HttpStream } from './http-stream.ts';
import type { RuntimeFraction } from './runtime.ts';
import type { Counter } from './stats.ts';
import type { RouteTracing } from './tracing.ts';

/** What the matched route wants done with the request. */
export type RouteAction = ForwardAction | RedirectAction | DirectResponseAction;

/** The request goes to a cluster. */
export interface ForwardAction {
  readonly kind: 'forward';
  /** '' when `clusterHeader` names it. */
  readonly cluster: string;
  /** The request header that names the cluster (`cluster_header`), lower case; `undefined` when `cluster` does. */
  readonly clusterHeader: string | undefined;
  /** Answered when the cluster does not exist: 503 unless configured (`cluster_not_found_response_code`). */
  readonly clusterNotFoundStatus: number;
  /** Time for the whole response once the request is complete; 0 is unlimited. Default 15 000. */
  readonly timeoutMs: number;
  /** Replaces the connection manager's `stream_idle_timeout`; `undefined` keeps it, 0 disables. */
  readonly idleTimeoutMs: number | undefined;
  /** Replaces the connection manager's `stream_flush_timeout`; `undefined` keeps it, 0 disables. */
  readonly flushTimeoutMs: number | undefined;
  /** `max_stream_duration`: takes the place of `timeoutMs` and of the two `grpc_timeout` fields below when given. */
  readonly streamDuration: StreamDurationPolicy | undefined;
  /** Bound of a gRPC request's own `grpc-timeout`; 0 takes the header as it is, `undefined` ignores the header. */
  readonly maxGrpcTimeoutMs: number | undefined;
  /** Taken off `grpc-timeout` when smaller than it; 0 is off. */
  readonly grpcTimeoutOffsetMs: number;
  /** Class of the circuit breakers that count the request. */
  readonly priority: 'default' | 'high';
  /** The route's policy, or the virtual host's when the route has none. */
  readonly retry: RetryPolicy | undefined;
  readonly hedge: HedgePolicy | undefined;
  readonly mirrors: readonly MirrorPolicy[];
  readonly internalRedirect: InternalRedirectPolicy | undefined;
  /** By lower-case upgrade type; overrides the connection manager's switch. */
  readonly upgrades: ReadonlyMap<string, UpgradePolicy>;
  /** Subset load balancing criteria (`envoy.lb` of `metadata_match`), weighted cluster entry over route. */
  readonly metadataMatch: Readonly<Record<string, unknown>> | undefined;
  /** Limit of the request body kept for retries; `undefined` is the connection's buffer limit. */
  readonly requestBufferLimitBytes: number | undefined;
  /** `x-envoy-attempt-count` towards upstream. */
  readonly includeRequestAttemptCount: boolean;
  /** `x-envoy-attempt-count` towards the client. */
  readonly includeAttemptCountInResponse: boolean;
  /** `x-envoy-is-timeout-retry` towards upstream. */
  readonly includeIsTimeoutRetryHeader: boolean;
  /** The host name of the chosen endpoint replaces `host` (`auto_host_rewrite`). */
  readonly autoHostRewrite: boolean;
  /** `host` as it was goes to `x-forwarded-host` when it is rewritten. */
  readonly appendXForwardedHost: boolean;
  /**
   * The hash of the route's hash policies for this request, 64 bits; `undefined` when there is none. A cookie policy may
   * make a new cookie: its `set-cookie` value is handed to `addCookie`.
   */
  hash(stream: HttpStream, addCookie: (setCookie: string) => void): bigint | undefined;
  /** False when the route has no hash policy, so that `hash` need not be called. */
  readonly hasHashPolicy: boolean;
}

/** Envoy `RouteAction.MaxStreamDuration`. */
export interface StreamDurationPolicy {
  /** 0 is unlimited; `undefined` when only the header counts. */
  readonly maxStreamDurationMs: number | undefined;
  /** Bound of `grpc-timeout`; 0 takes it as it is; `undefined` ignores the header. */
  readonly grpcTimeoutHeaderMaxMs: number | undefined;
  readonly grpcTimeoutHeaderOffsetMs: number;
}

/** Envoy `RetryPolicy`. */
export interface RetryPolicy {
  /** Tokens as written, e.g. `5xx`, `connect-failure`; unknown ones are ignored. */
  readonly retryOn: readonly string[];
  /** Default 1. */
  readonly numRetries: number;
  /** 0 is none. */
  readonly perTryTimeoutMs: number;
  /** 0 is none. */
  readonly perTryIdleTimeoutMs: number;
  readonly retriableStatusCodes: readonly number[];
  readonly retriableHeaders: readonly HeaderPredicate[];
  /** When not empty, only requests that one of them accepts are retried. */
  readonly retriableRequestHeaders: readonly HeaderPredicate[];
  /** `undefined` takes runtime `upstream.base_retry_backoff_ms` (25 ms) and ten times that. */
  readonly backOff: { readonly baseMs: number; readonly maxMs: number } | undefined;
  readonly rateLimitedBackOff: RateLimitedBackOff | undefined;
  /** Names of the host predicates, e.g. `envoy.retry_host_predicates.previous_hosts`, with their configs. */
  readonly hostPredicates: readonly RetryExtension[];
  readonly retryPriority: RetryExtension | undefined;
  /** How often a host that a predicate refuses is replaced. Default 1. */
  readonly hostSelectionMaxAttempts: number;
}

/** A retry extension as configured. */
export interface RetryExtension {
  readonly name: string;
  readonly config: unknown;
}

/** A condition on headers, compiled. */
export interface HeaderPredicate {
  matches(headers: RequestHeaders | ResponseHeaders): boolean;
}

/** Envoy `RateLimitedRetryBackOff`. */
export interface RateLimitedBackOff {
  readonly resetHeaders: readonly { readonly name: string; readonly format: 'SECONDS' | 'UNIX_TIMESTAMP' }[];
  /** Default 300 000. */
  readonly maxMs: number;
}

/** Envoy `HedgePolicy`. */
export interface HedgePolicy {
  readonly hedgeOnPerTryTimeout: boolean;
}

/** Envoy `RequestMirrorPolicy`. */
export interface MirrorPolicy {
  /** '' when `clusterHeader` names it. */
  readonly cluster: string;
  readonly clusterHeader: string | undefined;
  /** `undefined`: every request. */
  readonly fraction: RuntimeFraction | undefined;
  /** `host` keeps its value instead of getting `-shadow` appended. */
  readonly keepHost: boolean;
  /** Replaces `host`; '' keeps it. */
  readonly hostRewrite: string;
  /** `request_headers_mutations`, applied to the copy. */
  mutate(headers: RequestHeaders, stream: HttpStream): void;
}

/** Envoy `InternalRedirectPolicy`. */
export interface InternalRedirectPolicy {
  /** Default 1. */
  readonly maxInternalRedirects: number;
  /** Default [302]. */
  readonly statuses: readonly number[];
  readonly allowCrossScheme: boolean;
  readonly predicates: readonly RetryExtension[];
  readonly responseHeadersToCopy: readonly string[];
}

/** Envoy `RouteAction.UpgradeConfig`. */
export interface UpgradePolicy {
  readonly enabled: boolean;
  /** CONNECT ends here and its payload goes upstream as TCP. */
  readonly connect: { readonly allowPost: boolean } | undefined;
}

/** The client is sent elsewhere. */
export interface RedirectAction {
  readonly kind: 'redirect';
  readonly status: number;
  /** The value of `location` for this request. */
  location(headers: RequestHeaders, stream: HttpStream): string;
}

/** The proxy answers by itself. */
export interface DirectResponseAction {
  readonly kind: 'direct_response';
  readonly status: number;
  readonly body: string;
  /** The value of `location`, which answers with status 201 and 3xx carry: the URL of the request itself. */
  location?(headers: RequestHeaders, stream: HttpStream): string;
  /**
   * The body for this request when it has a format (`body_format`); else `body` is sent as it is. A content type of the
   * format's own takes the place of what the route's header changes make of it; '' when it has none.
   */
  format?(stream: HttpStream): { readonly body: string; readonly contentType: string };
}

/** Statistics of the virtual cluster that a request belongs to, under Envoy's names. */
export interface VirtualClusterTraffic {
  /** `other` when none of the configured ones fits. */
  readonly name: string;
  readonly upstream_rq_total: Counter;
  readonly upstream_rq_retry: Counter;
  readonly upstream_rq_retry_limit_exceeded: Counter;
  readonly upstream_rq_retry_overflow: Counter;
  readonly upstream_rq_retry_success: Counter;
  readonly upstream_rq_timeout: Counter;
  /** Counts a response by code and class. */
  chargeStatus(status: number): void;
  /** Counts a finished exchange: `upstream_rq_time`. */
  chargeTime(durationMs: number): void;
}

/** What a rate limit service is asked about a request: Envoy's descriptor. */
export interface RateLimitDescriptor {
  readonly entries: readonly { readonly key: string; readonly value: string }[];
  /** Takes the place of the service's own limit. */
  readonly limit: { readonly requestsPerUnit: number; readonly unit: string } | undefined;
  /** How many hits the request counts as; `undefined` leaves it to the filter. */
  readonly hitsAddend: number | undefined;
  /** The hits are given back. */
  readonly isNegativeHits: boolean;
  /** Runtime key part that switches it off; '' is none. */
  readonly disableKey: string;
  /** It is asked about when the exchange is over. */
  readonly applyOnStreamDone: boolean;
  /** Whether `x-ratelimit-*` headers are sent; `undefined` leaves it to the filter. */
  readonly xRateLimitHeaders: boolean | undefined;
}

/** The `rate_limits` of a route or of a virtual host. */
export interface RateLimitPolicy {
  /** The descriptors of one stage (0 to 10) for a request, in the order of the configuration. */
  descriptors(stream: HttpStream, stage: number, serviceCluster: string): RateLimitDescriptor[];
}

/** What rate limit filters find on a route. */
export interface RouteRateLimits {
  readonly route: RateLimitPolicy | undefined;
  readonly virtualHost: RateLimitPolicy | undefined;
  /** The virtual host's count also when the route has some of its own (`include_vh_rate_limits`). */
  readonly includesVirtualHost: boolean;
}

/** Envoy `CorsPolicy` as routes and virtual hosts may give it; what is absent is left to the next level. */
export interface RouteCorsPolicy {
  readonly allowOriginStringMatch: readonly object[];
  readonly allowMethods?: string;
  readonly allowHeaders?: string;
  readonly exposeHeaders?: string;
  readonly maxAge?: string;
  readonly allowCredentials?: boolean;
  readonly filterEnabled?: object;
  readonly shadowEnabled?: object;
  readonly allowPrivateNetworkAccess?: boolean;
  readonly forwardNotMatchingPreflights?: boolean;
}

/** A matched route. Compiled at config time, shared by all requests. */
export interface Route {
  readonly name: string;
  readonly virtualHost: string;
  readonly action: RouteAction;
  /** `metadata.filter_metadata` of the route. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Applies rewrites and header additions of route, virtual host and table, in Envoy's order. */
  finalizeRequest(headers: RequestHeaders, stream: HttpStream, keepOriginalPath: boolean): void;
  finalizeResponse(headers: ResponseHeaders, stream: HttpStream): void;
  /** The most specific per-route config of the HTTP filter with this index in the chain, if any. */
  filterConfig(slot: number): unknown;
  /** All of them, most specific first: for filters that merge (cors, rate limits, header mutation). */
  filterConfigs(slot: number): readonly unknown[];
  /** `undefined` when the route says nothing about tracing. */
  readonly tracing?: RouteTracing | undefined;
  /** Upstream statistics of the route's own (`stat_prefix`); `undefined` when it has none. */
  readonly traffic?: VirtualClusterTraffic | undefined;
  /** `undefined` when neither the route nor its virtual host has any. */
  readonly rateLimits?: RouteRateLimits | undefined;
  /** The old form of CORS policies (`cors`), most specific first; empty when there is none. */
  readonly cors?: readonly RouteCorsPolicy[];
  /** The virtual cluster of a request; `undefined` when the virtual host has none. Asked once per request. */
  virtualCluster?(headers: RequestHeaders): VirtualClusterTraffic | undefined;
}
