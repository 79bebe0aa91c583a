/** Every statistic of this proxy beside Envoy's recorded ones, for the same configuration and traffic. */
import { beforeAll, describe, expect, it } from 'vitest';
import { startMeshCluster } from '../clusters/targets.ts';
import { idleEntries, statsProblems } from './compare.ts';
import { type ObservedStats, observeStats } from './observe.ts';
import { readRecordedStats } from './recorded.ts';

describe('statistics', () => {
  const recorded = readRecordedStats();
  let seen: ObservedStats;

  beforeAll(async () => {
    seen = await observeStats(startMeshCluster);
    // On a busy machine a timer may have been late.
    if (statsProblems(recorded, seen).length > 0) seen = await observeStats(startMeshCluster);
  }, 60_000);

  it('have the names and values that Envoy has, but for those in names.json', () => {
    expect(statsProblems(recorded, seen)).toEqual([]);
  });

  it('need every entry of names.json', () => {
    expect(idleEntries(recorded, seen)).toEqual([]);
  });

  it('are a comparison of thousands of names that would notice a wrong one', () => {
    expect(Object.keys(recorded.values).length).toBeGreaterThan(3000);
    const values = { ...seen.values, 'cluster.plain.upstream_rq_total': 1, 'cluster.plain.made_up': 1 };
    expect(statsProblems(recorded, { ...seen, values })).toEqual([
      expect.stringMatching(/^cluster\.plain\.upstream_rq_total: \d+ in Envoy, 1 here$/),
      'cluster.plain.made_up: we have it, Envoy does not',
    ]);
  });
});
