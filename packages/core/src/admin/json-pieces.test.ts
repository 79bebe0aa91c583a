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
