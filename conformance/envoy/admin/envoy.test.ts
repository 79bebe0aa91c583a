/** The recorded answers beside a real Envoy's, where one of the recorded version is installed. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../compare.ts';
import { envoyVersion } from '../envoy-target.ts';
import { questions } from './questions.ts';
import { readRecordedAdmin, writeRecordedAdmin } from './recorded.ts';
import { type AdminAnswers, runAdmin } from './run.ts';
import { startEnvoyAdmin } from './targets.ts';

const updating = process.env.CONFORMANCE_UPDATE === '1';
const version = envoyVersion();
/** When recording, what is recorded: it must be the same once more. */
let recorded = updating ? undefined : readRecordedAdmin();
const comparable = version !== undefined && (recorded === undefined || version === recorded.version);

describe.runIf(comparable)(`Envoy ${version}`, () => {
  let seen: AdminAnswers;

  beforeAll(async () => {
    if (updating) {
      recorded = await runAdmin(startEnvoyAdmin);
      writeRecordedAdmin(recorded);
    }
    seen = await runAdmin(startEnvoyAdmin);
  }, 60_000);

  it.each(questions)('$name is as recorded', ({ name }) => {
    expect(compare(recorded?.of.get(name) as object, seen.of.get(name) as object)).toEqual([]);
  });
});
