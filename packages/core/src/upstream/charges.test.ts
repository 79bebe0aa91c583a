import { expect, it } from 'vitest';
import type { Host } from '../api/cluster.ts';
import { StatsStore } from '../stats/index.ts';
import { Charges } from './charges.ts';

function rig(ownZone: string) {
  const store = new StatsStore();
  const charges = new Charges(store.scope('').scope('cluster.c.'), ownZone);
  const used = () =>
    [...store.counters()]
      .filter(({ name, value }) => name.includes('.zone.') && value > 0)
      .map(({ name, value }) => `${name.slice('cluster.c.zone.'.length)}: ${value}`)
      .sort();
  return { charges, used, store };
}

const inZone = (zone: string) => ({ locality: { region: 'r', zone, subZone: '' } }) as Host;

it('Charges counts responses by the zones of proxy and host', () => {
  const { charges, used, store } = rig('here');
  charges.zone(inZone('there'), 200);
  charges.zone(inZone('there'), 503);
  charges.zone(inZone(''), 200);
  charges.zoneTime(inZone('there'), 5);
  expect(used()).toEqual([
    'here.there.upstream_rq_200: 1',
    'here.there.upstream_rq_2xx: 1',
    'here.there.upstream_rq_503: 1',
    'here.there.upstream_rq_5xx: 1',
    'here.there.upstream_rq_completed: 2',
  ]);
  expect([...store.histograms()].map(({ name }) => name)).toContain('cluster.c.zone.here.there.upstream_rq_time');
});

it('Charges counts nothing by zone where the proxy has none, and no more zones than may be', () => {
  const nowhere = rig('');
  nowhere.charges.zone(inZone('there'), 200);
  expect(nowhere.used()).toEqual([]);
  const { charges, used } = rig('here');
  for (let i = 0; i < 150; i++) charges.zone(inZone(`z${i}`), 200);
  expect(used()).toHaveLength(300);
});

it('Charges of 100 000 names that requests have chosen stay within bounds', () => {
  const { charges, store } = rig('here');
  const before = store.counters().length;
  for (let i = 0; i < 100_000; i++) charges.alt(`name${i}`, 100 + (i % 500), i % 2 === 0);
  // A hundred names, each once as it is and once by origin: code, class and sum.
  expect(store.counters().length - before).toBe(600);
});
