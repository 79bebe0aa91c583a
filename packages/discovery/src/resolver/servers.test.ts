import type { ServerResolverSettings } from '@mesh/core';
import { type DnsServer, startDnsServer, until } from '@mesh/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LookupFamily } from './family.ts';
import { systemTestClock } from './fixture.ts';
import { type DnsQuery, errorCode } from './lookup.ts';
import { serverLookup } from './servers.ts';
import { parseHosts, parseResolvConf } from './system-files.ts';

let first: DnsServer;
let second: DnsServer;
const query: DnsQuery = { family: 'V4_ONLY', withTtl: true };

beforeAll(async () => {
  [first, second] = await Promise.all([startDnsServer(), startDnsServer()]);
});
afterAll(async () => {
  await Promise.all([first.close(), second.close()]);
});
beforeEach(() => {
  for (const server of [first, second]) server.questions.length = 0;
});

interface Files {
  readonly hosts?: string;
  readonly conf?: string;
}

function lookupWith(settings: Partial<ServerResolverSettings> = {}, { hosts = '', conf = '' }: Files = {}) {
  const servers = [{ ip: '127.0.0.1', port: first.port }];
  const rules = { fallback: false, tcp: false, search: true, timeoutMs: 2000, tries: 2, rotate: false };
  return serverLookup(
    { kind: 'servers', servers, ...rules, udpBytes: 1232, routableOnly: false, ...settings },
    { clock: systemTestClock, hosts: async () => parseHosts(hosts), conf: async () => parseResolvConf(conf) },
  );
}

const both = () => [first, second].map(({ port }) => ({ ip: '127.0.0.1', port }));
const asked = (server: DnsServer) => server.questions.map(({ name, type, protocol }) => `${name} ${type} ${protocol}`);
const code = (promise: Promise<unknown>) => promise.then(() => 'none', errorCode);

describe('serverLookup finds', () => {
  it('addresses with their TTL over UDP', async () => {
    first.answer('a.example', { data: ['192.0.2.1', '192.0.2.2'], ttlS: 30 });
    expect(await lookupWith()('a.example', query)).toEqual([
      { address: '192.0.2.1', ttlS: 30 },
      { address: '192.0.2.2', ttlS: 30 },
    ]);
    expect(asked(first)).toEqual(['a.example A udp']);
  });

  it.each<[LookupFamily, string[], string[]]>([
    ['V4_ONLY', ['A'], ['192.0.2.1']],
    ['V6_ONLY', ['AAAA'], ['2001:db8::1']],
    ['AUTO', ['AAAA'], ['2001:db8::1']],
    ['V4_PREFERRED', ['A'], ['192.0.2.1']],
    ['ALL', ['A', 'AAAA'], ['192.0.2.1', '2001:db8::1']],
  ])('what %s asks for, in its order', async (family, types, addresses) => {
    first.answer('both.example', ['2001:db8::1', '192.0.2.1']);
    const records = await lookupWith()('both.example', { family, withTtl: true });
    expect(records.map(({ address }) => address)).toEqual(addresses);
    expect(first.questions.map(({ type }) => type).toSorted()).toEqual(types);
  });

  it.each<[LookupFamily, string, string]>([
    ['AUTO', '192.0.2.1', 'AAAA A'],
    ['V4_PREFERRED', '2001:db8::1', 'A AAAA'],
  ])('the other family when %s has none of the first', async (family, address, types) => {
    first.answer('one.example', [address]);
    const records = await lookupWith()('one.example', { family, withTtl: true });
    expect(records.map((record) => record.address)).toEqual([address]);
    expect(first.questions.map(({ type }) => type).join(' ')).toBe(types);
  });

  it('the end of a chain of aliases, with the shortest TTL on the way', async () => {
    first.answer('alias.example', { data: [{ cname: 'Middle.example' }], ttlS: 5 });
    first.answer('middle.example', { data: [{ cname: 'end.example' }], ttlS: 50 });
    first.answer('end.example', { data: ['192.0.2.7'], ttlS: 100 });
    expect(await lookupWith()('alias.example', query)).toEqual([{ address: '192.0.2.7', ttlS: 5 }]);
  });

  it('what is too long for a datagram over TCP', async () => {
    const many = Array.from({ length: 200 }, (_, index) => `10.0.0.${index}`);
    first.answer('many.example', many);
    const records = await lookupWith()('many.example', query);
    expect(records.map(({ address }) => address)).toEqual(many);
    expect(asked(first)).toEqual(['many.example A udp', 'many.example A tcp']);
  });

  it('as much in one datagram as EDNS0 allows', async () => {
    first.answer(
      'some.example',
      Array.from({ length: 60 }, (_, index) => `10.0.0.${index}`),
    );
    await lookupWith({ udpBytes: 4096 })('some.example', query);
    await lookupWith({ udpBytes: 512 })('some.example', query);
    expect(first.questions.map(({ protocol }) => protocol)).toEqual(['udp', 'udp', 'tcp']);
  });

  it('everything over TCP when told so', async () => {
    first.answer('a.example', ['192.0.2.1']);
    await lookupWith({ tcp: true })('a.example', query);
    expect(asked(first)).toEqual(['a.example A tcp']);
  });

  it('nothing where the name does not exist, or has no such addresses', async () => {
    first.answer('v6.example', ['2001:db8::1']);
    expect(await lookupWith()('none.example', query)).toEqual([]);
    expect(await lookupWith()('v6.example', query)).toEqual([]);
  });
});

