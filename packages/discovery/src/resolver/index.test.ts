import type { DnsResolverSettings } from '@mesh/core';
import { startDnsServer, until } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { systemTestClock as clock, numbers } from './fixture.ts';
import { errorCode, lookupLimitMs, lookupOf } from './index.ts';

function serversAt(port: number, change: object = {}): DnsResolverSettings {
  return {
    kind: 'servers',
    servers: [{ ip: '127.0.0.1', port }],
    fallback: false,
    tcp: false,
    search: false,
    timeoutMs: 2000,
    tries: 3,
    rotate: false,
    udpBytes: 1232,
    routableOnly: false,
    ...change,
  };
}

describe('lookupOf', () => {
  it.each([[undefined], [{ kind: 'system' } as const]])('is the system for the settings %j', async (settings) => {
    const records = await lookupOf(settings, { clock })('localhost', { family: 'V4_ONLY', withTtl: false });
    expect(records).toEqual([{ address: '127.0.0.1' }]);
  });

  it('gives up what nobody waits for any more, and asks anew for whoever comes then', async () => {
    const server = await startDnsServer();
    server.answer('a.example', 'silence');
    const lookup = lookupOf(serversAt(server.port, { timeoutMs: 60_000 }), { clock });
    const ask = () => {
      const abort = new AbortController();
      const query = { family: 'V4_ONLY', withTtl: false, signal: abort.signal } as const;
      const outcome = lookup('a.example', query).then(([record]) => record?.address, errorCode);
      return { abort, outcome };
    };
    const [one, other] = [ask(), ask()];
    await until(() => server.asked('a.example') === 1, 'the question');
    one.abort.abort();
    server.answer('a.example', ['192.0.2.1']);
    other.abort.abort();
    expect(await ask().outcome).toBe('192.0.2.1');
    expect(await Promise.all([one.outcome, other.outcome])).toEqual(['ECANCELLED', 'ECANCELLED']);
    await server.close();
  });

  it('counts what becomes of lookups', async () => {
    const server = await startDnsServer();
    const { scope, values } = numbers();
    const settings = serversAt(server.port, { timeoutMs: 20, tries: 1 });
    const lookup = lookupOf(settings, { clock, rootStats: scope });
    server.answer('a.example', ['192.0.2.1']);
    server.answer('ill.example', 'servfail');
    server.answer('mute.example', 'silence');
    const names = ['a.example', 'none.example', 'ill.example', 'mute.example'];
    await Promise.allSettled(names.map((name) => lookup(name, { family: 'V4_ONLY', withTtl: false })));
    expect(values).toEqual({
      'dns.cares.resolve_total': 4,
      'dns.cares.pending_resolutions': 0,
      'dns.cares.not_found': 1,
      'dns.cares.get_addr_failure': 2,
      'dns.cares.timeouts': 1,
    });
    await server.close();
  });

  it('asks once when several clusters ask the same at the same moment', async () => {
    const server = await startDnsServer();
    server.answer('a.example', ['192.0.2.1']);
    const clusters = Array.from({ length: 10 }, () => lookupOf(serversAt(server.port), { clock }));
    const query = { family: 'V4_ONLY', withTtl: false } as const;
    const answers = await Promise.all(
      clusters.map((lookup, index) => lookup('a.example', { ...query, withTtl: index % 2 === 0 })),
    );
    expect(answers.map(([record]) => record?.address)).toEqual(Array(10).fill('192.0.2.1'));
    expect(server.asked('a.example')).toBe(1);
    await clusters[0]?.('a.example', query);
    expect(server.asked('a.example')).toBe(2);
    await server.close();
  });
});

it.each([
  [undefined, 10_000],
  [serversAt(53), 14_000],
  [serversAt(53, { timeoutMs: 1000, tries: 1 }), 10_000],
  [serversAt(53, { timeoutMs: 5000, tries: 4 }), 75_000],
])('lookupLimitMs is no shorter than what the resolver may take', (settings, limitMs) => {
  expect(lookupLimitMs(settings as DnsResolverSettings | undefined)).toBe(limitMs);
});
