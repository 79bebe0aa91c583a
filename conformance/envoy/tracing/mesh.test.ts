/** Spans of this proxy beside Envoy's recorded ones. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../compare.ts';
import { surprises } from '../differences.ts';
import { readRecordedTracing } from './recorded.ts';
import type { TracingScenario } from './scenario.ts';
import { tracingScenarios } from './scenarios.ts';
import { observeMesh, type TracingObservations } from './targets.ts';

const recorded = readRecordedTracing();
let first: TracingObservations;
/** What differed is played again: timers of a busy machine may be late. */
let second: TracingObservations | undefined;

function problems({ name }: TracingScenario, seen: TracingObservations): unknown[] {
  const envoy = recorded.of.get(name);
  if (envoy === undefined) return ['not recorded: CONFORMANCE_UPDATE=1 pnpm conformance:envoy'];
  return surprises(`tracing/${name}`, compare(envoy, seen.of.get(name) as object));
}

beforeAll(async () => {
  first = await observeMesh();
  if (tracingScenarios.some((each) => problems(each, first).length > 0)) second = await observeMesh();
}, 60_000);

describe('tracing', () => {
  it.each(tracingScenarios)('$name: $why', (scenario) => {
    const found = problems(scenario, first);
    expect(found.length > 0 && second !== undefined ? problems(scenario, second) : found).toEqual([]);
  });
});
