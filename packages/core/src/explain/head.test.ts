import { expect, it } from 'vitest';
import type { HeaderLine } from './explanation.ts';
import { changesBetween } from './head.ts';

const head = (fields: readonly HeaderLine[], path = '/') => ({ method: 'GET', path, host: 'h', fields });

it.each([
  [head([['a', '1']]), head([['a', '1']]), []],
  [head([]), head([], '/x'), ['removed :path: /', 'added :path: /x']],
  [head([['a', '1']]), head([['a', '2']]), ['removed a: 1', 'added a: 2']],
  [
    head([
      ['a', '1'],
      ['a', '2'],
    ]),
    head([['a', '2']]),
    ['removed a: 1'],
  ],
  [
    head([['a', '1']]),
    head([
      ['a', '1'],
      ['a', '1'],
    ]),
    ['added a: 1'],
  ],
  [
    head([
      ['a', '1'],
      ['b', '1'],
    ]),
    head([
      ['b', '1'],
      ['a', '1'],
    ]),
    [],
  ],
  [head([['z', '1']]), head([['a', '1']]), ['removed z: 1', 'added a: 1']],
])('changesBetween %# tells each line that only one head has', (before, after, expected) => {
  const changes = changesBetween(before, after).map(({ op, name, value }) => `${op} ${name}: ${value}`);
  expect(changes).toEqual(expected);
});
