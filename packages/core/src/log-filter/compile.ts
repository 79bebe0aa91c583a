/** Envoy's `AccessLogFilter` as a condition on an exchange: which ones are logged, which local replies are changed. */
import type { LogSubject } from '../api/access-log.ts';
import { ResponseFlag } from '../errors.ts';
import type { FormatContext } from '../format/operator.ts';
import { anyGrpcStatus, GRPC_STATUS_NAMES } from '../format/operators/grpc.ts';
import { responseCode } from '../format/operators/stream-info.ts';
import { HeaderCondition } from '../routing/header-match.ts';
import { MetadataCondition } from '../routing/value-match.ts';
import type { ComparisonSettings, LogFilterSettings } from './settings.ts';

/** A compiled condition. The context says what is not on the stream yet. */
export type LogFilter = (stream: LogSubject, context: FormatContext) => boolean;

/** @throws SyntaxError for a bad regular expression, TypeError when no condition is given. */
export function compileLogFilter(settings: LogFilterSettings): LogFilter {
  const { statusCodeFilter, durationFilter, andFilter, orFilter, headerFilter } = settings;
  if (statusCodeFilter !== undefined) return compare(statusCodeFilter.comparison, responseCode);
  if (durationFilter !== undefined) return compare(durationFilter.comparison, durationMs);
  if (settings.notHealthCheckFilter !== undefined) return ({ info }) => info.healthCheck !== true;
  // As in Envoy: what a service has asked to be traced (`x-envoy-force-trace`), and nothing else.
  if (settings.traceableFilter !== undefined) {
    return ({ info }) => info.traceReason === 'service' && info.healthCheck !== true;
  }
  if (settings.runtimeFilter !== undefined) return share(settings.runtimeFilter);
  if (andFilter !== undefined) return all(andFilter.filters.map(compileLogFilter));
  if (orFilter !== undefined) return any(orFilter.filters.map(compileLogFilter));
  if (headerFilter !== undefined) {
    const condition = new HeaderCondition(headerFilter.header);
    return (stream) => condition.matches(stream.requestHeaders);
  }
  return rareFilter(settings);
}

function rareFilter(settings: LogFilterSettings): LogFilter {
  const { responseFlagFilter, grpcStatusFilter, metadataFilter, logTypeFilter } = settings;
  if (responseFlagFilter !== undefined) return flags(responseFlagFilter.flags);
  if (grpcStatusFilter !== undefined) return grpcStatus(grpcStatusFilter);
  if (metadataFilter !== undefined) return metadata(metadataFilter);
  if (logTypeFilter === undefined) throw new TypeError('a log filter needs a condition');
  const { types, exclude } = logTypeFilter;
  return (_, { accessLogType = 'NotSet' }) => types.includes(accessLogType) !== exclude;
}

function durationMs({ info, timers }: LogSubject): number {
  return Math.floor((info.endMs > 0 ? info.endMs : timers.nowMs()) - info.startMs);
}

function compare(
  { op, value }: ComparisonSettings,
  actual: (stream: LogSubject, context: FormatContext) => number,
): LogFilter {
  const { defaultValue, runtimeKey } = value;
  const holds = COMPARISONS[op];
  if (runtimeKey === '') return (stream, context) => holds(actual(stream, context), defaultValue);
  return (stream, context) => holds(actual(stream, context), stream.runtime.integer(runtimeKey, defaultValue));
}

const COMPARISONS: Readonly<Record<ComparisonSettings['op'], (actual: number, wanted: number) => boolean>> = {
  EQ: (actual, wanted) => actual === wanted,
  GE: (actual, wanted) => actual >= wanted,
  LE: (actual, wanted) => actual <= wanted,
  NE: (actual, wanted) => actual !== wanted,
};

const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

/** A share of requests, the same for all proxies that see a request id; its runtime value counts in parts of the whole. */
function share(settings: NonNullable<LogFilterSettings['runtimeFilter']>): LogFilter {
  const { runtimeKey, percentSampled, useIndependentRandomness } = settings;
  const numerator = percentSampled?.numerator ?? 0;
  const denominator = DENOMINATORS[percentSampled?.denominator ?? 'HUNDRED'];
  return (stream) => {
    const id = useIndependentRandomness ? undefined : stream.requestHeaders.get('x-request-id');
    return (numberOfId(id) ?? stream.random) % denominator < stream.runtime.integer(runtimeKey, numerator);
  };
}

/** The first eight hexadecimal digits of a UUID. */
function numberOfId(id: string | undefined): number | undefined {
  if (id === undefined || !/^[0-9a-f]{8}-[0-9a-f]{4}-/i.test(id)) return undefined;
  return Number.parseInt(id.slice(0, 8), 16);
}

function all(filters: readonly LogFilter[]): LogFilter {
  return (stream, context) => filters.every((filter) => filter(stream, context));
}

function any(filters: readonly LogFilter[]): LogFilter {
  return (stream, context) => filters.some((filter) => filter(stream, context));
}

function flags(names: readonly string[]): LogFilter {
  let wanted = 0;
  for (const name of names) wanted |= ResponseFlag[name as keyof typeof ResponseFlag];
  return wanted === 0 ? ({ info }) => info.flags !== 0 : ({ info }) => (info.flags & wanted) !== 0;
}

/** What has no status counts as unknown. */
function grpcStatus({ statuses, exclude }: NonNullable<LogFilterSettings['grpcStatusFilter']>): LogFilter {
  const codes = statuses.map((name) => GRPC_STATUS_NAMES.indexOf(name === 'CANCELED' ? 'CANCELLED' : name));
  return (stream, context) => codes.includes(anyGrpcStatus(stream, context) ?? 2) !== exclude;
}

function metadata({ matcher, matchIfKeyNotFound }: NonNullable<LogFilterSettings['metadataFilter']>): LogFilter {
  if (matcher === undefined) return () => matchIfKeyNotFound;
  const condition = new MetadataCondition(matcher);
  return (stream) => (condition.actual(stream) === undefined ? matchIfKeyNotFound : condition.matches(stream));
}
