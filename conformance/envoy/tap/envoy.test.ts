/** The recorded taps beside a real Envoy's, where one of the recorded version is installed. */
import { beforeAll, describe, expect, it } from 'vitest';
import { startEnvoyAdmin } from '../admin/targets.ts';
import { compare } from '../compare.ts';
import { envoyVersion } from '../envoy-target.ts';
import { readRecordedTaps, writeRecordedTaps } from './recorded.ts';
import { runTaps, type TapOutcomes } from './run.ts';
import { tapScenarios } from './scenarios.ts';

const updating = process.env.CONFORMANCE_UPDATE === '1';
const version = envoyVersion();
/** When recording, what is recorded: it must be the same once more. */
let recorded = updating ? undefined : readRecordedTaps();
const comparable = version !== undefined && (recorded === undefined || version === recorded.version);

describe.runIf(comparable)(`Envoy ${version}`, () => {
  let seen: TapOutcomes;

  beforeAll(async () => {
    if (updating) {
      recorded = await runTaps(tapScenarios, startEnvoyAdmin);
      writeRecordedTaps(recorded);
    }
    seen = await runTaps(tapScenarios, startEnvoyAdmin);
  }, 60_000);

  it.each(tapScenarios)('$name is as recorded', ({ name }) => {
    expect(compare(recorded?.of.get(name) as object, seen.of.get(name) as object)).toEqual([]);
  });
});
