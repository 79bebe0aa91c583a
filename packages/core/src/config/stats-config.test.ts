import { describe, expect, it } from 'vitest';
import { DEFAULT_TAGS } from '../stats/tags.ts';
import { bootstrapSchema } from './bootstrap.ts';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { statsConfig } from './stats-config.ts';
import { DEFAULT_TAG_NAMES } from './stats-tag-names.ts';

const tags =
  (...stats_tags: object[]) =>
  () => ({ stats_tags });
const buckets = (rest: object) => () => ({ histogram_bucket_settings: [{ match: { prefix: 'a' }, ...rest }] });
const matcher = (stats_matcher: object) => () => ({ stats_matcher });

// What Envoy 1.40 takes and refuses.
const accepted: readonly Accepted[] = [
  ['nothing', statsConfig, () => ({}), { useAllDefaultTags: true, statsTags: [] }],
  ['a tag of its own', statsConfig, tags({ tag_name: 'a', regex: 'x(y)' }), {}],
  ['a tag by its name', statsConfig, tags({ tag_name: 'envoy.cluster_name' }), {}],
  ['an empty fixed value', statsConfig, tags({ tag_name: 'a', fixed_value: '' }), {}],
  ['a tag twice', statsConfig, tags({ tag_name: 'a', regex: 'x(y)' }, { tag_name: 'a', regex: 'z(y)' }), {}],
  ['reject_all that does not', statsConfig, matcher({ reject_all: false }), {}],
  ['buckets out of order', statsConfig, buckets({ buckets: [2, 1] }), {}],
  ['no buckets, and bins', statsConfig, buckets({ bins: 10 }), {}],
  ['stats_flush_on_admin', bootstrapSchema, () => ({ stats_flush_on_admin: true }), { statsFlushOnAdmin: true }],
];

const refused: readonly Refused[] = [
  [
    'a name without pattern',
    statsConfig,
    tags({ tag_name: 'nope' }),
    "stats_tags.0: No regex specified for tag specifier and no default regex for name: 'nope'",
  ],
  [
    'an empty pattern',
    statsConfig,
    tags({ tag_name: 'a', regex: '' }),
    "stats_tags.0: No regex specified for tag specifier and no default regex for name: 'a'",
  ],
  ['no name', statsConfig, tags({ regex: 'a(b)' }), 'stats_tags.0: tag_name cannot be empty'],
  [
    'a broken pattern',
    statsConfig,
    tags({ tag_name: 'a', regex: '(((' }),
    "stats_tags.0.regex: Invalid regex '(((': missing ): (((",
  ],
  ['no matcher', statsConfig, matcher({}), 'stats_matcher: needs one of reject_all, exclusion_list, inclusion_list'],
  [
    'no patterns',
    statsConfig,
    matcher({ inclusion_list: { patterns: [] } }),
    'stats_matcher.inclusion_list.patterns: needs at least 1 item, got a list',
  ],
  [
    'a bucket at 0',
    statsConfig,
    buckets({ buckets: [0] }),
    'histogram_bucket_settings.0.buckets.0: must be greater than 0, got 0',
  ],
  [
    'a bucket twice',
    statsConfig,
    buckets({ buckets: [1, 1] }),
    'histogram_bucket_settings.0.buckets.1: repeated value must contain unique items',
  ],
  [
    'both kinds of flush',
    bootstrapSchema,
    () => ({ stats_flush_on_admin: true, stats_flush_interval: '5s' }),
    'stats_flush_on_admin: only one of stats_flush_interval, stats_flush_on_admin may be given',
  ],
  [
    'eviction',
    bootstrapSchema,
    () => ({ stats_eviction_interval: '10s' }),
    'stats_eviction_interval: known to Envoy, not supported here: stats live as long as what they count; names made by traffic are capped instead',
  ],
  [
    'deferral',
    bootstrapSchema,
    () => ({ deferred_stat_options: {} }),
    'deferred_stat_options: known to Envoy, not supported here: stats are made when their cluster is, which costs a few microseconds',
  ],
];

describe('stats_config', () => {
  it.each(accepted)('%s is accepted', (_, schema, value, part) => expectAccepted(schema, value(), part));

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});

it('knows the tags by name that there are extractors for', () => {
  expect([...DEFAULT_TAG_NAMES].sort()).toEqual([...DEFAULT_TAGS].sort());
});
