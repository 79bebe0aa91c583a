import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, host, request, route, settings } from './fixtures/settings.ts';
import { STREAM } from './fixtures/stream.ts';
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
