/** Stats: where they are sent, which are kept, how names become tags, and the buckets of histograms. */
import type { z } from 'zod';
import { FullMatch } from '../regex/full-match.ts';
import { stringMatcher } from './common.ts';
import { extension } from './extension.ts';
import { type DeepPartial, message, required, withDefault } from './message.ts';
import { bool, double, list, string, uint32 } from './proto-json.ts';
import type { Report } from './schema-type.ts';
import { DEFAULT_TAG_NAMES } from './stats-tag-names.ts';

const prefix = 'envoy.config.metrics.v3.';

/** Envoy `StatsSink`. */
export const statsSink = extension('stats-sink', { name: `${prefix}StatsSink`, extra: {}, known: {}, labelled: true });

const tagSpecifier = message(
  { tag_name: withDefault(string(), ''), regex: string(), fixed_value: string() },
  {
    name: `${prefix}TagSpecifier`,
    oneofs: [{ fields: ['regex', 'fixed_value'] }],
    check({ tagName = '', regex = '', fixedValue }, report) {
      if (tagName === '') report({ message: 'tag_name cannot be empty' });
      else if (regex === '' && fixedValue === undefined && !DEFAULT_TAG_NAMES.has(tagName)) {
        const message = `No regex specified for tag specifier and no default regex for name: '${tagName}'`;
        report({ message });
      }
      if (Buffer.byteLength(regex) > MAX_REGEX_BYTES) {
        report({ path: ['regex'], message: `value length must be at most ${MAX_REGEX_BYTES} bytes` });
      }
      const problem = regexProblem(regex);
      if (problem !== undefined) report({ path: ['regex'], message: `Invalid regex '${regex}': ${problem}` });
    },
  },
);

const MAX_REGEX_BYTES = 1024;

/** RE2 syntax only, as in Envoy; names are matched by the engine of Node.js, so that it must be in both. */
function regexProblem(pattern: string): string | undefined {
  try {
    new FullMatch(pattern);
    new RegExp(pattern);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const patterns = message(
  { patterns: required(list(stringMatcher, { min: 1 }).schema) },
  { name: 'envoy.type.matcher.v3.ListStringMatcher' },
);

const statsMatcher = message(
  { reject_all: bool(), exclusion_list: patterns, inclusion_list: patterns },
  {
    name: `${prefix}StatsMatcher`,
    oneofs: [{ fields: ['reject_all', 'exclusion_list', 'inclusion_list'], required: true }],
  },
);

const histogramBucketSettings = message(
  { match: required(stringMatcher), buckets: list(double()), bins: uint32({ min: 1, max: 46_082 }) },
  { name: `${prefix}HistogramBucketSettings`, check: checkBuckets },
);

function checkBuckets(settings: DeepPartial<{ readonly buckets: readonly number[] }>, report: Report): void {
  const seen = new Set<number>();
  for (const [index, bound] of (settings.buckets ?? []).entries()) {
    if (bound === undefined) continue;
    if (bound <= 0) report({ path: ['buckets', index], message: `must be greater than 0, got ${bound}` });
    if (seen.has(bound)) report({ path: ['buckets', index], message: `repeated value must contain unique items` });
    seen.add(bound);
  }
}

/** Envoy `StatsConfig`. `bins` only sizes memory in Envoy, and does nothing here. */
export const statsConfig = message(
  {
    stats_tags: list(tagSpecifier),
    use_all_default_tags: withDefault(bool(), true),
    stats_matcher: statsMatcher,
    histogram_bucket_settings: list(histogramBucketSettings),
  },
  { name: `${prefix}StatsConfig` },
);

/** A parsed `stats_config`. */
export type StatsConfig = z.output<typeof statsConfig>;
/** An entry of `stats_sinks`. */
export type StatsSinkConfig = z.output<typeof statsSink>;
