import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FullMatch } from '../regex/full-match.ts';
import { splitPattern } from './regex-prefix.ts';

it.each([
  ['/api/v1/.*', '/api/v1/'],
  ['^/api', '/api'],
  ['/a\\.b\\/[0-9]+', '/a.b/'],
  ['/api/(a|b)/c', '/api/'],
  ['/ab*', '/a'],
  ['/ab?c', '/a'],
  ['/ab{0,2}c', '/a'],
  ['/ab+c', '/a'],
  ['/a|/b', ''],
  ['(?i)/a', ''],
  ['/a\\d', '/a'],
  ['/a[|]b', ''],
  ['/(x|y)[|]', ''],
  ['\\Q/a|b\\E', ''],
  ['/a\\Q.\\E', ''],
  ['/a\\bc', ''],
  ['/a[^/]+', '/a'],
  ['/a(^)b', ''],
  ['/a.b\\.', '/a'],
  ['/é*', '/'],
  ['/a$', '/a'],
  ['', ''],
])('splitPattern %j: the prefix is %j', (pattern, expected) => {
  expect(splitPattern(pattern).prefix).toBe(expected);
});

it('splitPattern leaves the language as it is', () => {
  const piece = fc.constantFrom(
    'a',
    '/',
    'b',
    '.',
    '\\.',
    '*',
    '+',
    '?',
    '|',
    '(',
    ')',
    '[ab]',
    '{0,1}',
    '^',
    '\\',
    'Q',
    'E',
  );
  const pattern = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  const text = fc.array(fc.constantFrom('a', 'b', '/', '.', '|'), { maxLength: 6 }).map((codes) => codes.join(''));
  const property = fc.property(pattern, fc.array(text, { minLength: 20, maxLength: 20 }), (wanted, texts) => {
    let regex: FullMatch;
    try {
      regex = new FullMatch(wanted);
    } catch {
      return;
    }
    const { prefix, rest } = splitPattern(wanted);
    const behind = new FullMatch(rest);
    for (const each of [...texts, ...texts.map((text) => prefix + text), prefix.slice(0, -1), '']) {
      const split = each.startsWith(prefix) && behind.test(each, each.length, prefix.length);
      expect(split).toBe(regex.test(each));
    }
  });
  fc.assert(property, { numRuns: 3000 });
});
