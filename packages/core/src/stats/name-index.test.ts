import { describe, expect, it } from 'vitest';
import { NameIndex } from './name-index.ts';
import { sortKey } from './query.ts';

interface Named {
  readonly name: string;
}

const PARTS = ['a', 'b', 'a-b', 'a_b', 'B', '', 'x1', 'x10', 'x9'];

/** Numbers in an order that is none, the same in every run. */
function* scattered(seed = 1): Generator<number, never, undefined> {
  for (let state = seed; ; ) {
    state = (state * 48_271) % 0x7fff_ffff;
    yield state;
  }
}

function someNames(count: number): string[] {
  const numbers = scattered();
  const names = new Set<string>();
  while (names.size < count) {
    const parts = Array.from(
      { length: 1 + (numbers.next().value % 5) },
      () => PARTS[numbers.next().value % PARTS.length],
    );
    names.add(numbers.next().value % 2 === 0 ? parts.join('.') : `${parts.join('.')}.n${names.size}`);
  }
  return [...names];
}

const sorted = (names: Iterable<string>): string[] =>
  [...names].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : sortKey(a) > sortKey(b) ? 1 : 0));

const listed = (index: NameIndex<Named>): string[] => [...index.slices()].flat().map(({ name }) => name);

function indexOf(names: Iterable<string>): { index: NameIndex<Named>; metrics: Map<string, Named> } {
  const index = new NameIndex<Named>();
  const metrics = new Map<string, Named>();
  for (const name of names) {
    const metric = { name };
    metrics.set(name, metric);
    index.add(metric);
  }
  return { index, metrics };
}

describe('NameIndex', () => {
  it('lists names part by part, whatever came and went before', () => {
    const names = someNames(6000);
    const { index, metrics } = indexOf(names);
    expect(listed(index)).toEqual(sorted(names));
    const numbers = scattered(7);
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 1500; n++) {
        const name = names[numbers.next().value % names.length] as string;
        const known = metrics.get(name);
        if (known === undefined) {
          const metric = { name };
          metrics.set(name, metric);
          index.add(metric);
        } else {
          metrics.delete(name);
          index.delete(known);
        }
      }
      expect(listed(index)).toEqual(sorted(metrics.keys()));
    }
    for (const metric of metrics.values()) index.delete(metric);
    expect(listed(index)).toEqual([]);
  });

  it('leaves others alone when it is asked to delete what it does not have', () => {
    const { index } = indexOf(['a.b', 'a.c']);
    for (const name of ['a.b', 'a', 'a.b.c', 'z', '']) index.delete({ name });
    expect(listed(index)).toEqual(['a.b', 'a.c']);
  });

  it.each([
    ['all in one place', (n: number) => `one.place.${(n * 7919) % 20_000}`],
    ['spread over many places', (n: number) => `cluster.${(n * 7919) % 20_000}.x`],
    ['a few in many places', (n: number) => `cluster.${(n * 7919) % 200}.x${n}.y`],
    ['far down', (n: number) => `a.b.c.d.e.f.g.${n % 7}.${n}`],
  ])('gives slices of a few hundred: %s', (_, nameOf) => {
    const names = Array.from({ length: 20_000 }, (_, n) => nameOf(n));
    const slices = [...indexOf(names).index.slices()];
    expect(slices.flat().map(({ name }) => name)).toEqual(sorted(names));
    expect(Math.max(...slices.map(({ length }) => length))).toBeLessThanOrEqual(512);
    // Neither does it sort or skip much without a slice, if need be an empty one.
    expect(slices.length).toBeGreaterThan(20_000 / 520);
  });

  it('sorts the parts of very many places in runs, with empty slices between them', () => {
    const { index } = indexOf(Array.from({ length: 20_000 }, (_, n) => `cluster.${n}.x`));
    const empty = () => [...index.slices()].filter(({ length }) => length === 0).length;
    expect(empty()).toBeGreaterThan(20);
    expect(empty()).toBeLessThan(5);
  });

  it('is right again after changes in the middle of a listing', () => {
    const names = Array.from({ length: 10_000 }, (_, n) => `cluster.${n}.x`);
    const { index, metrics } = indexOf(names);
    const first = index.slices();
    const second = index.slices();
    first.next();
    second.next();
    index.add({ name: 'cluster.aa.x' });
    index.delete(metrics.get('cluster.77.x') as Named);
    const seen = [...first].flat().map(({ name }) => name);
    expect(seen).not.toContain('cluster.77.x');
    expect(seen).toEqual(sorted(seen));
    expect([...second].flat().length).toBeGreaterThanOrEqual(9999);
    expect(listed(index)).toEqual(sorted([...names.filter((name) => name !== 'cluster.77.x'), 'cluster.aa.x']));
  });
});
