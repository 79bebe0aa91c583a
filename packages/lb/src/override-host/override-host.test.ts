import type { Host, PickContext } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { hosts, setsOf, TestContext } from '../fixture.ts';
import { roundRobin } from '../round-robin/index.ts';
import { overrideHost } from './index.ts';

const bySources = {
  overrideHostSources: [{ header: 'X-To' }, { metadata: { key: 'n', path: [{ key: 'a' }, { key: 'b' }] } }],
};

function rig() {
  const context = new TestContext();
  context.make = (choice) => roundRobin.create(choice.config as never, context);
  const balancer = overrideHost.create(
    overrideHost({ ...bySources, fallbackPolicy: roundRobin() } as never).config,
    context,
  );
  const all = hosts('h', 3);
  balancer.update(setsOf(all));
  return { balancer, all };
}

const asking = (header?: string, noted?: unknown): PickContext => ({
  headers: { get: (name: string) => (name === 'x-to' ? header : undefined) } as never,
  dynamicMetadata: new Map([['n', { a: { b: noted } }]]),
});
const addresses = (picked: (Host | undefined)[]) => picked.map((each) => each?.address);

describe('OverrideHostBalancer', () => {
  it.each<readonly [what: string, context: PickContext, first: string]>([
    ['a header', asking('h1'), 'h1'],
    ['noted metadata', asking(undefined, 'h2'), 'h2'],
    ['the first source that says anything', asking('h2', 'h1'), 'h2'],
    ['the first host that is there', asking(' gone ,, h1'), 'h1'],
  ])('goes by %s', (_what, context, first) => {
    expect(rig().balancer.pick(context, 0)?.address).toBe(first);
  });

  it('takes the next one with each attempt, and then those of the other policy', () => {
    const { balancer } = rig();
    const context = asking('h2,h0', 'h2');
    const picked = Array.from({ length: 6 }, () => balancer.pick(context, 0));
    expect(addresses(picked.slice(0, 3))).toEqual(['h2', 'h0', 'h2']);
    expect(new Set(picked.slice(3)).size).toBe(3);
  });

  it('hears of no hosts in the requests of a cluster that is made of others', () => {
    const { balancer, all } = rig();
    // One object serves all requests there.
    const context = { ...asking('h1'), within: { priority: 0, degraded: false } };
    expect(new Set([0, 0, 0].map(() => balancer.pick(context, 0)))).toEqual(new Set(all));
  });

  it.each([
    ['nothing', asking()],
    ['something else than a text', asking(undefined, 5)],
    ['hosts that are not there', asking('x,y')],
  ])('leaves it to the other policy when a request names %s', (_what, context) => {
    const { balancer, all } = rig();
    expect(new Set([0, 0, 0].map(() => balancer.pick(context, 0)))).toEqual(new Set(all));
  });

  it.each([
    [{ overrideHostSources: [{}], fallbackPolicy: roundRobin() }, 'Empty override source'],
    [
      {
        overrideHostSources: [{ header: 'x', metadata: { key: 'a', path: [{ key: 'b' }] } }],
        fallbackPolicy: roundRobin(),
      },
      'Only one override source must be set',
    ],
    [{ overrideHostSources: [], fallbackPolicy: roundRobin() }, 'needs at least 1 item'],
    [{ overrideHostSources: [{ header: 'x' }] }, 'fallback_policy: is required'],
  ])('refuses %j', (config, message) => {
    expect(() => overrideHost(config as never)).toThrow(message);
  });
});
