/** Hash policies of a route, and a cluster whose hosts are chosen by them. */
import { defineLoadBalancer, HashPolicies, type Host, type RequestHash, route, virtualHost } from '@mesh/core';
import { answer, type RawResponse, type StartProxyOptions, sequence } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { ask, clientOf, closeAfterEach, get, proxyFor, retrying, routed, upstreamOf } from './fixture.ts';

closeAfterEach();

/** The hash of a request counts, nothing else; `own` makes it in the place of the route. */
const byHash = defineLoadBalancer({
  name: 'test.load_balancing_policies.by_hash',
  config: {
    '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as { own?: RequestHash } }) },
  },
  create({ own }) {
    let hosts: readonly Host[] = [];
    return {
      update: ({ priorities }) => void (hosts = priorities[0]?.healthy ?? []),
      pick: (context) => hosts[Number((context.hash?.(own) ?? 0n) % BigInt(hosts.length || 1))],
    };
  },
});

const RING = { cluster: { loadBalancing: byHash() } } as const satisfies StartProxyOptions;
const VALUES = Array.from({ length: 12 }, (_, i) => `u${i}`);
const user = (value: string, path = '/') => get(path, `x-user: ${value}\r\n`);
const byUser = { hashPolicy: [{ header: { headerName: 'x-user' } }] };
const byCookie = { hashPolicy: [{ cookie: { name: 'stick', ttlMs: 10_000, path: '/' } }] };
const COOKIE = /^stick="[0-9a-f]{16}"; Max-Age=10; Path=\/; HttpOnly$/;

/** A ring of four hosts, each of which says its name. */
async function ringOf(options: StartProxyOptions) {
  const upstream = await Promise.all(['a', 'b', 'c', 'd'].map((body) => upstreamOf({ body })));
  return proxyFor({ upstream, ...RING, ...options });
}

function setCookies({ headerLines }: RawResponse): string[] {
  return headerLines.flatMap(([name, value]) => (name.toLowerCase() === 'set-cookie' ? [value] : []));
}

describe('hash policies', () => {
  it('leads equal values to the same host, and others elsewhere', async () => {
    const proxy = await ringOf(routed(byUser));
    const bodies = async () => Promise.all(VALUES.map(async (value) => (await ask(proxy, user(value))).body));
    const first = await bodies();
    expect(new Set(first).size).toBeGreaterThan(1);
    expect(await bodies()).toEqual(first);
  });

  it('give way to those of a balancing policy', async () => {
    const own = new HashPolicies([
      { cookie: { ...byCookie.hashPolicy[0]?.cookie, attributes: [] }, terminal: false },
    ] as never);
    const proxy = await ringOf({ ...routed(byUser), cluster: { loadBalancing: byHash({ own }) } });
    const answers = await Promise.all(VALUES.map((value) => ask(proxy, user(value))));
    for (const each of answers) expect(setCookies(each)).toEqual([expect.stringMatching(COOKIE)]);
    const [cookie] = setCookies(answers[0] as RawResponse).map((line) => line.replace(/;.*/, ''));
    const again = await Promise.all(
      VALUES.map((value) => ask(proxy, get('/', `x-user: ${value}\r\ncookie: ${cookie}\r\n`))),
    );
    expect(new Set(again.map(({ body }) => body))).toEqual(new Set([answers[0]?.body]));
  });

  it('hashes the head as it goes upstream', async () => {
    const overwrite = { header: { key: 'x-user', value: 'u0' }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' };
    const routes = [
      route('/plain', 'upstream', { route: byUser }),
      route('/', 'upstream', { route: byUser, requestHeadersToAdd: [overwrite] } as never),
    ];
    const proxy = await ringOf({ virtualHosts: [virtualHost('v', { domains: ['*'], routes })] });
    const { body } = await ask(proxy, user('u0', '/plain'));
    for (const value of VALUES) expect((await ask(proxy, user(value))).body).toBe(body);
  });

  it('makes the cookie that leads back to the host', async () => {
    const proxy = await ringOf(routed(byCookie));
    const first = await ask(proxy);
    const made = first.headers['set-cookie'] ?? '';
    expect(made).toMatch(COOKIE);
    const back = await ask(proxy, get('/', `cookie: ${made.split(';')[0]}\r\n`));
    expect(back.body).toBe(first.body);
    expect(setCookies(back)).toEqual([]);
  });

  it('makes the same cookie for every request of a connection', async () => {
    const client = await clientOf(await ringOf(routed(byCookie)));
    const seen = new Set<string>();
    for (let i = 0; i < 3; i++) {
      await client.send(get('/'));
      const { headers, body } = await client.readResponse();
      seen.add(`${headers['set-cookie']} from ${body}`);
    }
    expect(seen.size).toBe(1);
  });

  it('makes the cookie once more with each attempt, as Envoy', async () => {
    const busy = answer({ status: 503 });
    const upstream = await upstreamOf(sequence(busy, busy, answer({ headers: { 'set-cookie': 'own=1' } })));
    const policy = retrying({ retryOn: '5xx', numRetries: 2 }, {}, byCookie);
    const response = await ask(await proxyFor({ upstream, random: () => 0, ...RING, ...policy }));
    const [own, ...made] = setCookies(response);
    expect([response.status, own, made.length, new Set(made).size]).toEqual([200, 'own=1', 3, 1]);
    expect(made[0]).toMatch(COOKIE);
  });

  it('answers 503 without a cookie when the ring is empty', async () => {
    const proxy = await proxyFor({ upstream: [], ...RING, ...routed(byCookie) });
    const response = await ask(proxy);
    expect([response.status, response.body]).toEqual([503, 'no healthy upstream']);
    expect(setCookies(response)).toEqual([]);
  });

  it('makes no cookie where hosts take turns', async () => {
    const upstream = await upstreamOf({ body: 'x' });
    expect(setCookies(await ask(await proxyFor({ upstream, ...routed(byCookie) })))).toEqual([]);
  });
});
