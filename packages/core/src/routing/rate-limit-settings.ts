/** Envoy's `RateLimit` after parsing. */
import type { HeaderMatcherSettings, QueryParameterMatcherSettings } from './settings.ts';

/** Envoy `RateLimit`. */
export interface RateLimitSettings {
  readonly stage: number;
  readonly disableKey: string;
  readonly actions: readonly RateLimitActionSettings[];
  readonly limit?: {
    readonly dynamicMetadata?: { readonly metadataKey: MetadataKeySettings };
    readonly rateLimit?: { readonly requestsPerUnit: number; readonly unit: RateLimitUnit };
  };
  readonly hitsAddend?: {
    readonly number?: number;
    /** A format. */
    readonly format?: string;
    readonly isNegativeHits: boolean;
  };
  readonly applyOnStreamDone: boolean;
  readonly xRatelimitOption: 'UNSPECIFIED' | 'OFF' | 'DRAFT_VERSION_03';
}

/** Envoy `RateLimitUnit`. */
export type RateLimitUnit = 'UNKNOWN' | 'SECOND' | 'MINUTE' | 'HOUR' | 'DAY' | 'MONTH' | 'YEAR' | 'WEEK';

/** Envoy `MetadataKey`. */
export interface MetadataKeySettings {
  readonly key: string;
  readonly path: readonly { readonly key?: string }[];
}

interface MatchedSettings {
  readonly descriptorKey: string;
  readonly descriptorValue: string;
}

interface MetadataActionSettings {
  readonly descriptorKey: string;
  readonly metadataKey: MetadataKeySettings;
  readonly defaultValue: string;
}

/** Envoy `RateLimit.Action`: one of them is given. */
export interface RateLimitActionSettings {
  readonly sourceCluster?: object;
  readonly destinationCluster?: object;
  readonly requestHeaders?: {
    readonly headerName: string;
    readonly descriptorKey: string;
    readonly skipIfAbsent: boolean;
  };
  readonly queryParameters?: {
    readonly queryParameterName: string;
    readonly descriptorKey: string;
    readonly skipIfAbsent: boolean;
  };
  readonly remoteAddress?: object;
  readonly maskedRemoteAddress?: { readonly v4PrefixMaskLen: number; readonly v6PrefixMaskLen: number };
  readonly remoteAddressMatch?: MatchedSettings & {
    readonly addressMatcher: {
      readonly ranges: readonly { readonly addressPrefix: string; readonly prefixLen: number }[];
      readonly invertMatch: boolean;
    };
  };
  readonly genericKey?: MatchedSettings;
  readonly headerValueMatch?: MatchedSettings & {
    readonly expectMatch: boolean;
    readonly headers: readonly HeaderMatcherSettings[];
  };
  readonly queryParameterValueMatch?: MatchedSettings & {
    readonly expectMatch: boolean;
    readonly queryParameters: readonly QueryParameterMatcherSettings[];
  };
  readonly dynamicMetadata?: MetadataActionSettings;
  readonly metadata?: MetadataActionSettings & {
    readonly source: 'DYNAMIC' | 'ROUTE_ENTRY';
    readonly skipIfAbsent: boolean;
  };
}
