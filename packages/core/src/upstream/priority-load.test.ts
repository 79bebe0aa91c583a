import { describe, expect, it } from 'vitest';
import type { HostSets } from '../api/cluster.ts';
import type { Endpoint } from '../api/discovery.ts';
import { endpoint } from './fixture.ts';
import { UpstreamHost } from './host.ts';
import { hostSets } from './host-sets.ts';
import { isInPanic, PriorityLoad } from './priority-load.ts';

let port = 1;
const host = (more: Partial<Endpoint> = {}) => new UpstreamHost(endpoint(port++, more));
const hosts = (count: number) => Array.from({ length: count }, () => host());
const WEIGHED = { weightedPriorityHealth: true, overprovisioningFactor: 100 };

/**
 * A snapshot: for each priority how many hosts there are, and of them healthy, degraded and excluded ones. `4/1/0/3 5/1`
 * are two priorities.
 */
function sets(levels: string, overprovisioningFactor = 140): HostSets {
  const priorities = levels.split(' ').map((level, priority) => {
    const [all = 0, healthy = 0, degraded = 0, excluded = 0] = level.split('/').map(Number);
    const members = hosts(all);
    return {
      priority,
      hosts: members,
      healthy: members.slice(0, healthy),
      degraded: members.slice(healthy, healthy + degraded),
      excluded: members.slice(healthy + degraded, healthy + degraded + excluded),
      localities: [],
      hasLocal: false,
      localityWeights: false,
    };
  });
  return { priorities, overprovisioningFactor, weightedPriorityHealth: false };
}

function loadOf(snapshot: HostSets, threshold = 50): PriorityLoad {
  const load = new PriorityLoad();
  load.update(snapshot, threshold);
  return load;
}

/** `healthy | degraded` percents, with `!` behind a priority that panics. */
function told({ healthy, degraded, panic }: PriorityLoad): string {
  return `${healthy.map((part, i) => `${part}${panic[i] ? '!' : ''}`).join(' ')} | ${degraded.join(' ')}`;
}

