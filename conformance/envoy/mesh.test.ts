/** This proxy beside Envoy's recorded answers. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compare } from './compare.ts';
import { pendingReason, surprises } from './differences.ts';
import { unmet } from './expected.ts';
import { startMesh } from './mesh-target.ts';
import { readRecorded } from './recorded.ts';
import { type Observation, type Observations, runAll } from './run.ts';
import type { Scenario } from './scenario.ts';
import { scenarios, topics } from './scenarios/index.ts';

const recorded = readRecorded();
let first: Observations;
/** What differed is played again, alone: timers of a busy machine may be late. */
let second: ReadonlyMap<string, Observation>;

function problems(scenario: Scenario, seen: Observation): unknown[] {
  const envoy = recorded.of.get(scenario.name);
  if (envoy === undefined) return ['not recorded: CONFORMANCE_UPDATE=1 pnpm conformance:envoy'];
  return [...surprises(scenario.name, compare(envoy, seen)), ...unmet(scenario, seen)];
}

beforeAll(async () => {
  first = await runAll(scenarios, startMesh);
  const again = scenarios.filter((each) => {
    const seen = first.of.get(each.name);
    return seen !== undefined && problems(each, seen).length > 0;
  });
  second = again.length === 0 ? new Map() : (await runAll(again, startMesh)).of;
}, 120_000);

describe.each(Object.entries(topics))('%s', (_topic, all) => {
  it.each(all)('$name: $why', (scenario) => {
    const refusal = first.refused.get(scenario.name);
    const pending = pendingReason(scenario.name);
    if (pending !== undefined) {
      expect(refusal, 'accepted now: take it off pending.json').toContain(pending);
      return;
    }
    expect(refusal).toBeUndefined();
    const seen = second.get(scenario.name) ?? (first.of.get(scenario.name) as Observation);
    expect(problems(scenario, seen)).toEqual([]);
  });
});
