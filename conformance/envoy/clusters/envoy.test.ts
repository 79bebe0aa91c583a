/** The recordings of cluster scenarios beside a real Envoy, where one of the recorded version is installed. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../compare.ts';
import { envoyVersion } from '../envoy-target.ts';
import { clusterScenarios, clusterTopics } from './index.ts';
import { readRecordedClusters, writeRecordedClusters } from './recorded.ts';
import { type ClusterObservations, runClusters } from './run.ts';
import { startEnvoyCluster } from './targets.ts';

const updating = process.env.CONFORMANCE_UPDATE === '1';
const version = envoyVersion();
/** When recording, what is recorded: it must be the same once more. */
let recorded = updating ? undefined : readRecordedClusters();
const comparable = version !== undefined && (recorded === undefined || version === recorded.version);

describe.runIf(comparable)(`Envoy ${version}`, () => {
  let first: ClusterObservations;
  let second: ClusterObservations | undefined;

  const differences = (name: string, seen: ClusterObservations) =>
    compare(recorded?.of.get(name) as object, seen.of.get(name) as object);

  function settled(): ClusterObservations {
    const { version: recordedVersion, of } = recorded as ClusterObservations;
    const better = [...(second?.of ?? [])].filter(
      ([name, seen]) => compare(first.of.get(name) as object, seen).length === 0,
    );
    recorded = { version: recordedVersion, of: new Map([...of, ...better]) };
    return recorded;
  }

  beforeAll(async () => {
    if (updating) recorded = await runClusters(clusterScenarios, startEnvoyCluster);
    first = await runClusters(clusterScenarios, startEnvoyCluster);
    const again = clusterScenarios.filter(({ name }) => recorded?.of.has(name) && differences(name, first).length > 0);
    if (again.length > 0) second = await runClusters(again, startEnvoyCluster);
    // On a busy machine it may be the recording that was late: what came the same twice since is taken.
    if (updating) writeRecordedClusters(settled());
  }, 120_000);

  describe.each(Object.entries(clusterTopics))('%s', (_topic, all) => {
    it.each(all)('$name is as recorded', ({ name }) => {
      const seen = second?.of.has(name) === true ? second : first;
      expect(differences(name, seen)).toEqual([]);
    });
  });
});