describe('serverLookup failures', () => {
  it.each(['servfail', 'refused', 'silence'] as const)('%s leads to the next server', async (behaviour) => {
    first.answer('f.example', behaviour);
    second.answer('f.example', ['192.0.2.2']);
    const records = await lookupWith({ servers: both(), timeoutMs: 50 })('f.example', query);
    expect(records.map(({ address }) => address)).toEqual(['192.0.2.2']);
    expect(asked(first)).toEqual(['f.example A udp']);
  });

  it.each([
    ['servfail', 'ESERVFAIL'],
    ['silence', 'ETIMEOUT'],
  ] as const)('%s of every server in every round is a failure', async (behaviour, expected) => {
    first.answer('f.example', behaviour);
    expect(await code(lookupWith({ timeoutMs: 20, tries: 3 })('f.example', query))).toBe(expected);
    expect(first.asked('f.example')).toBe(3);
  });

  it('of one family are failures when the other has nothing', async () => {
    first.answer('half.example', 'servfail');
    expect(await code(lookupWith({ tries: 1 })('half.example', { ...query, family: 'AUTO' }))).toBe('ESERVFAIL');
  });

  it('come at once from a port where nobody listens', async () => {
    const gone = await startDnsServer();
    await gone.close();
    const servers = [{ ip: '127.0.0.1', port: gone.port }];
    expect(await code(lookupWith({ servers, tries: 1 })('a.example', query))).toBe('ECONNREFUSED');
    expect(await code(lookupWith({ servers, tries: 1, tcp: true })('a.example', query))).toBe('ECONNREFUSED');
  });

  it('are not made of answers with another id', async () => {
    first.answer('forged.example', { data: ['192.0.2.1'], forged: true });
    const records = await lookupWith()('forged.example', query);
    expect(records.map(({ address }) => address)).toEqual(['192.0.2.1']);
  });

  it('are what aliases in a circle come to', async () => {
    first.answer('x.example', [{ cname: 'y.example' }]);
    first.answer('y.example', [{ cname: 'x.example' }]);
    expect(await code(lookupWith()('x.example', query))).toBe('EBADRESP');
  });
});

it.each([false, true])('serverLookup lets go of socket and clock when it is given up (TCP %s)', async (tcp) => {
  const abort = new AbortController();
  first.answer('mute.example', 'silence');
  const outcome = code(lookupWith({ tcp, timeoutMs: 60_000 })('mute.example', { ...query, signal: abort.signal }));
  await until(() => first.asked('mute.example') === 1, 'the question');
  abort.abort();
  expect(await outcome).toBe('ECANCELLED');
  expect(first.asked('mute.example')).toBe(1);
});

describe('serverLookup', () => {
  it('begins with the next server when they rotate', async () => {
    for (const server of [first, second]) server.answer('a.example', ['192.0.2.1']);
    const lookup = lookupWith({ servers: both(), rotate: true });
    for (let count = 0; count < 4; count++) await lookup('a.example', query);
    expect([first.asked('a.example'), second.asked('a.example')]).toEqual([2, 2]);
  });

  it('asks no server for what the hosts file has', async () => {
    const files = { hosts: '# mine\n192.0.2.8 other Web.example # it\n2001:db8::8 web.example\n' };
    const records = await lookupWith({}, files)('web.example', { ...query, family: 'ALL' });
    expect(records.map(({ address }) => address)).toEqual(['192.0.2.8', '2001:db8::8']);
    expect(first.questions).toEqual([]);
  });

  it.each([
    ['web', ['web.a.example', 'web.b.example']],
    ['web.x', ['web.x', 'web.x.a.example', 'web.x.b.example']],
    ['web.', ['web']],
  ])('completes %s as the system does', async (name, names) => {
    first.answer('web.b.example', ['192.0.2.9']);
    await lookupWith({}, { conf: 'search a.example b.example\n' })(name, query);
    expect(first.questions.map((question) => question.name)).toEqual(names);
  });

  it('completes nothing when search domains are off', async () => {
    await lookupWith({ search: false }, { conf: 'search a.example' })('web', query);
    expect(first.questions.map((question) => question.name)).toEqual(['web']);
  });

  it('finds services: ports, priorities and weights from SRV, addresses of their targets', async () => {
    const hosts = [
      { target: 'two.example', port: 82, priority: 20, weight: 1 },
      { target: 'one.example', port: 81, priority: 10, weight: 5 },
    ];
    first.answer('_http._tcp.example', { data: hosts, ttlS: 9 });
    first.answer('one.example', { data: ['192.0.2.1'], ttlS: 60 });
    first.answer('two.example', { data: ['192.0.2.2'], ttlS: 3 });
    expect(await lookupWith()('_http._tcp.example', { ...query, srv: true })).toEqual([
      { address: '192.0.2.1', target: 'one.example', port: 81, priority: 10, weight: 5, ttlS: 9 },
      { address: '192.0.2.2', target: 'two.example', port: 82, priority: 20, weight: 1, ttlS: 3 },
    ]);
  });

  it('leaves out hosts of a service whose names may not be looked up', async () => {
    const hosts = ['127.1', '.', 'a b.example', 'good.example'].map((target) => ({ target, port: 1 }));
    first.answer('_http._tcp.example', hosts);
    first.answer('good.example', ['192.0.2.1']);
    const records = await lookupWith()('_http._tcp.example', { ...query, srv: true });
    expect(records.map(({ target }) => target)).toEqual(['good.example']);
    expect(first.questions.map(({ name }) => name)).toEqual(['_http._tcp.example', 'good.example']);
  });

  it('fails as a whole when the host of a service cannot be looked up', async () => {
    first.answer('_http._tcp.example', [{ target: 'ill.example', port: 1 }]);
    first.answer('ill.example', 'servfail');
    expect(await code(lookupWith({ tries: 1 })('_http._tcp.example', { ...query, srv: true }))).toBe('ESERVFAIL');
  });
});
