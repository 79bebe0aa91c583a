import { describe, expect, it } from 'vitest';
import type { Headers } from '../api/headers.ts';
import { compile, headerMatcher, request, route, text } from './fixtures/settings.ts';
import { STREAM } from './fixtures/stream.ts';
import { HeaderCondition } from './header-match.ts';
import type { HeaderMatcherSettings, QueryParameterMatcherSettings, RouteMatchSettings } from './settings.ts';

// All expected values of this file were compared with Envoy 1.40 where it accepts the request.

function hits(given: Partial<RouteMatchSettings>, path: string, fields: readonly string[] = []): boolean {
  return compile([route('hit', given)]).route(request(path, 'h.test', fields), STREAM) !== undefined;
}

const regex = (pattern: string): Partial<RouteMatchSettings> => ({ safeRegex: { regex: pattern } });
const anyCase = { caseSensitive: false };

const paths: readonly (readonly [match: Partial<RouteMatchSettings>, path: string, expected: boolean, why: string])[] =
  [
    [{ prefix: '/a' }, '/a', true, 'equal'],
    [{ prefix: '/a' }, '/ab', true, 'a prefix may end inside a segment'],
    [{ prefix: '/a' }, '/A', false, 'case matters'],
    [{ prefix: '/a' }, '/b', false, 'another path'],
    [{ prefix: '/a' }, '/', false, 'shorter'],
    [{ prefix: '/a' }, '/%61', false, 'nothing is decoded'],
    [{ prefix: '/a' }, '//a', false, 'nothing is normalised'],
    [{ prefix: '/a/' }, '/a', false, 'the slash must be there'],
    [{ prefix: '/a/' }, '/a/?x', true, 'before the query'],
    [{ prefix: '/a?x' }, '/a?x', false, 'the query is no part of the path'],
    [{ prefix: '/' }, '*', false, 'the target of OPTIONS * has no path'],
    [{ prefix: '' }, '/a', true, 'an empty prefix matches all'],
    [{ prefix: '/é' }, '/\xc3\xa9', true, 'text is compared as UTF-8 bytes'],
    [{ prefix: '/A', ...anyCase }, '/ab', true, 'in any case'],
    [{ prefix: '/a', ...anyCase }, '/AB', true, 'in any case'],
    [{ prefix: '/[', ...anyCase }, '/{', false, 'only letters have case'],
    [{ path: '/a' }, '/a', true, 'equal'],
    [{ path: '/a' }, '/a?x=1', true, 'the query is taken off'],
    [{ path: '/a' }, '/a?', true, 'an empty query too'],
    [{ path: '/a' }, '/a#f', true, 'a fragment too'],
    [{ path: '/a' }, '/a#f?x', true, 'a fragment that looks like a query'],
    [{ path: '/a' }, '/a/', false, 'a slash more'],
    [{ path: '/a' }, '/ab', false, 'longer'],
    [{ path: '/a?x=1' }, '/a?x=1', false, 'a query cannot be matched by path'],
    [{ path: '/A', ...anyCase }, '/a', true, 'in any case'],
    [{ path: '/A', ...anyCase }, '/a/', false, 'still exact'],
    [{ pathSeparatedPrefix: '/a' }, '/a', true, 'equal'],
    [{ pathSeparatedPrefix: '/a' }, '/a/b', true, 'whole segments'],
    [{ pathSeparatedPrefix: '/a' }, '/a/', true, 'an empty segment'],
    [{ pathSeparatedPrefix: '/a' }, '/ab', false, 'inside a segment'],
    [{ pathSeparatedPrefix: '/a' }, '/a?/', true, 'the query is no segment'],
    [{ pathSeparatedPrefix: '/a' }, '/a%2fb', false, 'an escaped slash does not separate'],
    [{ pathSeparatedPrefix: '/A', ...anyCase }, '/a/B', true, 'in any case'],
    [regex('/a'), '/a', true, 'equal'],
    [regex('/a'), '/ab', false, 'the whole path must match'],
    [regex('/a'), '/a?x', true, 'without its query'],
    [regex('/a|/ab'), '/ab', true, 'the whole path against each alternative'],
    [regex('/[^/]+/b'), '/a/b', true, 'one segment'],
    [regex('/[^/]+/b'), '/a/a/b', false, 'not two'],
    [{ ...regex('/A'), ...anyCase }, '/a', false, 'case_sensitive does not apply'],
    [regex('(?i)/A'), '/a', true, 'a flag does'],
    [{ prefix: '/', queryParameters: [{ name: 'x' }] }, '/?x', true, 'conditions are joined by and'],
    [{ prefix: '/b', queryParameters: [{ name: 'x' }] }, '/?x', false, 'conditions are joined by and'],
  ];

