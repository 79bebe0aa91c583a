import { expect, it } from 'vitest';
import { runCrossTalk } from './cross-talk-http2.ts';
import { randomFrom } from './random.ts';

const SEED = Number(process.env.CROSS_TALK_SEED ?? Date.now() % 1_000_000);

/** The long form is `node conformance/reliability/cross-talk-http2.mjs --seconds 20`. */
it(`runCrossTalk every byte on every HTTP/2 stream belongs to its exchange (seed ${SEED})`, {
  timeout: 30_000,
}, async () => {
  const report = await runCrossTalk(2000, 4, 64, randomFrom(SEED));
  expect(report.faults).toEqual([]);
  expect(report.mixedUp).toBe(0);
  expect(report.unmeant).toEqual([]);
  expect(report.whole).toBeGreaterThan(report.exchanges * 0.7);
  expect(report.left).toEqual({});
});
