/** This proxy's admin server beside Envoy's recorded answers. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../compare.ts';
import { surprises } from '../differences.ts';
import { questions } from './questions.ts';
import { readRecordedAdmin } from './recorded.ts';
import { type AdminAnswers, runAdmin } from './run.ts';
import { startMeshAdmin } from './targets.ts';

const recorded = readRecordedAdmin();
let seen: AdminAnswers;

beforeAll(async () => {
  seen = await runAdmin(startMeshAdmin);
});

describe('admin', () => {
  it.each(questions)('$name: $why', ({ name }) => {
    const envoy = recorded.of.get(name);
    expect(envoy, 'not recorded: CONFORMANCE_UPDATE=1 pnpm conformance:envoy').toBeDefined();
    expect(surprises(name, compare(envoy as object, seen.of.get(name) as object))).toEqual([]);
  });
});
