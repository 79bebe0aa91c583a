/** Outlier detection and circuit breakers of this proxy beside Envoy's recorded outcomes. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../compare.ts';
import { surprises } from '../differences.ts';
import { clusterScenarios, clusterTopics } from './index.ts';
import { readRecordedClusters } from './recorded.ts';
import { type ClusterObservations, runClusters } from './run.ts';
import type { ClusterScenario } from './scenario.ts';
import { startMeshCluster } from './targets.ts';

const recorded = readRecordedClusters();
let first: ClusterObservations;
/** What differed is played again, alone: timers of a busy machine may be late. */
let second: ClusterObservations | undefined;

function problems({ name }: ClusterScenario, seen: ClusterObservations): unknown[] {
  const envoy = recorded.of.get(name);
  if (envoy === undefined) return ['not recorded: CONFORMANCE_UPDATE=1 pnpm conformance:envoy'];
  return surprises(name, compare(envoy, seen.of.get(name) as object));
}

beforeAll(async () => {
  first = await runClusters(clusterScenarios, startMeshCluster);
  const again = clusterScenarios.filter((each) => problems(each, first).length > 0);
  if (again.length > 0) second = await runClusters(again, startMeshCluster);
}, 120_000);

describe.each(Object.entries(clusterTopics))('%s', (_topic, all) => {
  it.each(all)('$name: $why', (scenario) => {
    const seen = second?.of.has(scenario.name) === true ? second : first;
    expect(problems(scenario, seen)).toEqual([]);
  });
});
