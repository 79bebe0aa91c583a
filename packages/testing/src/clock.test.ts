import { expect, it } from 'vitest';
import { VirtualClock } from './clock.ts';

it('VirtualClock.advance runs what is due in order of time, with what that schedules', () => {
  const clock = new VirtualClock();
  const seen: [string, number][] = [];
  const note = (name: string) => () => void seen.push([name, clock.nowMs()]);
  clock.schedule(note('late'), 30);
  clock.schedule(() => {
    note('early')();
    clock.schedule(note('nested'), 5);
  }, 10);
  clock.schedule(note('same time, second'), 10);
  clock.advance(20);
  expect(seen).toEqual([
    ['early', 10],
    ['same time, second', 10],
    ['nested', 15],
  ]);
  expect(clock.nowMs()).toBe(20);
  expect(clock.pending).toBe(1);
});

it('VirtualClock.advance is exact: one millisecond less is too little', () => {
  const clock = new VirtualClock();
  let due = false;
  clock.schedule(() => {
    due = true;
  }, 100);
  clock.advance(99);
  expect(due).toBe(false);
  clock.advance(1);
  expect(due).toBe(true);
});

it('VirtualClock.schedule gives a function that cancels', () => {
  const clock = new VirtualClock();
  let runs = 0;
  const cancel = clock.schedule(() => runs++, 1);
  cancel();
  clock.advance(10);
  expect(runs).toBe(0);
});

it('VirtualClock.advanceAsync lets promises settle between callbacks', async () => {
  const clock = new VirtualClock();
  const seen: number[] = [];
  const sleep = (ms: number) => new Promise<void>((resolve) => clock.schedule(resolve, ms));
  const loop = async () => {
    for (let i = 0; i < 3; i++) {
      await sleep(10);
      seen.push(clock.nowMs());
    }
  };
  void loop();
  await clock.advanceAsync(100);
  expect(seen).toEqual([10, 20, 30]);
});

it('VirtualClock.wallMs moves with nowMs from a fixed date', () => {
  const clock = new VirtualClock();
  expect(new Date(clock.wallMs()).toISOString()).toBe('2026-01-01T00:00:00.000Z');
  clock.advance(1500);
  expect(new Date(clock.wallMs()).toISOString()).toBe('2026-01-01T00:00:01.500Z');
});
