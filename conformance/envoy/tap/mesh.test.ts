/** This proxy's taps beside Envoy's recorded ones. */
import { beforeAll, describe, expect, it } from 'vitest';
import { startMeshAdmin } from '../admin/targets.ts';
import { compare } from '../compare.ts';
import { surprises } from '../differences.ts';
import { readRecordedTaps } from './recorded.ts';
import { runTaps, type TapOutcomes } from './run.ts';
import { tapScenarios } from './scenarios.ts';

const recorded = readRecordedTaps();
let seen: TapOutcomes;

beforeAll(async () => {
  seen = await runTaps(tapScenarios, startMeshAdmin);
});

describe('tap', () => {
  it.each(tapScenarios)('$name: $why', ({ name }) => {
    const envoy = recorded.of.get(name);
    expect(envoy, 'not recorded: CONFORMANCE_UPDATE=1 pnpm conformance:envoy').toBeDefined();
    expect(surprises(`tap-${name}`, compare(envoy as object, seen.of.get(name) as object))).toEqual([]);
  });
});
