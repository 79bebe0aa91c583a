/** What the actions of a route are compiled from: the shape of Envoy's messages after parsing, with defaults filled in. */
import type { RouteCorsPolicy } from '../api/route.ts';
import type { BodyFormatSettings } from '../format/body-format.ts';
import type { RateLimitSettings } from './rate-limit-settings.ts';
import type {
  BodySource,
  FilterSettings,
  HeaderMatcherSettings,
  HeaderMutationEntrySettings,
  HeaderMutationSettings,
  RuntimeFractionSettings,
} from './settings.ts';

/** Envoy `RouteAction`. One of `cluster`, `clusterHeader` and `weightedClusters` is given. */
export interface ForwardSettings {
  readonly cluster?: string;
  readonly clusterHeader?: string;
  readonly weightedClusters?: WeightedClustersSettings;
  readonly clusterNotFoundResponseCode: 'SERVICE_UNAVAILABLE' | 'NOT_FOUND' | 'INTERNAL_SERVER_ERROR';
  readonly metadataMatch?: MetadataSettings;
  readonly prefixRewrite?: string;
  readonly regexRewrite?: RegexRewriteSettings;
  readonly pathRewritePolicy?: ExtensionSettings;
  /** A format. */
  readonly pathRewrite?: string;
  readonly hostRewriteLiteral?: string;
  readonly autoHostRewrite?: boolean;
  readonly hostRewriteHeader?: string;
  readonly hostRewritePathRegex?: RegexRewriteSettings;
  /** A format. */
  readonly hostRewrite?: string;
  readonly appendXForwardedHost?: boolean;
  readonly timeoutMs: number;
  readonly idleTimeoutMs?: number;
  readonly flushTimeoutMs?: number;
  readonly maxStreamDuration?: StreamDurationSettings;
  readonly maxGrpcTimeoutMs?: number;
  readonly grpcTimeoutOffsetMs?: number;
  readonly priority?: 'DEFAULT' | 'HIGH';
  readonly hashPolicy?: readonly HashSettings[];
  readonly retryPolicy?: RetrySettings;
  readonly hedgePolicy?: HedgeSettings;
  readonly requestMirrorPolicies?: readonly MirrorSettings[];
  readonly internalRedirectPolicy?: InternalRedirectSettings;
  /** The deprecated way to ask for internal redirects; `internalRedirectPolicy` has precedence. */
  readonly internalRedirectAction?: 'PASS_THROUGH_INTERNAL_REDIRECT' | 'HANDLE_INTERNAL_REDIRECT';
  readonly maxInternalRedirects?: number;
  readonly upgradeConfigs?: readonly UpgradeSettings[];
  readonly rateLimits?: readonly RateLimitSettings[];
  readonly includeVhRateLimits?: boolean;
  readonly cors?: RouteCorsPolicy;
}

