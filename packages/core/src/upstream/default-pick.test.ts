import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../api/discovery.ts';
import { RoundRobin } from './default-pick.ts';
import { endpointAddress, UpstreamHost } from './host.ts';
import { DEFAULT_HOST_SETS_POLICY, hostSets } from './host-sets.ts';

const endpoint = (port: number, weight = 1): Endpoint => ({
  ip: '127.0.0.1',
  port,
  hostname: '',
  weight,
  priority: 0,
  locality: { region: '', zone: '', subZone: '' },
});
const hosts = (...weights: number[]) => weights.map((weight, index) => new UpstreamHost(endpoint(index + 1, weight)));

function picks(policy: RoundRobin, count: number): number[] {
  return Array.from({ length: count }, () => (policy.pick() as UpstreamHost).port);
}

const sets = (of: readonly UpstreamHost[]) => hostSets(of, DEFAULT_HOST_SETS_POLICY, undefined);

describe('RoundRobin', () => {
  it('walks equal hosts in turn from a random start', () => {
    const policy = new RoundRobin(() => 0.5);
    policy.update(sets(hosts(1, 1, 1)));
    expect(picks(policy, 7)).toEqual([2, 3, 1, 2, 3, 1, 2]);
  });

  it('gives hosts their weight, spread out', () => {
    const policy = new RoundRobin(() => 0);
    policy.update(sets(hosts(5, 1, 1)));
    expect(picks(policy, 7)).toEqual([1, 1, 2, 1, 3, 1, 1]);
    const many = picks(policy, 7000);
    expect(many.filter((port) => port === 1)).toHaveLength(5000);
  });

  it('has nothing to give without hosts', () => {
    const policy = new RoundRobin(() => 0.9);
    expect(policy.pick()).toBeUndefined();
    policy.update(sets([]));
    expect(policy.pick()).toBeUndefined();
  });

  it('goes on with a smaller set', () => {
    const policy = new RoundRobin(() => 0);
    const three = hosts(1, 1, 1);
    policy.update(sets(three));
    picks(policy, 2);
    policy.update(sets(three.slice(0, 1)));
    expect(picks(policy, 3)).toEqual([1, 1, 1]);
  });
});

it.each([
  ['127.0.0.1', 80, '127.0.0.1:80'],
  ['::1', 80, '[::1]:80'],
  ['/run/app.sock', -1, '/run/app.sock'],
])('endpointAddress of %s and %s is %s', (ip, port, expected) => {
  expect(endpointAddress({ ip, port })).toBe(expected);
});
