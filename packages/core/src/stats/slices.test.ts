import { describe, expect, it } from 'vitest';
import { jsonPieces } from './json.ts';
import { prometheusPieces } from './prometheus-text.ts';
import { sortKey } from './query.ts';
import { sortedSlices } from './slices.ts';
import { StatsStore } from './store.ts';
import { textPieces } from './text.ts';

/** Names in an order that is none. */
function filled(count: number): StatsStore {
  const store = new StatsStore();
  const scope = store.scope('c');
  for (let n = 0; n < count; n++) {
    const name = `n${(n * 7919) % count}.x-${n % 3}`;
    if (n % 2 === 0) scope.counter(name).add(n);
    else scope.gauge(name).set(n);
  }
  return store;
}

describe('sortedSlices', () => {
  it.each([0, 1, 1023, 1024, 5000])('sorts %i metrics of two kinds together', (count) => {
    const store = filled(count);
    const listed = [...sortedSlices(store, ['counter', 'gauge'], {})].flat().map(({ name }) => name);
    const wanted = [...store.counters(), ...store.gauges()].map(({ name }) => name);
    wanted.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
    expect(listed).toEqual(wanted);
  });

  it('keeps what the query keeps, and works in slices all the same', () => {
    const slices = [
      ...sortedSlices(filled(10_000), ['counter', 'gauge'], { matches: (name) => name.startsWith('c.n1.') }),
    ];
    expect(slices.flat()).toHaveLength(1);
    expect(slices.length).toBeGreaterThan(8);
    expect(slices.every((slice) => slice.length <= 1024)).toBe(true);
    expect([...sortedSlices(filled(10), ['counter', 'gauge'], { type: 'Gauges' })].flat()).toHaveLength(5);
  });

  it('takes a view that only has sorted lists', () => {
    const store = filled(50);
    const view = {
      counters: () => store.counters(),
      gauges: () => store.gauges(),
      histograms: () => store.histograms(),
      textReadouts: () => store.textReadouts(),
    };
    const names = (from: typeof view) => [...sortedSlices(from, ['counter'], { usedOnly: true })].flat();
    expect(names(view)).toEqual(names(store));
    expect(names(view).length).toBeGreaterThan(20);
  });
});

describe('pieces of a listing', () => {
  const formats = { textPieces, jsonPieces, prometheusPieces };
  const places = {
    clusters: (n: number) => `cluster.c${(n * 7919) % 500}.x${n % 40}`,
    'clusters with dots': (n: number) => `cluster.c.${(n * 7919) % 500}.x${n % 40}`,
    'one place': (n: number) => `server.x${n}`,
  };
  const cases = Object.entries(formats).flatMap(([format, pieces]) =>
    Object.entries(places).map(([place, nameOf]) => ({ format, pieces, place, nameOf })),
  );

  it.each(cases)('$format of $place are small, and so is the work between two of them', ({ pieces, nameOf }) => {
    const store = new StatsStore();
    const root = store.scope('');
    for (let n = 0; n < 20_000; n++) {
      if (n % 20 === 0) root.histogram(nameOf(n)).record(n);
      else if (n % 3 === 0) root.gauge(nameOf(n)).set(n);
      else root.counter(nameOf(n)).add(n);
    }
    store.flush();
    let looked = 0;
    let most = 0;
    let longest = 0;
    const matches = () => {
      looked++;
      return true;
    };
    for (const piece of pieces(store, { matches })) {
      most = Math.max(most, looked);
      longest = Math.max(longest, piece.length);
      looked = 0;
    }
    expect(most).toBeLessThanOrEqual(512);
    expect(longest).toBeLessThan(32 * 1024);
  });
});
