/** What `compileRoutes` is given: the shape of Envoy's route configuration after parsing, with defaults filled in. */
import type { RouteCorsPolicy } from '../api/route.ts';
import type {
  DirectResponseSettings,
  ForwardSettings,
  HedgeSettings,
  MetadataSettings,
  MirrorSettings,
  RedirectSettings,
  RetrySettings,
} from './action-settings.ts';
import type { RateLimitSettings } from './rate-limit-settings.ts';
import type { RouteTracingSettings } from './route-tracing.ts';

/** Envoy `RouteConfiguration`. */
export interface RouteTableSettings extends HeaderMutationSettings {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHostSettings[];
  readonly typedPerFilterConfig?: FilterSettings;
  /** Removed from requests of external clients by the connection manager. */
  readonly internalOnlyHeaders?: readonly string[];
  /** Header changes of the table come first and those of the route last. Default false: the other way round. */
  readonly mostSpecificHeaderMutationsWins?: boolean;
  /** For routes that have none, and whose virtual host has none. */
  readonly requestMirrorPolicies?: readonly MirrorSettings[];
  /** Hosts are compared without their port. Default false. */
  readonly ignorePortInHostMatching?: boolean;
  /** The header that names the virtual host in place of the host; '' (the default) is none. */
  readonly vhostHeader?: string;
  /** Path conditions, but for URI templates, see a path without the parameters (`;…`) of its segments. Default false. */
  readonly ignorePathParametersInPathMatching?: boolean;
}

/** Envoy `VirtualHost`. Domains are compared without regard to case and include the port, if any. */
export interface VirtualHostSettings extends HeaderMutationSettings {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly RouteSettings[];
  /** Which requests that did not come over TLS are sent to https, before any route is asked. Default NONE. */
  readonly requireTls?: 'NONE' | 'EXTERNAL_ONLY' | 'ALL';
  /** Classes of requests that have statistics of their own; the first that fits counts. */
  readonly virtualClusters?: readonly VirtualClusterSettings[];
  readonly typedPerFilterConfig: FilterSettings;
  readonly metadata?: MetadataSettings;
  readonly includeRequestAttemptCount?: boolean;
  readonly includeAttemptCountInResponse?: boolean;
  readonly includeIsTimeoutRetryHeader?: boolean;
  /** For routes that have none of their own; likewise below. */
  readonly retryPolicy?: RetrySettings;
  readonly hedgePolicy?: HedgeSettings;
  readonly requestMirrorPolicies?: readonly MirrorSettings[];
  readonly rateLimits?: readonly RateLimitSettings[];
  readonly cors?: RouteCorsPolicy;
  readonly perRequestBufferLimitBytes?: number;
  /** Takes the place of `perRequestBufferLimitBytes` where both are given. */
  readonly requestBodyBufferLimit?: number;
}

/** Envoy `Route`. Exactly one of the four actions is given. */
export interface RouteSettings extends HeaderMutationSettings, RouteTracingSettings {
  readonly name: string;
  readonly match: RouteMatchSettings;
  readonly route?: ForwardSettings;
  readonly redirect?: RedirectSettings;
  readonly directResponse?: DirectResponseSettings;
  readonly nonForwardingAction?: object;
  readonly typedPerFilterConfig: FilterSettings;
  readonly metadata?: MetadataSettings;
  /** Names statistics of the route's own; '' is none. */
  readonly statPrefix?: string;
  readonly perRequestBufferLimitBytes?: number;
  /** Takes the place of `perRequestBufferLimitBytes` where both are given. */
  readonly requestBodyBufferLimit?: number;
}

/** `typed_per_filter_config`: by the instance name of the HTTP filter. */
export type FilterSettings = Readonly<Record<string, FilterSetting>>;

/** One entry of `typed_per_filter_config`. */
export interface FilterSetting {
  /** `undefined` when the entry is a plain configuration and says nothing about it. */
  readonly disabled: boolean | undefined;
  /** `undefined` when the entry only switches the filter. */
  readonly config: unknown;
}

/** Envoy `VirtualCluster`. */
export interface VirtualClusterSettings {
  readonly name: string;
  readonly headers: readonly HeaderMatcherSettings[];
}

/** Envoy `RouteMatch`. Exactly one of the path conditions (the first seven) is given. */
export interface RouteMatchSettings {
  readonly prefix?: string;
  readonly path?: string;
  readonly pathSeparatedPrefix?: string;
  readonly safeRegex?: RegexSettings;
  /** The form of `safeRegex` in files of 2018. */
  readonly regex?: string;
  /** Given, even when empty: CONNECT requests, and no others. */
  readonly connectMatcher?: object;
  /** A URI template. */
  readonly pathMatchPolicy?: { readonly name: string; readonly config: unknown };
  /** Has an effect on `prefix`, `path` and `pathSeparatedPrefix` only. */
  readonly caseSensitive: boolean;
  readonly headers: readonly HeaderMatcherSettings[];
  readonly queryParameters: readonly QueryParameterMatcherSettings[];
  readonly cookies?: readonly CookieMatcherSettings[];
  /** Given, even when empty: gRPC requests only. */
  readonly grpc?: object;
  readonly tlsContext?: { readonly presented?: boolean; readonly validated?: boolean };
  readonly runtimeFraction?: RuntimeFractionSettings;
  readonly dynamicMetadata?: readonly MetadataMatcherSettings[];
  readonly filterState?: readonly FilterStateMatcherSettings[];
}

