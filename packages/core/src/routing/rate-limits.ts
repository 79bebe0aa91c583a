/** What a route tells rate limit services about a request: Envoy's descriptors. */
import type { HttpStream } from '../api/http-stream.ts';
import type { RateLimitDescriptor, RateLimitPolicy } from '../api/route.ts';
import { compileFormat, type Format } from '../format/format.ts';
import { compileRateLimitAction, metadataAt, type RateLimitAction } from './rate-limit-action.ts';
import type { RateLimitSettings, RateLimitUnit } from './rate-limit-settings.ts';

/** The `rate_limits` of a route or of a virtual host; `undefined` when there are none. */
export function compileRateLimits(settings: readonly RateLimitSettings[] = []): RateLimits | undefined {
  return settings.length === 0 ? undefined : new RateLimits(settings);
}

/** Compiled `rate_limits`. */
export class RateLimits implements RateLimitPolicy {
  /** By stage. */
  private readonly stages: readonly (readonly RateLimitEntry[])[];

  /** @throws SyntaxError for a bad regular expression or format. */
  constructor(settings: readonly RateLimitSettings[]) {
    const entries = settings.map((each) => new RateLimitEntry(each));
    this.stages = Array.from({ length: 11 }, (_, stage) => entries.filter((entry) => entry.stage === stage));
  }

  descriptors(stream: HttpStream, stage: number, serviceCluster: string): RateLimitDescriptor[] {
    return (this.stages[stage] ?? []).flatMap((entry) => entry.descriptor(stream, serviceCluster) ?? []);
  }
}

/** One `RateLimit`: at most one descriptor per request. */
class RateLimitEntry {
  readonly stage: number;
  private readonly settings: RateLimitSettings;
  private readonly actions: readonly RateLimitAction[];
  private readonly hits: Format | undefined;

  constructor(settings: RateLimitSettings) {
    const { hitsAddend } = settings;
    this.stage = settings.stage;
    this.settings = settings;
    this.actions = settings.actions.map(compileRateLimitAction);
    this.hits = hitsAddend?.format ? compileFormat(hitsAddend.format) : undefined;
  }

  /** `undefined` when one of the actions has nothing to say. */
  descriptor(stream: HttpStream, serviceCluster: string): RateLimitDescriptor | undefined {
    const entries: { key: string; value: string }[] = [];
    for (const action of this.actions) {
      const entry = action(stream, serviceCluster);
      if (entry === undefined) return undefined;
      if (entry !== 'skip') entries.push(entry);
    }
    const { disableKey, applyOnStreamDone, xRatelimitOption, hitsAddend } = this.settings;
    return {
      entries,
      limit: this.limit(stream),
      hitsAddend: this.hitsAddend(stream),
      isNegativeHits: hitsAddend?.isNegativeHits ?? false,
      disableKey,
      applyOnStreamDone,
      xRateLimitHeaders: xRatelimitOption === 'UNSPECIFIED' ? undefined : xRatelimitOption === 'DRAFT_VERSION_03',
    };
  }

  private limit(stream: HttpStream): RateLimitDescriptor['limit'] {
    const { limit } = this.settings;
    if (limit?.rateLimit !== undefined) return limit.rateLimit;
    if (limit?.dynamicMetadata === undefined) return undefined;
    const { metadataKey } = limit.dynamicMetadata;
    return overrideOf(metadataAt(stream.info.metadata.get(metadataKey.key), metadataKey));
  }

  private hitsAddend(stream: HttpStream): number | undefined {
    if (this.hits === undefined) return this.settings.hitsAddend?.number;
    const text = this.hits.format(stream);
    return /^\d{1,10}$/.test(text) && Number(text) <= 1_000_000_000 ? Number(text) : undefined;
  }
}

const UNITS: readonly string[] = ['UNKNOWN', 'SECOND', 'MINUTE', 'HOUR', 'DAY', 'MONTH', 'YEAR', 'WEEK'];

function overrideOf(value: unknown): RateLimitDescriptor['limit'] {
  const { requests_per_unit: requestsPerUnit, unit } = (value ?? {}) as {
    readonly requests_per_unit?: unknown;
    readonly unit?: unknown;
  };
  if (typeof requestsPerUnit !== 'number' || typeof unit !== 'string' || !UNITS.includes(unit)) return undefined;
  return { requestsPerUnit, unit: unit as RateLimitUnit };
}
