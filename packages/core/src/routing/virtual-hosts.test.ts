import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResponseHead } from '../headers/header-map.ts';
import { compile, host, request, route, settings } from './fixtures/settings.ts';
import { STREAM } from './fixtures/stream.ts';
import { compileRoutes } from './route-table.ts';
import { DomainTable } from './virtual-hosts.ts';

const domains: readonly (readonly [name: string, domains: readonly string[]])[] = [
  ['exact', ['foo.com', 'Bar.COM', 'port.com:8080', '[::1]', '[::1]:80']],
  ['*.foo.com', ['*.foo.com']],
  ['*-bar.foo.com', ['*-bar.foo.com']],
  ['*.a.foo.com', ['*.a.foo.com']],
  ['*bc.foo.com', ['*bc.foo.com']],
  ['foo.*', ['foo.*']],
  ['foo-*', ['foo-*']],
  ['foo.b*', ['foo.b*', 'UPPER.*']],
  ['any', ['*']],
];

// The expected values were compared with Envoy 1.40.
const cases: readonly (readonly [authority: string, expected: string, why: string])[] = [
  ['foo.com', 'exact', 'an exact domain comes before foo.*'],
  ['FOO.COM', 'exact', 'the host may be in any case'],
  ['bar.com', 'exact', 'the domain may be in any case'],
  ['foo.com:80', 'foo.*', 'the port is part of the host'],
  ['port.com:8080', 'exact', 'a domain may have a port'],
  ['port.com', 'any', 'and then the port must be there'],
  ['.foo.com', 'any', 'a wildcard stands for at least one character'],
  ['x.foo.com', '*.foo.com', 'suffix wildcard'],
  ['x.FOO.com', '*.foo.com', 'suffix wildcard in any case'],
  ['x.foo.com:80', 'any', 'a port hides the suffix'],
  ['x-bar.foo.com', '*-bar.foo.com', 'the longest suffix wins'],
  ['-bar.foo.com', '*.foo.com', 'the longest that leaves one character for the wildcard'],
  ['y.a.foo.com', '*.a.foo.com', 'longest again'],
  ['a.foo.com', '*.foo.com', 'not *.a.foo.com'],
  ['.a.foo.com', '*.foo.com', 'an empty label counts as a character of the shorter one'],
  ['abc.foo.com', '*bc.foo.com', 'a suffix may start inside a label'],
  ['bc.foo.com', '*.foo.com', 'unless nothing is left before it'],
  ['foo.x', 'foo.*', 'prefix wildcard'],
  ['foo.', 'any', 'needs one more character'],
  ['foo.bar', 'foo.b*', 'the longest prefix wins'],
  ['foo.b', 'foo.*', 'the longest that leaves one character'],
  ['foo-', 'any', 'nothing is left'],
  ['foo-x', 'foo-*', 'prefix that ends inside a label'],
  ['foo.foo.com', '*.foo.com', 'suffixes come before prefixes'],
  ['foo.com.', 'foo.*', 'a trailing dot is a character'],
  ['upper.z', 'foo.b*', 'prefix wildcard in any case'],
  ['[::1]', 'exact', 'IPv6'],
  ['[::1]:80', 'exact', 'IPv6 with port'],
  ['[::1]:81', 'any', 'IPv6 with another port'],
  ['other', 'any', 'the rest'],
  ['', 'any', 'no host at all'],
];

describe('RouteTable virtual hosts', () => {
  const table = compile(settings(domains.map(([name, list]) => host(name, list, [route('r', { prefix: '/' })]))));
  it.each(cases)('%j → %s: %s', (authority, expected) => {
    expect(table.route(request('/', authority), STREAM)?.virtualHost).toBe(expected);
    expect(table.virtualHost(authority)?.name).toBe(expected);
  });

  it('RouteTable.route does not fall back to another virtual host when no route matches', () => {
    const narrow = host('narrow', ['*.foo.com'], [route('only', { path: '/only' })]);
    const wide = host('wide', ['*'], [route('all', { prefix: '/' })]);
    const two = compile(settings([narrow, wide]));
    expect(two.route(request('/other', 'x.foo.com'), STREAM)).toBeUndefined();
    expect(two.route(request('/only', 'x.foo.com'), STREAM)?.name).toBe('only');
  });

  it('RouteTable.route is undefined without a virtual host', () => {
    expect(compile(settings([])).route(request(), STREAM)).toBeUndefined();
  });

  it('compileRoutes refuses a domain that is there already', () => {
    for (const [first, second] of [
      ['a.b', 'A.b'],
      ['*', '*'],
      ['*.a', '*.A'],
      ['a.*', 'A.*'],
    ] as const) {
      const twice = settings([host('one', [first], []), host('two', [second], [])]);
      expect(() => compile(twice)).toThrow(`duplicate domain ${second}`);
    }
  });
});

// The expected values of the following were compared with Envoy 1.40.
const named = (name: string, list: readonly string[]) => host(name, list, [route('r', { prefix: '/' })]);

