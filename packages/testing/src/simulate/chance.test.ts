import { expect, it } from 'vitest';
import { chance } from './chance.ts';

it('chance repeats itself for a seed, and only for it', () => {
  const take = (seed: number) => Array.from({ length: 5 }, chance(seed));
  expect(take(7)).toEqual(take(7));
  expect(take(7)).not.toEqual(take(8));
});

it('chance is even: chi-square over 64 classes', () => {
  const random = chance(1);
  const classes = Array<number>(64).fill(0);
  const draws = 64_000;
  for (let i = 0; i < draws; i++) {
    const at = Math.floor(random() * 64);
    classes[at] = (classes[at] ?? 0) + 1;
  }
  const square = classes.reduce((sum, count) => sum + (count - draws / 64) ** 2 / (draws / 64), 0);
  // 63 degrees of freedom: 99.9 of 100 even sources stay below.
  expect(square).toBeLessThan(103.4);
});