/** Envoy `Metadata`. */
export interface MetadataSettings {
  readonly filterMetadata: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Envoy `RegexMatchAndSubstitute`. */
export interface RegexRewriteSettings {
  readonly pattern: { readonly regex: string };
  readonly substitution: string;
}

/** An extension: its registered name and its parsed configuration. */
export interface ExtensionSettings {
  readonly name: string;
  readonly config: unknown;
}

/** Envoy `WeightedCluster`. */
export interface WeightedClustersSettings {
  readonly clusters: readonly WeightedClusterSettings[];
  readonly runtimeKeyPrefix: string;
  readonly headerName?: string;
  readonly useHashPolicy?: boolean;
}

/** Envoy `WeightedCluster.ClusterWeight`. One of `name` and `clusterHeader` is given. */
export interface WeightedClusterSettings extends HeaderMutationSettings {
  readonly name: string;
  readonly clusterHeader: string;
  readonly weight: number;
  readonly metadataMatch?: MetadataSettings;
  readonly typedPerFilterConfig: FilterSettings;
  readonly hostRewriteLiteral?: string;
}

/** Envoy `RouteAction.MaxStreamDuration`. */
export interface StreamDurationSettings {
  readonly maxStreamDurationMs?: number;
  readonly grpcTimeoutHeaderMaxMs?: number;
  readonly grpcTimeoutHeaderOffsetMs?: number;
}

/** Envoy `RetryPolicy`. */
export interface RetrySettings {
  /** Tokens, separated by commas. */
  readonly retryOn: string;
  readonly numRetries: number;
  readonly perTryTimeoutMs: number;
  readonly perTryIdleTimeoutMs: number;
  readonly retryPriority?: ExtensionSettings;
  readonly retryHostPredicate: readonly ExtensionSettings[];
  /** 0 means 1, as in Envoy. */
  readonly hostSelectionRetryMaxAttempts: number;
  readonly retriableStatusCodes: readonly number[];
  readonly retryBackOff?: { readonly baseIntervalMs: number; readonly maxIntervalMs?: number };
  readonly rateLimitedRetryBackOff?: {
    readonly resetHeaders: readonly { readonly name: string; readonly format: 'SECONDS' | 'UNIX_TIMESTAMP' }[];
    readonly maxIntervalMs: number;
  };
  readonly retriableHeaders: readonly HeaderMatcherSettings[];
  readonly retriableRequestHeaders: readonly HeaderMatcherSettings[];
}

/** Envoy `HedgePolicy`. */
export interface HedgeSettings {
  readonly hedgeOnPerTryTimeout: boolean;
}

/** Envoy `RouteAction.RequestMirrorPolicy`. One of `cluster` and `clusterHeader` is given. */
export interface MirrorSettings {
  readonly cluster: string;
  readonly clusterHeader: string;
  readonly runtimeFraction?: RuntimeFractionSettings;
  readonly disableShadowHostSuffixAppend: boolean;
  readonly requestHeadersMutations: readonly HeaderMutationEntrySettings[];
  readonly hostRewriteLiteral: string;
}

/** Envoy `InternalRedirectPolicy`. */
export interface InternalRedirectSettings {
  readonly maxInternalRedirects: number;
  /** None means 302. */
  readonly redirectResponseCodes: readonly number[];
  readonly predicates: readonly ExtensionSettings[];
  readonly allowCrossSchemeRedirect: boolean;
  readonly responseHeadersToCopy: readonly string[];
}

/** Envoy `RouteAction.HashPolicy`. One of the five sources is given. */
export interface HashSettings {
  readonly header?: { readonly headerName: string; readonly regexRewrite?: RegexRewriteSettings };
  readonly cookie?: HashCookieSettings;
  readonly connectionProperties?: { readonly sourceIp: boolean };
  readonly queryParameter?: { readonly name: string };
  readonly filterState?: { readonly key: string };
  readonly terminal: boolean;
}

/** Envoy `RouteAction.HashPolicy.Cookie`. With a `ttl` a missing cookie is made; 0 makes one for the session. */
export interface HashCookieSettings {
  readonly name: string;
  readonly ttlMs?: number;
  readonly path: string;
  readonly attributes: readonly { readonly name: string; readonly value: string }[];
}

/** Envoy `RouteAction.UpgradeConfig`. */
export interface UpgradeSettings {
  readonly upgradeType: string;
  readonly enabled: boolean;
  readonly connectConfig?: { readonly allowPost: boolean };
}

/** Envoy `RedirectAction`. */
export interface RedirectSettings {
  readonly httpsRedirect?: boolean;
  readonly schemeRedirect?: string;
  readonly hostRedirect?: string;
  readonly portRedirect?: number;
  readonly pathRedirect?: string;
  readonly prefixRewrite?: string;
  readonly regexRewrite?: RegexRewriteSettings;
  /** A format. */
  readonly pathRewrite?: string;
  readonly responseCode: 'MOVED_PERMANENTLY' | 'FOUND' | 'SEE_OTHER' | 'TEMPORARY_REDIRECT' | 'PERMANENT_REDIRECT';
  readonly stripQuery: boolean;
}

/** Envoy `DirectResponseAction`. */
export interface DirectResponseSettings {
  readonly status: number;
  readonly body?: BodySource;
  /** Makes the body; `body` is then `%LOCAL_REPLY_BODY%`. */
  readonly bodyFormat?: BodyFormatSettings;
}