describe('Route path match', () => {
  it.each(paths)('%j %j → %j: %s', (given, path, expected) => {
    expect(hits(given, path)).toBe(expected);
  });
});

const headers: readonly (readonly [Partial<HeaderMatcherSettings>, fields: readonly string[], boolean, why: string])[] =
  [
    [{}, ['x', 'v'], true, 'no condition asks for presence'],
    [{}, ['x', ''], true, 'an empty value is present'],
    [{}, [], false, 'absent'],
    [{ name: 'X' }, ['x', 'v'], true, 'names have no case'],
    [{ invertMatch: true }, ['x', 'v'], false, 'inverted presence'],
    [{ invertMatch: true }, [], true, 'inverted presence of a missing header'],
    [{ presentMatch: true }, ['x', 'v'], true, 'present'],
    [{ presentMatch: true, invertMatch: true }, [], true, 'absent'],
    [{ presentMatch: false }, [], true, 'absent'],
    [{ presentMatch: false }, ['x', 'v'], false, 'present'],
    [{ presentMatch: false, invertMatch: true }, ['x', 'v'], true, 'twice no is yes'],
    [{ presentMatch: false, invertMatch: true }, [], false, 'twice no is yes'],
    [{ presentMatch: true, treatMissingHeaderAsEmpty: true }, [], true, 'missing counts as present'],
    [{ exactMatch: 'v' }, ['x', 'v'], true, 'equal'],
    [{ exactMatch: 'v' }, ['x', 'V'], false, 'values have case'],
    [{ exactMatch: 'v' }, [], false, 'missing'],
    [{ exactMatch: 'v', invertMatch: true }, ['x', 'w'], true, 'inverted'],
    [{ exactMatch: 'v', invertMatch: true }, [], false, 'missing fails even when inverted'],
    [{ exactMatch: 'v', invertMatch: true, treatMissingHeaderAsEmpty: true }, [], true, 'unless it counts as empty'],
    [{ exactMatch: '' }, ['x', 'v'], true, 'an empty exact match asks for presence'],
    [{ exactMatch: '' }, [], false, 'an empty exact match asks for presence'],
    [{ exactMatch: '', treatMissingHeaderAsEmpty: true }, [], true, 'missing counts as empty'],
    [{ exactMatch: 'v' }, ['x', 'w', 'x', 'v'], true, 'one of several lines is enough'],
    [{ exactMatch: 'v,w' }, ['x', 'v', 'x', 'w'], false, 'lines are not joined'],
    [{ exactMatch: 'v,w' }, ['x', 'v,w'], true, 'a list in one line is one value'],
    [{ exactMatch: 'v', invertMatch: true }, ['x', 'w', 'x', 'v'], false, 'inverted: no line may match'],
    [{ exactMatch: 'é' }, ['x', '\xc3\xa9'], true, 'values are UTF-8 bytes'],
    [{ safeRegexMatch: { regex: 'v.*' } }, ['x', 'vw'], true, 'regular expression'],
    [{ safeRegexMatch: { regex: 'v' } }, ['x', 'vw'], false, 'the whole value'],
    [{ safeRegexMatch: { regex: 'v?' }, treatMissingHeaderAsEmpty: true }, [], true, 'missing counts as empty'],
    [{ rangeMatch: { start: 1, end: 10 } }, ['x', '1'], true, 'start is included'],
    [{ rangeMatch: { start: 1, end: 10 } }, ['x', '10'], false, 'end is not'],
    [{ rangeMatch: { start: -5, end: 0 } }, ['x', '-3'], true, 'negative'],
    [{ rangeMatch: { start: 1, end: 10 } }, ['x', '+5'], true, 'with a sign'],
    [{ rangeMatch: { start: 1, end: 10 } }, ['x', '05'], true, 'with a zero'],
    [{ rangeMatch: { start: 1, end: 10 } }, ['x', '5x'], false, 'no number'],
    [{ rangeMatch: { start: 1, end: 10 } }, ['x', ''], false, 'empty is no number'],
    [{ rangeMatch: { start: 1, end: 10 } }, ['x', '5,6'], false, 'a list is no number'],
    [{ prefixMatch: 'v' }, ['x', 'vw'], true, 'prefix'],
    [{ prefixMatch: 'w' }, ['x', 'vw'], false, 'prefix'],
    [{ suffixMatch: 'w' }, ['x', 'vw'], true, 'suffix'],
    [{ suffixMatch: 'v' }, ['x', 'vw'], false, 'suffix'],
    [{ containsMatch: 'v' }, ['x', 'uvw'], true, 'contains'],
    [{ containsMatch: ',' }, ['x', 'v', 'x', 'w'], false, 'the comma of a joined value does not exist'],
    [{ stringMatch: text({ exact: '' }) }, ['x', 'v'], false, 'an empty exact string is empty'],
    [{ stringMatch: text({ exact: '' }) }, ['x', ''], true, 'an empty exact string is empty'],
    [{ stringMatch: text({ exact: 'V', ignoreCase: true }) }, ['x', 'v'], true, 'in any case'],
    [{ stringMatch: text({ prefix: 'V', ignoreCase: true }) }, ['x', 'vW'], true, 'in any case'],
    [{ stringMatch: text({ suffix: 'w', ignoreCase: true }) }, ['x', 'vW'], true, 'in any case'],
    [{ stringMatch: text({ contains: 'V', ignoreCase: true }) }, ['x', 'uvw'], true, 'in any case'],
    [{ stringMatch: text({ exact: '\xc0', ignoreCase: true }) }, ['x', '\xe0'], false, 'only ASCII letters have case'],
    [{ stringMatch: text({ safeRegex: { regex: 'v+' } }) }, ['x', 'vv'], true, 'regular expression'],
    [
      { name: 'accept', exactMatch: 'a,b' },
      ['accept', 'a', 'accept', 'b'],
      true,
      'lines of a well-known header are joined',
    ],
    [{ name: 'Accept', exactMatch: 'b' }, ['accept', 'a', 'accept', 'b'], false, 'and compared as one value'],
    [{ name: 'accept', exactMatch: 'b' }, ['accept', 'b'], true, 'one line is itself'],
    [{ name: 'accept', exactMatch: 'b' }, [], false, 'no line'],
    [{ name: 'cookie', exactMatch: 'b' }, ['cookie', 'a', 'cookie', 'b'], true, 'cookies are not joined'],
    [{ name: ':path', prefixMatch: '/p?' }, [], true, ':path holds the query'],
    [{ name: ':method', exactMatch: 'GET' }, [], true, ':method'],
    [{ name: ':authority', exactMatch: 'h.test' }, [], true, ':authority'],
    [{ name: 'Host', exactMatch: 'h.test' }, [], true, 'host is :authority'],
    [{ name: ':scheme', exactMatch: 'http' }, [], true, ':scheme'],
    [{ name: ':nothing' }, [], false, 'no such pseudo header'],
  ];