it.each([
  ['a.com', 'a'],
  ['a.com:80', 'a'],
  ['A.com:x', 'a'],
  ['a.com:', 'a'],
  ['[::1]', 'a'],
  ['[::1]:80', 'a'],
  ['[::1', undefined],
  ['x.b.com:90', undefined],
  ['x.s.com', 's'],
  ['x.s.com:1', 's'],
  ['p.x:1', 'p'],
  ['p.:1', undefined],
])('RouteTable with ignore_port_in_host_matching: %j → %s', (authority, expected) => {
  const hosts = [
    named('a', ['a.com', '[::1]']),
    named('b', ['a.com:80', '*.b.com:90']),
    named('s', ['*.s.com']),
    named('p', ['p.*']),
  ];
  const table = compile(settings(hosts, { ignorePortInHostMatching: true }));
  expect(table.route(request('/', authority), STREAM)?.virtualHost).toBe(expected);
});

it.each([
  [[], undefined],
  [['x-vh', 'b.com'], 'b'],
  [['x-vh', 'B.com'], 'b'],
  [['x-vh', 'zz'], undefined],
  [['x-vh', ''], undefined],
  [['x-vh', 'zz', 'x-vh', 'b.com'], undefined],
  [['x-vh', 'b.com', 'x-vh', 'zz'], 'b'],
  [['x-vh', 'q.any'], 'any'],
  [['x-vh', 'b.com:80'], undefined],
])('RouteTable with vhost_header: %j → %s', (fields, expected) => {
  const hosts = [named('a', ['a.com']), named('b', ['b.com']), named('any', ['*.any'])];
  const table = compile(settings(hosts, { vhostHeader: 'X-VH' }));
  const head = request('/', 'a.com', fields);
  expect(table.route(head, STREAM)?.virtualHost).toBe(expected);
  expect(table.hostOf(head)?.name).toBe(expected);
});

const internal = ['x-envoy-internal', 'true'];
const https = ['x-forwarded-proto', 'https'];

it.each([
  ['NONE', [], false],
  ['ALL', [], true],
  ['ALL', internal, true],
  ['ALL', https, false],
  ['EXTERNAL_ONLY', [], true],
  ['EXTERNAL_ONLY', internal, false],
  ['EXTERNAL_ONLY', https, false],
] as const)('RouteTable with require_tls %s and %j redirects: %j', (requireTls, fields, redirects) => {
  const addition = { header: { key: 'x-added', value: '1' }, keepEmptyValue: false };
  const one = host('tls', ['*'], [route('r', { path: '/a' })], { requireTls, responseHeadersToAdd: [addition] });
  const table = compileRoutes(settings([one]), { filterSlots: new Map(), directBody: () => '' });
  const head = request('/a?b=c', 'tls:80', ['x-forwarded-proto', 'http', ...fields].slice(fields === https ? 2 : 0));
  const found = table.route(head, STREAM);
  expect(found?.action.kind).toBe(redirects ? 'redirect' : 'direct_response');
  if (found?.action.kind !== 'redirect') return;
  expect([found.action.status, found.action.location(head, STREAM), found.name]).toEqual([
    301,
    'https://tls:80/a?b=c',
    '',
  ]);
  const answer = new ResponseHead();
  found.finalizeResponse(answer, STREAM);
  expect(answer.size).toBe(0);
  expect([found.filterConfig(0), found.filterConfigs(0)]).toEqual([undefined, []]);
});

it('RouteTable with require_tls redirects before it looks for a route', () => {
  const table = compileRoutes(settings([host('tls', ['*'], [], { requireTls: 'ALL' })]), {
    filterSlots: new Map(),
    directBody: () => '',
  });
  expect(table.route(request('/none'), STREAM)?.action.kind).toBe('redirect');
});

/** The rules, one after the other. */
function naive(list: readonly string[], authority: string): string | undefined {
  const wanted = authority.toLowerCase();
  const longest = (found: readonly string[]) => [...found].sort((a, b) => b.length - a.length)[0];
  const partial = list.filter((domain) => domain !== '*' && domain.includes('*') && domain.length <= wanted.length);
  return (
    list.find((domain) => domain === wanted) ??
    longest(partial.filter((domain) => domain.startsWith('*') && wanted.endsWith(domain.slice(1)))) ??
    longest(partial.filter((domain) => domain.endsWith('*') && wanted.startsWith(domain.slice(0, -1)))) ??
    list.find((domain) => domain === '*')
  );
}

it('DomainTable.find agrees with the rules applied one by one', () => {
  const name = fc.stringMatching(/^[ab.]{1,5}$/);
  const domain = fc.oneof(
    name,
    name.map((text) => `*${text}`),
    name.map((text) => `${text}*`),
    fc.constant('*'),
  );
  const property = fc.property(
    fc.uniqueArray(domain, { maxLength: 20 }),
    fc.stringMatching(/^[abAB.]{0,8}$/),
    (list, authority) => {
      const table = new DomainTable<{ domain: string }>();
      for (const each of list) table.add(each, { domain: each });
      expect(table.find(authority)?.domain).toBe(naive(list, authority));
    },
  );
  fc.assert(property, { numRuns: 500 });
});
