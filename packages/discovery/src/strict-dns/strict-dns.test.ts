import { describe, expect, it } from 'vitest';
import { dnsError, testContext } from '../dns/fixture.ts';
import { strictDnsWith } from './index.ts';

type Test = ReturnType<typeof testContext>;

function begin(test: Test) {
  const definition = strictDnsWith(test.dns.lookup);
  const discovery = definition.create(test.context as never);
  const started = { done: false };
  void discovery.start().then(() => {
    started.done = true;
  });
  return { discovery, started };
}

describe('strictDns hosts', () => {
  it('are all addresses of a name, with the fields of its endpoint', async () => {
    const test = testContext({ endpoints: ['a.example:80'] });
    test.dns.answer('a.example', ['192.0.2.1', '192.0.2.2']);
    const { started } = begin(test);
    await test.clock.advance(0);
    expect(started.done).toBe(true);
    expect(test.hosts()).toEqual(['192.0.2.1:80', '192.0.2.2:80']);
    expect(test.published[0]?.[0]).toEqual({
      ip: '192.0.2.1',
      port: 80,
      hostname: 'a.example',
      weight: 3,
      priority: 0,
      locality: { region: 'r', zone: 'z', subZone: '' },
      localityWeight: 7,
      healthStatus: 'UNKNOWN',
    });
  });

  it('appear and disappear with the answers', async () => {
    const test = testContext({ endpoints: ['a.example:80'] });
    test.dns.answer('a.example', ['192.0.2.1', '192.0.2.2']);
    begin(test);
    await test.clock.advance(0);
    test.dns.answer('a.example', ['192.0.2.2', '192.0.2.3']);
    await test.clock.advance(5000);
    expect(test.hosts()).toEqual(['192.0.2.2:80', '192.0.2.3:80']);
    expect(test.published).toHaveLength(2);
  });

  it('are not published again for the same addresses in another order', async () => {
    const test = testContext({ endpoints: ['a.example:80'] });
    test.dns.answer('a.example', ['192.0.2.1', '192.0.2.2']);
    begin(test);
    await test.clock.advance(0);
    test.dns.answer('a.example', ['192.0.2.2', '192.0.2.1']);
    await test.clock.advance(5000);
    expect(test.published).toHaveLength(1);
    expect(test.stat('update_no_rebuild')).toBe(1);
    expect(test.stat('update_success')).toBe(2);
  });

  it('given as addresses need no lookup', async () => {
    const test = testContext({ endpoints: ['192.0.2.9:80', '::1:81'] });
    const { started } = begin(test);
    await test.clock.advance(60_000);
    expect(started.done).toBe(true);
    expect(test.hosts()).toEqual(['192.0.2.9:80', '::1:81']);
    expect(test.dns.asked).toEqual([]);
  });

  it('of one name on several ports come from one question', async () => {
    const test = testContext({ endpoints: ['a.example:80', 'A.example:81', '192.0.2.1:80'] });
    test.dns.answer('a.example', ['192.0.2.1']);
    begin(test);
    await test.clock.advance(5000);
    expect(test.dns.asked.map(({ name, atMs }) => `${name} ${atMs}`)).toEqual(['a.example 0', 'a.example 5000']);
    expect(test.hosts()).toEqual(['192.0.2.1:80', '192.0.2.1:81']);
    expect(test.stat('update_attempt')).toBe(2);
  });

  it('obey the lookup family', async () => {
    const test = testContext({ endpoints: ['a.example:80'], fields: { dnsLookupFamily: 'V4_ONLY' } });
    test.dns.answer('a.example', ['2001:db8::1', '192.0.2.1']);
    begin(test);
    await test.clock.advance(0);
    expect(test.dns.asked[0]?.query.family).toBe('V4_ONLY');
    expect(test.hosts()).toEqual(['192.0.2.1:80']);
  });
});

