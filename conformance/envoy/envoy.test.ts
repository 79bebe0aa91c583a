/** The recordings beside a real Envoy, where one of the recorded version is installed. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compare } from './compare.ts';
import { envoyVersion, startEnvoy } from './envoy-target.ts';
import { unmet } from './expected.ts';
import { readRecorded, writeRecorded } from './recorded.ts';
import { type Observation, type Observations, runAll } from './run.ts';
import { scenarios, topics } from './scenarios/index.ts';

const updating = process.env.CONFORMANCE_UPDATE === '1';
const version = envoyVersion();
const recorded = updating ? { version, of: new Map<string, Observation>() } : readRecorded();
const comparable = version !== undefined && version === recorded.version;

if (version === undefined)
  console.log('conformance/envoy: no Envoy (ENVOY_BIN, or envoy on the PATH): recordings only');
else if (!comparable) console.log(`conformance/envoy: Envoy is ${version}, recorded was ${recorded.version}`);

describe.runIf(comparable)(`Envoy ${version}`, () => {
  let observed: Observations;
  let second: ReadonlyMap<string, Observation> = new Map();

  beforeAll(async () => {
    observed = await runAll(scenarios, startEnvoy);
    if (updating) return writeRecorded(observed);
    const again = scenarios.filter(({ name }) => {
      const envoy = recorded.of.get(name);
      return envoy !== undefined && compare(envoy, observed.of.get(name) as Observation).length > 0;
    });
    if (again.length > 0) second = (await runAll(again, startEnvoy)).of;
  }, 120_000);

  describe.each(Object.entries(topics))('%s', (_topic, all) => {
    it.each(all)('$name answers as recorded', (scenario) => {
      const seen = second.get(scenario.name) ?? (observed.of.get(scenario.name) as Observation);
      if (!updating) expect(compare(recorded.of.get(scenario.name) as Observation, seen)).toEqual([]);
      expect(unmet(scenario, seen)).toEqual([]);
    });
  });
});
