import { expect, it } from 'vitest';
import { seeded } from '../fixture.ts';
import { EdfScheduler } from './edf-scheduler.ts';

function scheduler(weights: readonly number[], picks = 0): EdfScheduler {
  return new EdfScheduler(weights.length, (entry) => weights[entry] as number, picks);
}

function run(edf: EdfScheduler, picks: number): number[] {
  return Array.from({ length: picks }, () => edf.pick());
}

/** The definition, without a heap: the first due, among equals the first entered. */
function plainly(weights: readonly number[], picks: number): number[] {
  const queue = weights.map((weight, entry) => ({ entry, due: 1 / (weight + 1e-13), order: entry }));
  let order = weights.length;
  return Array.from({ length: picks }, () => {
    queue.sort((a, b) => a.due - b.due || a.order - b.order);
    const first = queue[0] as (typeof queue)[number];
    first.due += 1 / (weights[first.entry] as number);
    first.order = order++;
    return first.entry;
  });
}

it.each<[weights: number[], order: number[]]>([
  [
    [1, 1, 1],
    [0, 1, 2, 0, 1, 2, 0],
  ],
  [
    [1, 2],
    [1, 0, 1, 1, 0, 1],
  ],
  [
    [1, 2, 3],
    [2, 1, 2, 0, 1, 2],
  ],
  [
    [5, 1, 1],
    [0, 0, 0, 0, 1, 2, 0],
  ],
  [[7], [0, 0, 0]],
])('EdfScheduler picks by deadline, then by order of entry: %j', (weights, order) => {
  expect(run(scheduler(weights), order.length)).toEqual(order);
});

it('EdfScheduler is the plain definition for any weights', () => {
  const random = seeded(7);
  for (let round = 0; round < 50; round++) {
    const weights = Array.from({ length: 1 + Math.floor(random() * 20) }, () => 1 + Math.floor(random() * 12));
    expect(run(scheduler(weights), 200), JSON.stringify(weights)).toEqual(plainly(weights, 200));
  }
});

it('EdfScheduler gives each entry its exact share in every cycle of the weights', () => {
  const weights = [3, 7, 10, 30];
  const counts = [0, 0, 0, 0];
  for (const entry of run(scheduler(weights), 500)) counts[entry] = (counts[entry] as number) + 1;
  expect(counts).toEqual([30, 70, 100, 300]);
});

it.each([1, 23, 99, 12_345, 300_000_001])('EdfScheduler begins where %i picks lead', (picks) => {
  const weights = [25, 75, 40];
  // 28 picks are a whole cycle.
  const expected = run(scheduler(weights), 28 + (picks % 28)).slice(picks % 28);
  expect(run(scheduler(weights, picks), 28)).toEqual(expected);
});

it('EdfScheduler asks for the weight anew with each pick', () => {
  const weights = [1, 1];
  const edf = scheduler(weights);
  expect(run(edf, 4)).toEqual([0, 1, 0, 1]);
  weights[0] = 4;
  // Its next deadline still comes of the old weight.
  expect(run(edf, 11)).toEqual([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
});

it('EdfScheduler.peek tells the picks that follow, in order', () => {
  const edf = scheduler([1, 2, 3]);
  const told = [edf.peek(), edf.peek(), edf.peek()];
  expect(told).toEqual([2, 1, 2]);
  expect(run(edf, 6)).toEqual([2, 1, 2, 0, 1, 2]);
});

it('EdfScheduler has nothing to say about no entries', () => {
  const edf = scheduler([]);
  expect([edf.pick(), edf.peek()]).toEqual([-1, -1]);
});
