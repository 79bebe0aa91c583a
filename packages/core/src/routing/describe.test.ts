import { expect, it } from 'vitest';
import { describeMatch } from './describe.ts';
import { headerMatcher, match, text } from './fixtures/settings.ts';
import type { HeaderMatcherSettings, RouteMatchSettings } from './settings.ts';

it.each<readonly [Partial<RouteMatchSettings>, string]>([
  [{ prefix: '/a' }, 'prefix "/a"'],
  [{ path: '/a', caseSensitive: false }, 'path "/a" in any case'],
  [{ pathSeparatedPrefix: '/a' }, 'path_separated_prefix "/a"'],
  [{ safeRegex: { regex: '/a"' }, caseSensitive: false }, 'safe_regex "/a\\""'],
  [{ prefix: '/', queryParameters: [{ name: 'q' }] }, 'prefix "/", query "q" present'],
  [{ prefix: '/', queryParameters: [{ name: 'q', presentMatch: false }] }, 'prefix "/", query "q" absent'],
  [
    { prefix: '/', queryParameters: [{ name: 'q', stringMatch: text({ exact: '' }) }] },
    'prefix "/", query "q" exact ""',
  ],
])('describeMatch %j → %s', (given, expected) => {
  expect(describeMatch(match(given))).toBe(expected);
});

it.each<readonly [Partial<HeaderMatcherSettings>, string]>([
  [{}, '"x" present'],
  [{ presentMatch: false }, '"x" absent'],
  [{ exactMatch: 'v', invertMatch: true }, '"x" not exact "v"'],
  [{ safeRegexMatch: { regex: 'v' } }, '"x" regex "v"'],
  [{ rangeMatch: { start: 1, end: 5 } }, '"x" in [1, 5)'],
  [{ prefixMatch: 'v' }, '"x" prefix "v"'],
  [{ suffixMatch: 'v' }, '"x" suffix "v"'],
  [{ containsMatch: 'v', treatMissingHeaderAsEmpty: true }, '"x" contains "v" (missing counts as empty)'],
  [{ stringMatch: text({ prefix: 'v', ignoreCase: true }) }, '"x" prefix "v" in any case'],
  [{ stringMatch: text({ suffix: 'v' }) }, '"x" suffix "v"'],
  [{ stringMatch: text({ contains: 'v' }) }, '"x" contains "v"'],
  [{ stringMatch: text({ safeRegex: { regex: 'v' }, ignoreCase: true }) }, '"x" regex "v"'],
])('describeMatch header %j → %s', (given, expected) => {
  expect(describeMatch(match({ prefix: '/', headers: [headerMatcher(given)] }))).toBe(`prefix "/", header ${expected}`);
});
