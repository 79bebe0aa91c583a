/** What an RBAC engine is compiled from: Envoy's messages after parsing. */
import type {
  FilterStateMatcherSettings,
  HeaderMatcherSettings,
  MetadataMatcherSettings,
  StringMatcherSettings,
} from '../routing/settings.ts';

/** Envoy `CidrRange`. */
export interface RangeSettings {
  readonly addressPrefix: string;
  readonly prefixLen: number;
}

/** Envoy `Permission`: exactly one is given. */
export interface PermissionSettings {
  readonly andRules?: { readonly rules: readonly PermissionSettings[] };
  readonly orRules?: { readonly rules: readonly PermissionSettings[] };
  readonly notRule?: PermissionSettings;
  readonly any?: boolean;
  /** The fields of the request head: HTTP only. */
  readonly header?: HeaderMatcherSettings;
  readonly urlPath?: { readonly path: StringMatcherSettings };
  readonly destinationIp?: RangeSettings;
  readonly destinationPort?: number;
  /** [start, end). */
  readonly destinationPortRange?: { readonly start: number; readonly end: number };
  readonly metadata?: MetadataMatcherSettings;
  readonly requestedServerName?: StringMatcherSettings;
}

/** Envoy `Principal`: exactly one is given. */
export interface PrincipalSettings {
  readonly andIds?: { readonly ids: readonly PrincipalSettings[] };
  readonly orIds?: { readonly ids: readonly PrincipalSettings[] };
  readonly notId?: PrincipalSettings;
  readonly any?: boolean;
  readonly authenticated?: { readonly principalName?: StringMatcherSettings };
  /** The older name of `remoteIp`… of the connection. */
  readonly sourceIp?: RangeSettings;
  readonly directRemoteIp?: RangeSettings;
  readonly remoteIp?: RangeSettings;
  readonly header?: HeaderMatcherSettings;
  readonly urlPath?: { readonly path: StringMatcherSettings };
  readonly metadata?: MetadataMatcherSettings;
  readonly filterState?: FilterStateMatcherSettings;
}

/** Envoy `RBAC`. */
export interface RbacSettings {
  readonly action: 'ALLOW' | 'DENY' | 'LOG';
  readonly policies: Readonly<
    Record<
      string,
      { readonly permissions: readonly PermissionSettings[]; readonly principals: readonly PrincipalSettings[] }
    >
  >;
}
