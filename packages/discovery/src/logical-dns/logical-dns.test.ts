import type { Endpoint } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { dnsError, testContext } from '../dns/fixture.ts';
import { logicalDnsWith } from './index.ts';

type Test = ReturnType<typeof testContext>;

function begin(test: Test) {
  const discovery = logicalDnsWith(test.dns.lookup).create(test.context as never);
  const started = { done: false };
  void discovery.start().then(() => {
    started.done = true;
  });
  return { discovery, started };
}

const addresses = ({ ip, port, additionalAddresses = [] }: Endpoint): string[] =>
  [{ ip, port }, ...additionalAddresses].map((each) => `${each.ip}:${each.port}`);

describe('logicalDns', () => {
  it('makes one host of all addresses, the first of them first', async () => {
    const test = testContext({ endpoints: ['a.example:80'] });
    test.dns.answer('a.example', ['192.0.2.2', '192.0.2.1']);
    const { started } = begin(test);
    await test.clock.advance(0);
    expect(started.done).toBe(true);
    expect(test.published).toHaveLength(1);
    expect(test.published[0]?.map(addresses)).toEqual([['192.0.2.2:80', '192.0.2.1:80']]);
    expect(test.published[0]?.[0]).toMatchObject({ hostname: 'a.example', weight: 3, priority: 0 });
  });

  it('keeps the identity of its host when the addresses change, be it their order', async () => {
    const test = testContext({ endpoints: ['a.example:80'] });
    test.dns.answer('a.example', ['192.0.2.1', '192.0.2.2']);
    begin(test);
    await test.clock.advance(0);
    test.dns.answer('a.example', ['192.0.2.2', '192.0.2.1']);
    await test.clock.advance(5000);
    const keys = test.published.map(([host]) => host?.key);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toBeDefined();
  });

  it('publishes nothing for the same answer', async () => {
    const test = testContext({ endpoints: ['a.example:80'] });
    test.dns.answer('a.example', ['192.0.2.1']);
    begin(test);
    await test.clock.advance(10_000);
    expect(test.published).toHaveLength(1);
    expect(['attempt', 'success', 'no_rebuild'].map((name) => test.stat(`update_${name}`))).toEqual([3, 3, 2]);
  });

  it.each([
    ['an error', dnsError('EAI_AGAIN')],
    ['no address', []],
  ])('keeps its host on %s, which is a failure', async (_title, answer) => {
    const fields = { dnsFailureRefreshRate: { baseIntervalMs: 1000 } };
    const test = testContext({ endpoints: ['a.example:80'], fields });
    test.dns.answer('a.example', ['192.0.2.1', '192.0.2.2']);
    begin(test);
    await test.clock.advance(0);
    test.dns.answer('a.example', answer);
    await test.clock.advance(7000);
    expect(test.published).toHaveLength(1);
    expect(['success', 'failure', 'empty'].map((name) => test.stat(`update_${name}`))).toEqual([1, 3, 0]);
    expect(test.dns.asked.map(({ atMs }) => atMs)).toEqual([0, 5000, 6000, 7000]);
    expect(test.logs).toContainEqual(expect.stringMatching(/^warning .*keeping its last 2 addresses$/));
  });

  it('needs no lookup for an address', async () => {
    const test = testContext({ endpoints: ['192.0.2.9:80'] });
    const { started } = begin(test);
    await test.clock.advance(60_000);
    expect(started.done).toBe(true);
    expect(test.published.map((hosts) => hosts.map(addresses))).toEqual([[['192.0.2.9:80']]]);
    expect(test.dns.asked).toEqual([]);
  });

  it('does not hold up a start that is not to wait for it', async () => {
    const test = testContext({ endpoints: ['a.example:80'], fields: { waitForWarmOnInit: false } });
    test.dns.answer('a.example', 'never');
    const { started } = begin(test);
    await test.clock.advance(0);
    expect(started.done).toBe(true);
  });

  it('lets go of the clock when it is closed', async () => {
    const test = testContext({ endpoints: ['a.example:80'] });
    test.dns.answer('a.example', 'never');
    const { discovery, started } = begin(test);
    discovery.close();
    await test.clock.advance(60_000);
    expect(started.done).toBe(true);
    expect(test.clock.pending).toBe(0);
    expect(test.published).toEqual([]);
  });

  it.each([[[]], [['a.example:80', 'b.example:80']]])('refuses %j: it is one host', (endpoints) => {
    const test = testContext({ endpoints });
    expect(() => logicalDnsWith(test.dns.lookup).create(test.context as never)).toThrow(
      'cluster c: LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint',
    );
  });
});
