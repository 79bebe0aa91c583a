import { expect, it } from 'vitest';
import { jsonPieces } from './json-pieces.ts';

const values = [
  {},
  { a: [] },
  { a: [1, 'x\n"', null, true], b: { c: {} }, skipped: undefined },
  { a: [{ b: [{ c: [{ d: [{ e: [{ f: ['\n'] }] }] }] }] }] },
];

it.each(values)('jsonPieces prints %j as JSON.stringify does', (value) => {
  expect([...jsonPieces(value)].join('')).toBe(`${JSON.stringify(value, undefined, 1)}\n`);
});

it('jsonPieces takes any iterable for a list', () => {
  function* numbers() {
    yield { n: 1 };
    yield { n: 2 };
  }
  const pieces = [...jsonPieces({ list: numbers() })];
  expect(JSON.parse(pieces.join(''))).toEqual({ list: [{ n: 1 }, { n: 2 }] });
  expect(pieces.length).toBeGreaterThan(4);
});

it('jsonPieces cuts a long list wherever it lies in what is not printed as a whole', () => {
  const long = Array.from({ length: 1000 }, (_, n) => ({ n }));
  const value = { a: { b: { c: { d: { long, few: [1, 2] } } } } };
  const pieces = [...jsonPieces(value)];
  expect(pieces.join('')).toBe(`${JSON.stringify(value, undefined, 1)}\n`);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(100);
});
