/** The route table suite of `packages/core/src/routing/cases`, put to a real Envoy: is what it expects what Envoy does? */
import { answer } from '@mesh/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  outcomeOf,
  type RouteCases,
  type Row,
  requestOf,
  routeCases,
} from '../../packages/core/src/routing/cases/index.ts';
import { upstreamsOf } from './bootstrap.ts';
import { envoyVersion, startEnvoy } from './envoy-target.ts';
import { unmet } from './expected.ts';
import { type Observation, type Observations, runAll } from './run.ts';
import type { Expected, RequestSpec, Scenario } from './scenario.ts';

const version = envoyVersion();
if (version === undefined) console.log('conformance/envoy: no Envoy to put the route table suite to');

/** Rows that a plain Envoy can be asked. */
function askable(cases: RouteCases): readonly Row[] {
  return cases.rows.filter(([, , , given]) => given?.notOnEnvoy === undefined);
}

function scenarioOf({ name, rows: _rows, answers, ...config }: RouteCases, rows: readonly Row[]): Scenario {
  const scenario: Scenario = {
    name: `cases-${name}`,
    why: '',
    ...config,
    manager: { internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] } },
    requests: rows.map(requestSpec),
    expect: rows.map(expectedOf),
  };
  if (answers === undefined) return scenario;
  const does = answer({ headers: answers });
  return { ...scenario, upstreams: Object.fromEntries(upstreamsOf(scenario).map((letter) => [letter, does])) };
}

function requestSpec([text, , , given]: Row): RequestSpec {
  const inside = given?.internal === true ? { 'x-forwarded-for': '10.0.0.1' } : {};
  return { ...requestOf(text), headers: { ...given?.headers, ...inside } };
}

function expectedOf([, written]: Row): Expected {
  const { cluster, status, location, responds, ...rest } = outcomeOf(written);
  return {
    ...rest,
    ...(cluster === undefined ? {} : { clusters: [cluster] }),
    ...(status === undefined ? {} : { status, clusters: [] }),
    headers: { ...responds, ...(location === undefined ? {} : { location }) },
  };
}

describe.runIf(version !== undefined)('the route table suite on Envoy', () => {
  const groups = routeCases.map((cases) => ({ cases, rows: askable(cases) })).filter(({ rows }) => rows.length > 0);
  const scenarios = groups.map(({ cases, rows }) => scenarioOf(cases, rows));
  let observed: Observations;

  beforeAll(async () => {
    observed = await runAll(scenarios, startEnvoy);
  }, 60_000);

  it.each(scenarios)('$name', (scenario) => {
    const seen = observed.of.get(scenario.name) as Observation;
    expect(unmet(scenario, seen)).toEqual([]);
  });
});
