/** The recorded statistics beside those of a real Envoy, where one of the recorded version is installed. */
import { beforeAll, describe, expect, it } from 'vitest';
import { startEnvoyCluster } from '../clusters/targets.ts';
import { envoyVersion } from '../envoy-target.ts';
import { statsProblems } from './compare.ts';
import { type ObservedStats, observeStats } from './observe.ts';
import { readRecordedStats, writeRecordedStats } from './recorded.ts';

const updating = process.env.CONFORMANCE_UPDATE === '1';
const version = envoyVersion();
const comparable = version !== undefined && (updating || version === readRecordedStats().version);

describe.runIf(comparable)(`Envoy ${version} statistics`, () => {
  let seen: ObservedStats;

  beforeAll(async () => {
    if (updating) writeRecordedStats(await observeStats(startEnvoyCluster));
    seen = await observeStats(startEnvoyCluster);
  }, 60_000);

  it('are as recorded', () => {
    expect(statsProblems(readRecordedStats(), seen)).toEqual([]);
  });
});
