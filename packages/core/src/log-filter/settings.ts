/** What log filters are compiled from: the shape of Envoy's `AccessLogFilter` after parsing, with defaults filled in. */
import type { AccessLogType } from '../api/access-log.ts';
import type { HeaderMatcherSettings, MetadataMatcherSettings, RuntimeFractionSettings } from '../routing/settings.ts';

/** The moments at which entries are made, in Envoy's order. */
export const LOG_TYPES = [
  'NotSet',
  'TcpUpstreamConnected',
  'TcpPeriodic',
  'TcpConnectionEnd',
  'TcpConnectionStart',
  'DownstreamStart',
  'DownstreamPeriodic',
  'DownstreamEnd',
  'UpstreamPoolReady',
  'UpstreamPeriodic',
  'UpstreamEnd',
  'DownstreamTunnelSuccessfullyEstablished',
] as const satisfies readonly AccessLogType[];

/** Envoy `AccessLogFilter`: exactly one is given. */
export interface LogFilterSettings {
  readonly statusCodeFilter?: { readonly comparison: ComparisonSettings };
  /** Milliseconds. */
  readonly durationFilter?: { readonly comparison: ComparisonSettings };
  /** Given, even when empty. */
  readonly notHealthCheckFilter?: object;
  /** Given, even when empty. */
  readonly traceableFilter?: object;
  readonly runtimeFilter?: {
    readonly runtimeKey: string;
    readonly percentSampled?: RuntimeFractionSettings['defaultValue'];
    readonly useIndependentRandomness: boolean;
  };
  readonly andFilter?: { readonly filters: readonly LogFilterSettings[] };
  readonly orFilter?: { readonly filters: readonly LogFilterSettings[] };
  readonly headerFilter?: { readonly header: HeaderMatcherSettings };
  /** Without flags: any flag. */
  readonly responseFlagFilter?: { readonly flags: readonly string[] };
  readonly grpcStatusFilter?: { readonly statuses: readonly string[]; readonly exclude: boolean };
  readonly metadataFilter?: { readonly matcher?: MetadataMatcherSettings; readonly matchIfKeyNotFound: boolean };
  readonly logTypeFilter?: { readonly types: readonly string[]; readonly exclude: boolean };
}

/** Envoy `ComparisonFilter`. */
export interface ComparisonSettings {
  readonly op: 'EQ' | 'GE' | 'LE' | 'NE';
  /** `runtimeKey` may replace the value; '' is none. */
  readonly value: { readonly defaultValue: number; readonly runtimeKey: string };
}
