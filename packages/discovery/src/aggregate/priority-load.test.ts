import type { Host, HostSets, PriorityHosts } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { loadWithout, priorityLoad } from './priority-load.ts';

/** `3/1/5`: 3 healthy and 1 degraded of 5 hosts; `3/1/5/2` has 2 more that are excluded. */
function level(text: string, weighted = false) {
  const [healthy = 0, degraded = 0, total = 0, excluded = 0] = text.split('/').map(Number);
  const list = (count: number) => Array.from({ length: count }, () => ({ weight: 1 }) as Host);
  const hosts = {
    hosts: list(total + excluded),
    healthy: list(healthy),
    degraded: list(degraded),
    excluded: list(excluded),
  } as unknown as PriorityHosts;
  return { hosts, sets: { overprovisioningFactor: 140, weightedPriorityHealth: weighted } as HostSets };
}

describe('priorityLoad', () => {
  it.each([
    ['all well', ['1/0/1', '1/0/1'], 50, [100, 0], [0, 0]],
    ['72 % well is enough', ['72/0/100', '1/0/1'], 50, [100, 0], [0, 0]],
    ['half of the first', ['1/0/2', '1/0/1'], 50, [70, 30], [0, 0]],
    ['a quarter of both: as they stand', ['1/0/4', '1/0/4'], 0, [50, 50], [0, 0]],
    ['the rest of rounding goes to the first', ['1/0/3', '1/0/4'], 0, [57, 43], [0, 0]],
    ['degraded hosts after the healthy ones of all', ['0/1/2', '1/0/4'], 0, [0, 35], [65, 0]],
    ['none at all, without panic', ['0/0/2', '0/0/2'], 0, [100, 0], [0, 0]],
    ['none at all: by number of hosts', ['0/0/1', '0/0/3'], 50, [25, 75], [0, 0]],
    ['all below the threshold: by number of hosts', ['1/0/4', '1/0/4'], 50, [50, 50], [0, 0]],
    ['hosts that do not count', ['1/0/1/9', '1/0/1'], 50, [100, 0], [0, 0]],
    ['nothing', [], 50, [], []],
  ])('%s', (_, levels, panic, healthy, degraded) => {
    expect(
      priorityLoad(
        levels.map((text) => level(text)),
        panic,
      ),
    ).toEqual({ healthy, degraded });
  });

  it('weighs hosts where the assignment says so', () => {
    const heavy = level('1/0/2', true);
    const weights = heavy.hosts.hosts as unknown as { weight: number }[];
    (weights[1] as { weight: number }).weight = 9;
    expect(priorityLoad([heavy, level('1/0/1')], 50).healthy).toEqual([14, 86]);
  });
});

describe('loadWithout', () => {
  it.each([
    [
      [false, true],
      [0, 100],
    ],
    [
      [true, true],
      [50, 50],
    ],
    [
      [true, false],
      [100, 0],
    ],
  ])('%j', (left, healthy) => {
    expect(loadWithout([level('1/0/1'), level('1/0/1')], left)?.healthy).toEqual(healthy);
  });

  it('is none where nobody is well', () => {
    expect(loadWithout([level('1/0/1'), level('0/0/1')], [false, true])).toBeUndefined();
  });
});
