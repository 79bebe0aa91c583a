/** `stats_config` → how the store names, keeps and buckets its metrics. */

import type { StatsConfig } from '../config/stats-config.ts';
import { compileStringMatcher, type TextTest } from '../regex/text-match.ts';
import type { StatsStoreOptions } from '../stats/store.ts';
import { type Tag, TagExtractor } from '../stats/tags.ts';

/** Options of the store that a configuration asks for. */
export function statsStoreOptions(config: StatsConfig | undefined, fixed: readonly Tag[] = []): StatsStoreOptions {
  if (config === undefined) return fixed.length === 0 ? {} : { tags: new TagExtractor({ fixed }) };
  const { statsMatcher, histogramBucketSettings: settings } = config;
  const accepts = acceptance(statsMatcher);
  return {
    ...(accepts !== undefined && { accepts }),
    ...(settings.length > 0 && { histogramBuckets: bucketsOf(settings) }),
    ...((config.statsTags.length + fixed.length > 0 || !config.useAllDefaultTags) && {
      tags: tagExtractor(config, fixed),
    }),
  };
}

/** As in Envoy an exclusion list keeps what no pattern matches, an inclusion list what one matches. */
function acceptance(matcher: StatsConfig['statsMatcher']): TextTest | undefined {
  if (matcher === undefined) return undefined;
  if (matcher.rejectAll !== undefined) return matcher.rejectAll ? () => false : undefined;
  const including = matcher.inclusionList !== undefined;
  const tests = (matcher.inclusionList ?? matcher.exclusionList)?.patterns.map(compileStringMatcher) ?? [];
  return (name) => tests.some((test) => test(name)) === including;
}

/** The first entry that matches decides. */
function bucketsOf(settings: StatsConfig['histogramBucketSettings']): (name: string) => readonly number[] | undefined {
  const compiled = settings.map(({ match, buckets }) => {
    return { test: compileStringMatcher(match), bounds: [...buckets].sort((a, b) => a - b) };
  });
  return (name) => {
    const bounds = compiled.find(({ test }) => test(name))?.bounds;
    return bounds === undefined || bounds.length === 0 ? undefined : bounds;
  };
}

function tagExtractor({ statsTags, useAllDefaultTags }: StatsConfig, fixed: readonly Tag[]): TagExtractor {
  const specifiers = statsTags.map(({ tagName, regex, fixedValue }) => ({
    tagName,
    ...(regex !== undefined && regex !== '' && { regex: new RegExp(regex) }),
    ...(fixedValue !== undefined && { fixedValue }),
  }));
  return new TagExtractor({ specifiers, useDefaults: useAllDefaultTags, fixed });
}
