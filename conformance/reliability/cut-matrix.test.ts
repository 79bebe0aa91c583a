import { beforeAll, describe, expect, it } from 'vitest';
import { type CutReport, runCutMatrix } from './cut-matrix.ts';
import { randomFrom } from './random.ts';

/** Of every combination; `CUT_ROUNDS=100` is the long form. */
const ROUNDS = Number(process.env.CUT_ROUNDS ?? 3);
const SEED = Number(process.env.CUT_SEED ?? Date.now() % 1_000_000);

describe(`cut matrix of HTTP/1 and HTTP/2, plain and TLS (seed ${SEED})`, () => {
  let report: CutReport;
  beforeAll(async () => {
    report = await runCutMatrix(ROUNDS, randomFrom(SEED));
  }, 1_800_000);

  it('runCutMatrix no exchange hangs, is mixed up, passes for whole when it was cut, or suffers from another', () => {
    expect(report.faults).toEqual([]);
    expect(report.mixedUp).toBe(0);
    expect(report.cuts).toBeGreaterThan(ROUNDS);
  });

  it('runCutMatrix leaves no active stream, connection or file', () => {
    expect(report.left).toEqual({});
    expect(report.openFiles.after - report.openFiles.before).toBeLessThanOrEqual(2);
  });
});
