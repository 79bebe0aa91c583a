import { describe, expect, it } from 'vitest';
import type { ForwardAction } from '../api/route.ts';
import { xxHash64 } from '../hash/xxhash64.ts';
import { forwarding, parsed } from './fixtures/parsed.ts';
import { request } from './fixtures/settings.ts';
import { fakeStream } from './fixtures/stream.ts';

type Policy = Readonly<Record<string, unknown>>;

const info = { clientIp: '10.0.0.9', metadata: new Map(), filterState: new Map<string, unknown>([['k', 'v']]) };
// The connection whose cookie was seen in Envoy 1.40.
const connection = { id: 1, remoteIp: '127.0.0.1', remotePort: 49914, localIp: '127.0.0.1', localPort: 22010 };

function hashOf(policies: readonly Policy[], headers: readonly string[] = [], path = '/', cookies?: string[]) {
  const head = request(path, 'h', headers);
  const stream = fakeStream({ requestHeaders: head, info, connection } as never);
  const route = parsed([forwarding({ hash_policy: policies })]).route(head, stream);
  const action = route?.action as ForwardAction;
  return action.hash(stream, (cookie) => cookies?.push(cookie));
}

const header = (header_name: string, rest: Policy = {}) => ({ header: { header_name }, ...rest });
const combined = (first: bigint, second: bigint) => BigInt.asUintN(64, (first << 1n) | (first >> 63n)) ^ second;

describe('HashPolicies', () => {
  it.each<[string, readonly Policy[], readonly string[], string, bigint | undefined]>([
    ['a header', [header('X-K')], ['x-k', 'v'], '/', xxHash64('v')],
    ['an empty header', [header('x-k')], ['x-k', ''], '/', xxHash64('')],
    ['no header', [header('x-k')], [], '/', undefined],
    ['lines in any order', [header('x-k')], ['x-k', 'c', 'x-k', 'ab'], '/', xxHash64('c', xxHash64('ab'))],
    [
      'a rewritten header',
      [{ header: { header_name: 'x-k', regex_rewrite: { pattern: { regex: '^(\\w+):.*$' }, substitution: '\\1' } } }],
      ['x-k', 'user:7'],
      '/',
      xxHash64('user'),
    ],
    ['a cookie', [{ cookie: { name: 'k' } }], ['cookie', 'a=1; k=v'], '/', xxHash64('v')],
    ['a quoted cookie', [{ cookie: { name: 'k' } }], ['cookie', 'k="v"'], '/', xxHash64('v')],
    [
      'a cookie of another line',
      [{ cookie: { name: 'k' } }],
      ['cookie', 'kk=1', 'cookie', 'k=a=b'],
      '/',
      xxHash64('a=b'),
    ],
    ['no cookie', [{ cookie: { name: 'k' } }], ['cookie', 'kk=v'], '/', undefined],
    ['an empty cookie', [{ cookie: { name: 'k' } }], ['cookie', 'k='], '/', undefined],
    ['the client address', [{ connection_properties: { source_ip: true } }], [], '/', xxHash64('10.0.0.9')],
    ['no property', [{ connection_properties: {} }], [], '/', undefined],
    ['a parameter', [{ query_parameter: { name: 'a' } }], [], '/?b=1&a=2&a=3', xxHash64('2')],
    ['an empty parameter', [{ query_parameter: { name: 'a' } }], [], '/?a', xxHash64('')],
    ['no parameter', [{ query_parameter: { name: 'a' } }], [], '/?b=a', undefined],
    ['filter state', [{ filter_state: { key: 'k' } }], [], '/', xxHash64('v')],
    ['no filter state', [{ filter_state: { key: 'x' } }], [], '/', undefined],
    ['two', [header('a'), header('b')], ['a', '1', 'b', '2'], '/', combined(xxHash64('1'), xxHash64('2'))],
    ['equal ones', [header('a'), header('a')], ['a', '1'], '/', combined(xxHash64('1'), xxHash64('1'))],
    ['a terminal one', [header('a', { terminal: true }), header('b')], ['a', '1', 'b', '2'], '/', xxHash64('1')],
    ['a terminal one without a hash', [header('a', { terminal: true }), header('b')], ['b', '2'], '/', xxHash64('2')],
  ])('%s', (_, policies, headers, path, expected) => {
    expect(hashOf(policies, headers, path)).toBe(expected);
  });

  // Texts as Envoy 1.40 sends them.
  it.each<[Policy, string]>([
    [{ ttl: '0s' }, '; HttpOnly'],
    [
      { ttl: '10.7s', path: '/p', attributes: [{ name: 'SameSite', value: 'Strict' }, { name: 'Secure' }] },
      '; Max-Age=10; Path=/p; SameSite=Strict; Secure; HttpOnly',
    ],
  ])('a missing cookie with %j is made', (fields, suffix) => {
    const cookies: string[] = [];
    const hash = hashOf([{ cookie: { name: 'k', ...fields } }], ['cookie', 'k='], '/', cookies);
    expect(cookies).toEqual([`k="63220a6c9a2f4066"${suffix}`]);
    expect(hash).toBe(xxHash64('63220a6c9a2f4066'));
  });

  it('says whether there is anything to ask', () => {
    const action = (policies: readonly Policy[]) =>
      parsed([forwarding({ hash_policy: policies })]).route(request(), fakeStream())?.action as ForwardAction;
    expect(action([]).hasHashPolicy).toBe(false);
    expect(action([{ connection_properties: {} }]).hasHashPolicy).toBe(false);
    expect(action([header('a')]).hasHashPolicy).toBe(true);
  });
});
