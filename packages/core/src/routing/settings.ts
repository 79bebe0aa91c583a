/** What `compileRoutes` is given: the shape of Envoy's route configuration after parsing, with defaults filled in. */

/** Envoy `RouteConfiguration`. */
export interface RouteTableSettings extends HeaderMutationSettings {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHostSettings[];
}

/** Envoy `VirtualHost`. Domains are compared without regard to case and include the port, if any. */
export interface VirtualHostSettings extends HeaderMutationSettings {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly RouteSettings[];
  readonly typedPerFilterConfig: FilterSettings;
}

/** Envoy `Route`. Exactly one of the three actions is given. */
export interface RouteSettings extends HeaderMutationSettings {
  readonly name: string;
  readonly match: RouteMatchSettings;
  readonly route?: ForwardSettings;
  readonly redirect?: RedirectSettings;
  readonly directResponse?: DirectResponseSettings;
  readonly typedPerFilterConfig: FilterSettings;
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

/** Envoy `RouteMatch`. Exactly one of the four path conditions is given. */
export interface RouteMatchSettings {
  readonly prefix?: string;
  readonly path?: string;
  readonly pathSeparatedPrefix?: string;
  readonly safeRegex?: RegexSettings;
  /** Has no effect on `safeRegex`. */
  readonly caseSensitive: boolean;
  readonly headers: readonly HeaderMatcherSettings[];
  readonly queryParameters: readonly QueryParameterMatcherSettings[];
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

/** Envoy `RouteAction`. */
export interface ForwardSettings {
  readonly cluster?: string;
  readonly clusterNotFoundResponseCode: 'SERVICE_UNAVAILABLE' | 'NOT_FOUND' | 'INTERNAL_SERVER_ERROR';
  readonly prefixRewrite?: string;
  readonly hostRewriteLiteral?: string;
  readonly timeoutMs: number;
  readonly idleTimeoutMs?: number;
}

/** Envoy `RedirectAction`. */
export interface RedirectSettings {
  readonly httpsRedirect?: boolean;
  readonly schemeRedirect?: string;
  readonly hostRedirect?: string;
  readonly portRedirect?: number;
  readonly pathRedirect?: string;
  readonly prefixRewrite?: string;
  readonly responseCode: 'MOVED_PERMANENTLY' | 'FOUND' | 'SEE_OTHER' | 'TEMPORARY_REDIRECT' | 'PERMANENT_REDIRECT';
  readonly stripQuery: boolean;
}

/** Envoy `DirectResponseAction`. */
export interface DirectResponseSettings {
  readonly status: number;
  readonly body?: BodySource;
}

/** Envoy `DataSource`: one of the four is given. Reading it is up to `directBody` of the compile options. */
export interface BodySource {
  readonly filename?: string;
  readonly inlineBytes?: Uint8Array;
  readonly inlineString?: string;
  readonly environmentVariable?: string;
}

/** The header changes that route configurations, virtual hosts and routes have alike. Values are literal. */
export interface HeaderMutationSettings {
  readonly requestHeadersToAdd: readonly HeaderAdditionSettings[];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: readonly HeaderAdditionSettings[];
  readonly responseHeadersToRemove: readonly string[];
}

/** Envoy `HeaderValueOption`. */
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