describe('strictDns failures', () => {
  it.each([
    ['a failure', dnsError('EAI_AGAIN'), 'update_failure', 'could not be resolved: EAI_AGAIN'],
    ['an empty answer', [], 'update_empty', 'has no addresses'],
  ] as const)('keep the last good hosts after %s', async (_title, answer, stat, text) => {
    const test = testContext({ endpoints: ['a.example:80'] });
    test.dns.answer('a.example', ['192.0.2.1']);
    begin(test);
    await test.clock.advance(0);
    test.dns.answer('a.example', answer);
    await test.clock.advance(15_000);
    expect(test.stat(stat)).toBe(3);
    expect(test.published).toHaveLength(1);
    expect(test.logs.filter((line) => line.startsWith('warning'))).toEqual([
      `warning DNS name a.example ${text}; keeping its last 1 addresses`,
    ]);
    test.dns.answer('a.example', ['192.0.2.2']);
    await test.clock.advance(5000);
    expect(test.hosts()).toEqual(['192.0.2.2:80']);
    expect(test.logs.at(-1)).toBe('info DNS name a.example resolves again');
  });

  it('counts an empty answer as a success that changed nothing', async () => {
    const test = testContext({ endpoints: ['a.example:80'] });
    begin(test);
    await test.clock.advance(0);
    const stats = ['attempt', 'success', 'failure', 'empty', 'no_rebuild'].map((name) => test.stat(`update_${name}`));
    expect(stats).toEqual([1, 1, 0, 1, 1]);
  });

  it('of one name leave the hosts of the others', async () => {
    const test = testContext({ endpoints: ['a.example:80', 'b.example:80'] });
    test.dns.answer('a.example', dnsError('ESERVFAIL'));
    test.dns.answer('b.example', ['192.0.2.2']);
    const { started } = begin(test);
    await test.clock.advance(0);
    expect(started.done).toBe(true);
    expect(test.hosts()).toEqual(['192.0.2.2:80']);
  });

  it('of a lookup that throws are failures like any other', async () => {
    const test = testContext({ endpoints: ['a.example:80'] });
    const broken = strictDnsWith(() => {
      throw new Error('broken');
    });
    void broken.create(test.context as never).start();
    await test.clock.advance(0);
    expect(test.stat('update_failure')).toBe(1);
  });

  it('are made of silence after 10 s, so that the start is bounded', async () => {
    const test = testContext({ endpoints: ['a.example:80'] });
    test.dns.answer('a.example', 'never');
    const { started } = begin(test);
    await test.clock.advance(9999);
    expect(started.done).toBe(false);
    await test.clock.advance(1);
    expect(started.done).toBe(true);
    expect(test.logs).toEqual(['warning DNS name a.example could not be resolved: no answer within 10000 ms']);
  });
});

describe('strictDns refresh', () => {
  const times = (test: Test) => test.dns.asked.map(({ atMs }) => atMs);

  it('adds jitter to the rate', async () => {
    const test = testContext({ endpoints: ['a.example:80'], fields: { dnsJitterMs: 1000 } }, () => 0.5);
    test.dns.answer('a.example', ['192.0.2.1']);
    begin(test);
    await test.clock.advance(11_000);
    expect(times(test)).toEqual([0, 5500, 11_000]);
  });

  it('follows the shortest TTL when asked to, and the rate when it is 0', async () => {
    const test = testContext({ endpoints: ['a.example:80'], fields: { respectDnsTtl: true } });
    const record = (address: string, ttlS: number) => ({ address, ttlS });
    test.dns.answer('a.example', [record('192.0.2.1', 30), record('192.0.2.2', 20)]);
    begin(test);
    await test.clock.advance(19_999);
    expect(times(test)).toEqual([0]);
    test.dns.answer('a.example', [record('192.0.2.1', 0)]);
    await test.clock.advance(5001);
    expect(times(test)).toEqual([0, 20_000, 25_000]);
    expect(test.dns.asked[0]?.query.withTtl).toBe(true);
  });

  it('ignores the TTL otherwise', async () => {
    const test = testContext({ endpoints: ['a.example:80'] });
    test.dns.answer('a.example', [{ address: '192.0.2.1', ttlS: 600 }]);
    begin(test);
    await test.clock.advance(5000);
    expect(times(test)).toEqual([0, 5000]);
  });

  it('goes on at the normal rate after failures when no failure rate is set', async () => {
    const test = testContext({ endpoints: ['a.example:80'] }, () => 0.99);
    test.dns.answer('a.example', dnsError('EAI_AGAIN'));
    begin(test);
    await test.clock.advance(15_000);
    expect(times(test)).toEqual([0, 5000, 10_000, 15_000]);
  });

  it.each([
    ['backs off to ten times the base', 1, undefined, [0, 2000, 6000, 14_000, 24_000, 34_000]],
    ['backs off to max_interval', 1, 3000, [0, 2000, 5000, 8000, 11_000]],
    ['is never faster than the base', 0, undefined, [0, 1000, 2000, 3000]],
  ] as const)('%s', async (_title, random, maxIntervalMs, expected) => {
    const dnsFailureRefreshRate = { baseIntervalMs: 1000, ...(maxIntervalMs && { maxIntervalMs }) };
    const test = testContext({ endpoints: ['a.example:80'], fields: { dnsFailureRefreshRate } }, () => random);
    test.dns.answer('a.example', dnsError('EAI_AGAIN'));
    begin(test);
    await test.clock.advance(expected.at(-1) as number);
    expect(times(test)).toEqual(expected);
  });

  it('starts the back-off anew after an answer', async () => {
    const fields = { dnsFailureRefreshRate: { baseIntervalMs: 1000 } };
    const test = testContext({ endpoints: ['a.example:80'], fields }, () => 1);
    test.dns.answer('a.example', dnsError('EAI_AGAIN'));
    begin(test);
    await test.clock.advance(5999);
    test.dns.answer('a.example', ['192.0.2.1']);
    await test.clock.advance(1);
    test.dns.answer('a.example', dnsError('EAI_AGAIN'));
    await test.clock.advance(7000);
    expect(times(test)).toEqual([0, 2000, 6000, 11_000, 13_000]);
  });
});

