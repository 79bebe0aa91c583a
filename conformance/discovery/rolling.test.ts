/**
 * Hosts that come and go by DNS under load, with a real `mesh` process. `MESH_ROLLING_S=120` gives the length that the
 * promises are made for, on a machine that has nothing else to do; the suite runs a few seconds of the same, with less load
 * and more patience, since other tests run beside it.
 */
import { describe, expect, it } from 'vitest';
import { figures, type RunReport, runScenario, type Scenario } from './rolling.ts';

const FULL_S = Number(process.env.MESH_ROLLING_S ?? 0);
const FULL = FULL_S > 0;
const RATE = FULL ? 1000 : 300;
const FOR_MS = FULL ? FULL_S * 1000 : 2500;
const GRACE_MS = FULL ? 100 : 1000;
/** Below this the machine was too busy for the run to say anything. */
const ENOUGH = FULL ? (RATE * FOR_MS) / 2000 : 100;

function expectNothingLost({ load, fleet }: RunReport): void {
  expect(load.lost).toEqual({});
  expect(load.refused).toEqual({});
  expect(Object.keys(load.statuses)).toEqual(['200']);
  expect(load.times.length).toBeGreaterThan(ENOUGH);
  expect(fleet.late).toEqual([]);
  expect(fleet.latestMs).toBeLessThanOrEqual(GRACE_MS);
  expect(fleet.leftOpen).toBe(0);
}

const COMMON: Omit<Scenario, 'hosts' | 'steps'> = { ratePerS: RATE, forMs: FOR_MS, graceMs: GRACE_MS };

/** What is resident at the end against what it was when the process had run in. */
function growth({ resident }: RunReport): number {
  const third = Math.floor(resident.length / 3);
  const most = (some: readonly number[]) => Math.max(...some);
  return most(resident.slice(-third)) / most(resident.slice(third, 2 * third));
}

describe('STRICT_DNS under load', () => {
  it(
    'loses no request while 100 hosts are replaced every 200 ms',
    async () => {
      const report = await runScenario({ ...COMMON, hosts: 100, steps: [{ step: 'replace', forMs: 200 }] });
      if (FULL) console.log(figures(report));
      expectNothingLost(report);
      expect(report.generations).toBeGreaterThan(FULL ? FOR_MS / 400 : 3);
      if (FULL_S >= 60) expect(growth(report)).toBeLessThan(1.15);
    },
    (FULL_S + 60) * 1000,
  );

  it(
    'loses no request while the DNS flaps, for as long as the old hosts live',
    async () => {
      const eachMs = FULL ? 1000 : 250;
      const failures = ['nxdomain', 'empty', 'servfail', 'refused'] as const;
      const steps = [
        ...failures.map((step) => ({ step, forMs: eachMs })),
        { step: 'replace', forMs: eachMs },
        { step: 'silence', forMs: eachMs },
        { step: 'replace', forMs: eachMs },
      ] as const;
      const report = await runScenario({ ...COMMON, hosts: 20, steps });
      if (FULL) console.log(figures(report));
      expectNothingLost(report);
      expect(report.generations).toBeGreaterThan(1);
      expect(report.stats.update_failure).toBeGreaterThan(0);
      expect(report.stats.update_empty).toBeGreaterThan(0);
    },
    (FULL_S + 60) * 1000,
  );
});