describe('PriorityLoad', () => {
  it.each([
    ['100/100 100/100', '100 0'],
    ['100/72 100/100', '100 0'],
    ['100/71 100/100', '99 1'],
    ['100/50 100/100', '70 30'],
    ['100/25 100/100', '35 65'],
    ['100/0 100/100', '0 100'],
    ['100/72 100/72', '100 0'],
    ['100/71 100/71', '99 1'],
    ['100/50 100/50', '70 30'],
    ['100/25 100/25', '50 50'],
    ['100/100 100/100 100/100', '100 0 0'],
    ['100/71 100/71 100/100', '99 1 0'],
    ['100/50 100/50 100/100', '70 30 0'],
    ['100/25 100/100 100/100', '35 65 0'],
    ['100/25 100/25 100/100', '35 35 30'],
    ['100/25 100/25 100/25', '35 35 30'],
  ])('divides %s as the tables of priority levels say', (levels, expected) => {
    expect(loadOf(sets(levels), 0).healthy.join(' ')).toBe(expected);
  });

  it.each([
    ['half and half', '2/1 2/1', '70 30 | 0 0'],
    ['a quarter, but enough elsewhere', '4/1 2/2', '35 65 | 0 0'],
    ['a quarter each', '4/1 4/1', '50! 50! | 0 0'],
    ['excluded hosts do not count', '4/1/0/3 5/1', '100 0 | 0 0'],
    ['only excluded hosts', '4/0/0/4 4/1', '50! 50! | 0 0'],
    ['heads of all when all panic', '4/0/0/1 6/1/0/2', '40! 60! | 0 0'],
    ['a fifth each', '5/1 5/1 5/1', '34! 33! 33! | 0 0 0'],
    ['only the last is up', '5/0 5/0 5/4', '0 0 100 | 0 0 0'],
    ['too little of the last', '5/0 5/0 5/2', '34! 33! 33! | 0 0 0'],
    ['healthy ones first', '5/0/5 5/2/2 5/2', '0 56 44 | 0 0 0'],
    ['nothing is up', '5/0 3/0 2/0', '50! 30! 20! | 0 0 0'],
    ['rounding goes to the first', '5/0 6/2 3/1', '37! 42! 21! | 0 0 0'],
    ['rounding goes to the first that has hosts', '0/0 6/0 3/0', '0! 67! 33! | 0 0 0'],
    ['spills over into degraded', '5/0/1 5/0/5 5/1', '0 0 28 | 28 44 0'],
    ['no hosts at all', '0/0', '100! | 0'],
    ['degraded hosts after the healthy ones of all', '2/0/1 4/1', '0 35 | 65 0'],
    ['72 % well is enough', '100/72 1/1', '100 0 | 0 0'],
    ['by number of hosts when none is well', '1/0 3/0', '25! 75! | 0 0'],
    ['hosts that do not count', '10/1/0/9 1/1', '100 0 | 0 0'],
  ])('%s', (_name, levels, expected) => {
    expect(told(loadOf(sets(levels)))).toBe(expected);
  });

  it.each([
    ['gives rounding to degraded hosts when no healthy ones are there', '5/0 5/0/2 5/0/1', '0 0 0 | 0 67 33'],
    ['sends everything to the first, in vain, when nothing is up', '5/0 5/0', '100 0 | 0 0'],
    ['leaves two of a quarter as they stand', '4/1 4/1', '50 50 | 0 0'],
    ['gives the rest of rounding to the first', '3/1 4/1', '57 43 | 0 0'],
  ])('%s, where nobody may panic', (_name, levels, expected) => {
    expect(told(loadOf(sets(levels), 0))).toBe(expected);
  });

  it.each([
    [140, '70 30'],
    [100, '50 50'],
    [200, '100 0'],
  ])('overprovisions by %i %%', (factor, expected) => {
    expect(loadOf(sets('4/2 4/2', factor)).healthy.join(' ')).toBe(expected);
  });

  it('weighs hosts when the assignment says so', () => {
    const first = [
      host({ weight: 4 }),
      host({ weight: 3, healthStatus: 'DEGRADED' }),
      host({ weight: 2, healthStatus: 'UNHEALTHY' }),
      host({ weight: 1, healthStatus: 'UNHEALTHY' }),
    ];
    const second = [host({ weight: 1, priority: 1 }), host({ weight: 9, priority: 1, healthStatus: 'DEGRADED' })];
    const load = loadOf(hostSets([...first, ...second], WEIGHED, undefined));
    expect([load.healthy, load.degraded]).toEqual([
      [40, 10],
      [30, 20],
    ]);
  });

  it('leaves the weights of excluded hosts out', () => {
    const all = [
      host({ weight: 4 }),
      // It does not count, neither for nor against.
      host({ weight: 10, healthStatus: 'DRAINING' }),
      host({ weight: 6, healthStatus: 'UNHEALTHY' }),
      host({ priority: 1 }),
    ];
    expect(loadOf(hostSets(all, WEIGHED, undefined)).healthy).toEqual([40, 60]);
  });

  it('holds each level to its own cluster', () => {
    const [first, second] = sets('4/2 4/4').priorities;
    if (first === undefined || second === undefined) throw new Error('no priorities');
    const load = new PriorityLoad();
    const weighed = hostSets(
      [host(), host({ weight: 9, healthStatus: 'UNHEALTHY' })],
      { ...WEIGHED, overprovisioningFactor: 140 },
      undefined,
    );
    load.updateLevels(
      [...weighed.priorities.map((each) => ({ hosts: each, sets: weighed })), { hosts: second, sets: sets('1/1') }],
      50,
    );
    expect(load.healthy).toEqual([14, 86]);
    load.updateLevels(
      [
        { hosts: first, sets: sets('1/1', 100) },
        { hosts: first, sets: sets('1/1', 200) },
      ],
      50,
    );
    expect(load.healthy).toEqual([50, 50]);
    load.updateLevels([], 50);
    expect([load.healthy, load.degraded, load.panic]).toEqual([[], [], []]);
  });

  it('forgets priorities that are gone', () => {
    const load = loadOf(sets('4/1 4/4'));
    load.update(sets('4/4'), 50);
    expect([load.healthy, load.degraded, load.panic, load.totalHealthy]).toEqual([[100], [0], [false], 4]);
  });
});

describe('PriorityLoad.choose', () => {
  const counts = (load: PriorityLoad, tried: readonly number[] = []) => {
    const chosen: Record<number, number> = {};
    for (let drawn = 0; drawn < 100; drawn++) {
      const choice = tried.length === 0 ? load.choose(drawn) : (load.chooseWithout(drawn, tried) ?? Number.NaN);
      chosen[choice] = (chosen[choice] ?? 0) + 1;
    }
    return chosen;
  };

  it('finds every priority as often as its load says, degraded hosts by the complement', () => {
    const load = loadOf(sets('5/0/1 5/0/5 5/1'));
    expect(counts(load)).toEqual({ 2: 28, [~0]: 28, [~1]: 44 });
  });

  it.each<[tried: number[], expected: Record<number, number>]>([
    [[], { 0: 70, 1: 30 }],
    [[0], { 1: 70, 2: 30 }],
    [[0, 1], { 2: 100 }],
    [[1], { 0: 70, 2: 30 }],
    [[0, 1, 2], { [Number.NaN]: 100 }],
  ])('leaves out the priorities that were tried while others are left: %j', (tried, expected) => {
    expect(counts(loadOf(sets('2/1 2/1 2/1')), tried)).toEqual(expected);
  });

  it('scales up what is left of the load', () => {
    expect(counts(loadOf(sets('2/2 4/1 4/1')), [0])).toEqual({ 1: 50, 2: 50 });
  });
});

it.each([
  ['4/2', 50, false],
  ['4/1', 50, true],
  ['4/1/1', 50, false],
  ['4/0', 0, false],
  ['0/0', 50, true],
  ['4/2/0/2', 100, false],
])('isInPanic of %s below %i %%: %s', (level, threshold, panics) => {
  const [first] = sets(level).priorities;
  if (first === undefined) throw new Error('no priority');
  expect(isInPanic(first, threshold)).toBe(panics);
});
