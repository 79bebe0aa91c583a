import { promises } from 'node:dns';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DnsServer, startDnsServer } from './dns-server.ts';

let server: DnsServer;
let resolver: promises.Resolver;

beforeEach(async () => {
  server = await startDnsServer();
  resolver = new promises.Resolver({ timeout: 200, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.port}`]);
});
afterEach(() => server.close());

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: { code: string }) => error.code,
  );

describe('DnsServer', () => {
  it('answers with what a name has of the type', async () => {
    server.answer('A.test', { data: ['192.0.2.1', '2001:db8::1'], ttlS: 7 });
    expect(await resolver.resolve4('a.TEST', { ttl: true })).toEqual([{ address: '192.0.2.1', ttl: 7 }]);
    expect(await resolver.resolve6('a.test')).toEqual(['2001:db8::1']);
    expect(server.questions.map(({ name, type }) => `${name} ${type}`)).toEqual(['a.test A', 'a.test AAAA']);
    expect(server.asked('a.test')).toBe(2);
  });

  it('follows aliases, and knows hosts of services', async () => {
    server.answer('alias.test', [{ cname: 'a.test' }]);
    server.answer('a.test', ['192.0.2.1']);
    server.answer('_http._tcp.test', [{ target: 'a.test', port: 80, weight: 5 }]);
    expect(await resolver.resolve4('alias.test')).toEqual(['192.0.2.1']);
    expect(await resolver.resolveSrv('_http._tcp.test')).toEqual([
      { name: 'a.test', port: 80, priority: 0, weight: 5 },
    ]);
  });

  it.each([
    ['nxdomain', 'ENOTFOUND'],
    ['servfail', 'ESERVFAIL'],
    ['refused', 'EREFUSED'],
    ['silence', 'ETIMEOUT'],
    [['2001:db8::1'], 'ENODATA'],
  ] as const)('fails with %j as told', async (behaviour, expected) => {
    server.answer('a.test', behaviour);
    expect(await code(resolver.resolve4('a.test'))).toBe(expected);
  });

  it('leads to TCP by a datagram that is cut', async () => {
    server.answer('a.test', { data: ['192.0.2.1'], cut: true });
    expect(await resolver.resolve4('a.test')).toEqual(['192.0.2.1']);
    expect(server.questions.map(({ protocol }) => protocol)).toEqual(['udp', 'tcp']);
  });
});