/** Envoy `RuntimeFractionalPercent`. */
export interface RuntimeFractionSettings {
  readonly defaultValue: {
    readonly numerator: number;
    readonly denominator: 'HUNDRED' | 'TEN_THOUSAND' | 'MILLION';
  };
  readonly runtimeKey?: string;
}

/** Envoy `CookieMatcher`. */
export interface CookieMatcherSettings {
  readonly name: string;
  readonly stringMatch: StringMatcherSettings;
  readonly invertMatch: boolean;
}

/** Envoy `MetadataMatcher`: a value somewhere below one namespace of the stream's dynamic metadata. */
export interface MetadataMatcherSettings {
  readonly filter: string;
  readonly path: readonly { readonly key: string }[];
  readonly value: ValueMatcherSettings;
  readonly invert: boolean;
}

/** Envoy `ValueMatcher`: exactly one of the conditions is given. */
export interface ValueMatcherSettings {
  readonly nullMatch?: object;
  readonly doubleMatch?: { readonly range?: { readonly start: number; readonly end: number }; readonly exact?: number };
  readonly stringMatch?: StringMatcherSettings;
  readonly boolMatch?: boolean;
  readonly presentMatch?: boolean;
  readonly listMatch?: { readonly oneOf: ValueMatcherSettings };
  readonly orMatch?: { readonly valueMatchers: readonly ValueMatcherSettings[] };
}

/** Envoy `FilterStateMatcher`: exactly one of the two conditions is given. */
export interface FilterStateMatcherSettings {
  readonly key: string;
  readonly stringMatch?: StringMatcherSettings;
  readonly addressMatch?: {
    readonly ranges: readonly { readonly addressPrefix: string; readonly prefixLen: number }[];
    readonly invertMatch: boolean;
  };
}

/** Envoy `RegexMatcher`: RE2 syntax, the whole text must match. */
export interface RegexSettings {
  readonly regex: string;
}

/** Envoy `StringMatcher`: exactly one of the conditions is given. `ignoreCase` has no effect on `safeRegex`. */
export interface StringMatcherSettings {
  readonly exact?: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly contains?: string;
  readonly safeRegex?: RegexSettings;
  readonly ignoreCase: boolean;
}

/** Envoy `HeaderMatcher`: at most one condition is given; with none the header must be present. */
export interface HeaderMatcherSettings {
  readonly name: string;
  readonly exactMatch?: string;
  readonly safeRegexMatch?: RegexSettings;
  /** The form of `safeRegexMatch` in files of 2018. */
  readonly regexMatch?: string;
  /** `start` is included, `end` is not. */
  readonly rangeMatch?: { readonly start: number; readonly end: number };
  readonly presentMatch?: boolean;
  readonly prefixMatch?: string;
  readonly suffixMatch?: string;
  readonly containsMatch?: string;
  readonly stringMatch?: StringMatcherSettings;
  readonly invertMatch: boolean;
  readonly treatMissingHeaderAsEmpty: boolean;
}

/** Envoy `QueryParameterMatcher`: at most one condition is given; with none the parameter must be present. */
export interface QueryParameterMatcherSettings {
  readonly name: string;
  readonly stringMatch?: StringMatcherSettings;
  readonly presentMatch?: boolean;
}

/** Envoy `DataSource`: one of the four is given. Reading it is up to `directBody` of the compile options. */
export interface BodySource {
  readonly filename?: string;
  readonly inlineBytes?: Uint8Array;
  readonly inlineString?: string;
  readonly environmentVariable?: string;
}

/** The header changes that route configurations, virtual hosts and routes have alike. */
export interface HeaderMutationSettings {
  readonly requestHeadersToAdd: readonly HeaderAdditionSettings[];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: readonly HeaderAdditionSettings[];
  readonly responseHeadersToRemove: readonly string[];
}

/** Envoy `HeaderValueOption`. Values are formats (`%COMMAND%`). */
export interface HeaderAdditionSettings {
  readonly header: { readonly key: string; readonly value: string };
  /** The deprecated way to say append (true, the default) or overwrite (false). */
  readonly append?: boolean;
  readonly appendAction?:
    | 'APPEND_IF_EXISTS_OR_ADD'
    | 'ADD_IF_ABSENT'
    | 'OVERWRITE_IF_EXISTS_OR_ADD'
    | 'OVERWRITE_IF_EXISTS';
  readonly keepEmptyValue: boolean;
}

/** Envoy `common.mutation_rules.v3.HeaderMutation`: exactly one of the three is given. */
export interface HeaderMutationEntrySettings {
  readonly append?: HeaderAdditionSettings;
  readonly remove?: string;
  /** Removes every header whose name (lower case) fits. */
  readonly removeOnMatch?: { readonly keyMatcher: StringMatcherSettings };
}