/** The same head behind an implementation of `Headers` that is not ours. */
function foreign(head: Headers): Headers {
  return { get: (name: string) => head.get(name), getAll: (name: string) => head.getAll(name) } as Headers;
}

describe('Route header match', () => {
  it.each(headers)('%j %j → %j: %s', (given, fields, expected) => {
    const matcher = headerMatcher(given);
    expect(hits({ prefix: '/', headers: [matcher] }, '/p?q', fields)).toBe(expected);
    expect(new HeaderCondition(matcher).matches(foreign(request('/p?q', 'h.test', fields)))).toBe(expected);
  });

  it('Route header match needs every condition', () => {
    const both = [headerMatcher({ exactMatch: '1' }), headerMatcher({ name: 'y', exactMatch: '2' })];
    expect(hits({ prefix: '/', headers: both }, '/', ['x', '1', 'y', '2'])).toBe(true);
    expect(hits({ prefix: '/', headers: both }, '/', ['x', '1'])).toBe(false);
  });
});

const parameters: readonly (readonly [Partial<QueryParameterMatcherSettings>, path: string, boolean, why: string])[] = [
  [{}, '/', false, 'no query'],
  [{}, '/?', false, 'empty query'],
  [{}, '/?q', true, 'without a value'],
  [{}, '/?q=', true, 'with an empty value'],
  [{}, '/?Q=v', false, 'names have case'],
  [{}, '/?qq=v', false, 'a longer name'],
  [{}, '/?a&q=v', true, 'a later one'],
  [{}, '/?&q=v', true, 'after an empty one'],
  [{}, '/?a=q&b', false, 'a value is no name'],
  [{}, '/?%71=v', false, 'names are not decoded'],
  [{}, '/?a;q=v', false, 'a semicolon does not separate'],
  [{}, '/??q=v', false, 'the second question mark belongs to the name'],
  [{}, '/#?q', false, 'a fragment is no query'],
  [{}, '/?a#&q', false, 'the query ends at a fragment'],
  [{ presentMatch: true }, '/?q', true, 'present'],
  [{ presentMatch: false }, '/?q', false, 'must be absent'],
  [{ presentMatch: false }, '/?a', true, 'is absent'],
  [{ presentMatch: false }, '/', true, 'is absent'],
  [{ stringMatch: text({ exact: 'v' }) }, '/?q=v', true, 'equal'],
  [{ stringMatch: text({ exact: 'v' }) }, '/?q=v&', true, 'up to the ampersand'],
  [{ stringMatch: text({ exact: 'v' }) }, '/?q=v#z', true, 'up to a fragment'],
  [{ stringMatch: text({ exact: 'v' }) }, '/?q=w&q=v', false, 'only the first counts'],
  [{ stringMatch: text({ exact: 'v=w' }) }, '/?q=v=w', true, 'the first equals sign separates'],
  [{ stringMatch: text({ exact: '' }) }, '/?q', true, 'no value is an empty value'],
  [{ stringMatch: text({ prefix: 'V', ignoreCase: true }) }, '/?q=vx', true, 'in any case'],
  [{ stringMatch: text({ safeRegex: { regex: 'v.' } }) }, '/?q=vx', true, 'regular expression'],
  [{ stringMatch: text({ contains: ' ' }) }, '/?q=a%20b', false, 'values are not decoded'],
  [{ stringMatch: text({ contains: ' ' }) }, '/?q=a+b', false, 'values are not decoded'],
  [{ stringMatch: text({ exact: 'v' }) }, '/', false, 'missing'],
];

describe('Route query parameter match', () => {
  it.each(parameters)('%j %j → %j: %s', (given, path, expected) => {
    expect(hits({ prefix: '/', queryParameters: [{ name: 'q', ...given }] }, path)).toBe(expected);
  });
});

it('RouteTable.route never matches CONNECT', () => {
  const table = compile([route('all', { prefix: '' })]);
  const connect = request('h.test:443');
  connect.method = 'CONNECT';
  expect(table.route(connect, STREAM)).toBeUndefined();
});
