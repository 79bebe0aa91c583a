import { describe, expect, it } from 'vitest';
import { type StatsConfig, statsConfig } from '../config/stats-config.ts';
import { StatsStore } from '../stats/index.ts';
import { statsStoreOptions } from './stats-store-options.ts';

describe('statsStoreOptions', () => {
  const storeOf = (config: object) =>
    new StatsStore(statsStoreOptions(statsConfig.parse(config) as unknown as StatsConfig));
  const names = (config: object) => {
    const store = storeOf(config);
    for (const name of ['cluster.a.x', 'cluster.b.x', 'http.a.x']) store.scope('').counter(name);
    return store.counters().map(({ name }) => name);
  };

  it.each([
    [
      'exclusion_list',
      { exclusion_list: { patterns: [{ prefix: 'cluster.b.' }, { suffix: 'stats' }] } },
      ['cluster.a.x', 'http.a.x'],
    ],
    [
      'inclusion_list',
      { inclusion_list: { patterns: [{ safe_regex: { regex: 'cluster\\.[ab]\\..*' } }] } },
      ['cluster.a.x', 'cluster.b.x'],
    ],
    ['reject_all', { reject_all: true }, []],
  ])('%s decides which stats there are', (_name, stats_matcher, kept) => {
    const own = ['overflow', 'server.dropped_dynamic_stats'];
    expect(names({ stats_matcher }).filter((name) => !own.includes(name))).toEqual(kept);
  });

  it('what is rejected can be counted, and no sink or listing sees it', () => {
    const store = storeOf({ stats_matcher: { reject_all: true } });
    const counter = store.scope('a').counter('b');
    counter.inc();
    expect([counter.value, store.counters()]).toEqual([1, []]);
  });

  it('buckets are those of the first entry that matches, in order', () => {
    const store = storeOf({
      histogram_bucket_settings: [
        { match: { prefix: 'cluster.a' }, buckets: [100, 0.5, 7] },
        { match: { prefix: 'cluster' }, buckets: [1] },
      ],
    });
    const bounds = (name: string) => store.scope('').histogram(name).buckets;
    expect(bounds('cluster.a.x')).toEqual([0.5, 7, 100]);
    expect(bounds('cluster.b.x')).toEqual([1]);
    expect(bounds('http.x')).toHaveLength(19);
  });

  it('tags come from the command line, the config and the defaults', () => {
    const config = statsConfig.parse({
      stats_tags: [{ tag_name: 'a', regex: '^tcp\\.((x)\\.)' }],
    }) as unknown as StatsConfig;
    const { tags } = new StatsStore(statsStoreOptions(config, [{ name: 'c', value: 'v' }]));
    expect(tags.extract('tcp.x.idle').tags.map(({ name }) => name)).toEqual(['c', 'envoy.tcp_prefix', 'a']);
    expect(statsStoreOptions(undefined)).toEqual({});
  });
});
