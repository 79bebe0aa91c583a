/** The recording of Envoy's spans beside a real Envoy, where one of the recorded version is installed. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../compare.ts';
import { envoyVersion } from '../envoy-target.ts';
import { readRecordedTracing, writeRecordedTracing } from './recorded.ts';
import { tracingScenarios } from './scenarios.ts';
import { observeEnvoy, type TracingObservations } from './targets.ts';

const updating = process.env.CONFORMANCE_UPDATE === '1';
const version = envoyVersion();
/** When recording, what is recorded: it must be the same once more. */
let recorded = updating ? undefined : readRecordedTracing();
const comparable = version !== undefined && (recorded === undefined || version === recorded.version);

describe.runIf(comparable)(`Envoy ${version}`, () => {
  let first: TracingObservations;
  let second: TracingObservations | undefined;

  const differences = (name: string, seen: TracingObservations) =>
    compare(recorded?.of.get(name) as object, seen.of.get(name) as object);

  beforeAll(async () => {
    if (updating) {
      recorded = await observeEnvoy();
      writeRecordedTracing(recorded);
    }
    first = await observeEnvoy();
    if (tracingScenarios.some(({ name }) => differences(name, first).length > 0)) second = await observeEnvoy();
  }, 120_000);

  it.each(tracingScenarios)('$name is as recorded', ({ name }) => {
    const found = differences(name, first);
    expect(found.length > 0 && second !== undefined ? differences(name, second) : found).toEqual([]);
  });
});