describe('strictDns close', () => {
  it('stops timers, ignores late answers and publishes nothing more', async () => {
    const test = testContext({ endpoints: ['a.example:80', 'b.example:80'] });
    test.dns.answer('a.example', ['192.0.2.1']);
    test.dns.answer('b.example', 'never');
    const { discovery, started } = begin(test);
    await test.clock.advance(0);
    discovery.close();
    await test.clock.advance(0);
    expect(started.done).toBe(true);
    expect(test.clock.pending).toBe(0);
    await test.clock.advance(60_000);
    expect(test.dns.asked).toHaveLength(2);
    expect(test.published).toHaveLength(1);
  });

  it('comes before an answer that is on its way', async () => {
    const test = testContext({ endpoints: ['a.example:80'] });
    test.dns.answer('a.example', ['192.0.2.1']);
    const { discovery } = begin(test);
    discovery.close();
    await test.clock.advance(10_000);
    expect(test.published).toEqual([]);
    expect(test.clock.pending).toBe(0);
  });
});

it('strictDns refuses names that can never be looked up, all at once', () => {
  const test = testContext({ endpoints: ['a\0b:80', '127.1:80', 'good.example:80'] });
  expect(() => strictDnsWith(test.dns.lookup).create(test.context as never)).toThrow(
    /^cluster c: "a\\u0000b" cannot.*\ncluster c: "127\.1" cannot be looked up: it ends with a number/,
  );
  expect(test.dns.asked).toEqual([]);
});

describe('strictDns services', () => {
  const services = [
    { address: '192.0.2.1', target: 'one.example', port: 81, priority: 10, weight: 5 },
    { address: '192.0.2.2', target: 'two.example', port: 82, priority: 30, weight: 0 },
  ];

  it('are asked for by a name of their form and port 0; hosts have what SRV tells', async () => {
    const test = testContext({ endpoints: ['_http._tcp.example:0'] });
    test.dns.answer('_http._tcp.example', services);
    begin(test);
    await test.clock.advance(0);
    expect(test.dns.asked[0]?.query.srv).toBe(true);
    const seen = test.published[0]?.map(({ ip, port, hostname, weight, priority }) => ({
      ip,
      port,
      hostname,
      weight,
      priority,
    }));
    expect(seen).toEqual([
      { ip: '192.0.2.1', port: 81, hostname: 'one.example', weight: 15, priority: 0 },
      { ip: '192.0.2.2', port: 82, hostname: 'two.example', weight: 3, priority: 1 },
    ]);
  });

  it('change when only a weight does', async () => {
    const test = testContext({ endpoints: ['_http._tcp.example:0'] });
    test.dns.answer('_http._tcp.example', services);
    begin(test);
    await test.clock.advance(0);
    test.dns.answer(
      '_http._tcp.example',
      services.map((one) => ({ ...one, weight: 7 })),
    );
    await test.clock.advance(5000);
    expect(test.published.at(-1)?.map(({ weight }) => weight)).toEqual([21, 21]);
  });

  it('are not meant by a name of that form with a port, as in Envoy', async () => {
    const test = testContext({ endpoints: ['_http._tcp.example:80'] });
    test.dns.answer('_http._tcp.example', ['192.0.2.1']);
    begin(test);
    await test.clock.advance(0);
    expect(test.dns.asked[0]?.query.srv).toBeUndefined();
    expect(test.hosts()).toEqual(['192.0.2.1:80']);
  });
});

it('strictDns start waits for no answer unless wait_for_warm_on_init', async () => {
  const test = testContext({ endpoints: ['a.example:80'], fields: { waitForWarmOnInit: false } });
  test.dns.answer('a.example', 'never');
  const { started } = begin(test);
  await test.clock.advance(0);
  expect(started.done).toBe(true);
});
