import { describe, expect, it } from 'vitest';
import { Replacement } from './replace.ts';

describe('Replacement', () => {
  it.each([
    ['a literal', 'b', 'X', 'abcb', 'aXcX'],
    ['nothing matches', 'z', 'X', 'abc', 'abc'],
    ['a group', '^/service/([^/]+)(/.*)$', '\\2/instance/\\1', '/service/foo/v1/api', '/v1/api/instance/foo'],
    ['every match', 'one', 'two', '/xxx/one/yyy/one/zzz', '/xxx/two/yyy/two/zzz'],
    ['a lazy group', '^(.*?)one(.*)$', '\\1two\\2', '/xxx/one/yyy/one/zzz', '/xxx/two/yyy/one/zzz'],
    ['a greedy group', '^(.*)one(.*)$', '\\1two\\2', '/xxx/one/yyy/one/zzz', '/xxx/one/yyy/two/zzz'],
    ['a flag', '(?i)/xxx/', '/yyy/', '/aaa/XxX/bbb', '/aaa/yyy/bbb'],
    ['the whole match', 'b+', '<\\0>', 'abbc', 'a<bb>c'],
    ['a backslash', 'b', '\\\\', 'abc', 'a\\c'],
    ['empty matches', 'x*', '-', 'axb', '-a-b-'],
    ['an empty pattern', '', '-', 'ab', '-a-b-'],
    ['only the start', '^a', 'X', 'aaa', 'Xaa'],
    ['only the end', 'a$', 'X', 'aaa', 'aaX'],
    ['word boundaries', '\\b', '|', 'ab cd', '|ab| |cd|'],
    ['the earlier alternative', 'a|ab', 'X', 'abab', 'XbXb'],
    ['the longer alternative first', 'ab|a', 'X', 'abaab', 'XXX'],
    ['a group that does not take part', '(a)|(b)', '[\\1\\2]', 'ab', '[a][b]'],
    ['the last of repeated groups', '(?:(a)|(b))+', '[\\1\\2]', 'ab', '[ab]'],
    ['counted groups', '(\\d{2}){2}', '<\\1>', '123456', '<34>56'],
    ['named groups', '(?P<x>a)(?<y>b)', '\\2\\1', 'ab', 'ba'],
    ['nested groups', '((a)(b))c', '\\3\\2\\1', 'abc', 'baab'],
    ['loops over nothing', '(a*)*', '-', 'ba', '-b-'],
    ['ungreedy', '(?U)a+', 'X', 'aaa', 'XXX'],
    ['lazy repetition within bounds', 'a{1,2}?', 'X', 'aaa', 'XXX'],
    ['UTF-8 text', 'é', 'è', 'caf\u00c3\u00a9', 'caf\u00c3\u00a8'],
    ['empty matches and UTF-8 text', '', '-', '\u00c3\u00a9a', '-\u00c3\u00a9-a-'],
    ['a dropped match', '/v1', '', '/v1/a/v1', '/a'],
  ])('%s', (_, pattern, substitution, text, expected) => {
    const replacement = new Replacement(pattern, substitution);
    expect(replacement.apply(text)).toBe(expected);
    // What has been learnt from one text must not change the next.
    expect(replacement.apply(text)).toBe(expected);
  });

  it.each([
    ['(a', 'x', 'missing ): (a'],
    ['a', '\\1', 'Rewrite schema requests 1 matches, but the regexp only has 0 parenthesized subexpressions.'],
    ['a', 'x\\', 'Invalid rewrite pattern: x\\'],
    ['a', '\\q', 'Invalid rewrite pattern: \\q'],
  ])('%s with %s is refused', (pattern, substitution, message) => {
    expect(() => new Replacement(pattern, substitution)).toThrow(message);
  });

  it('takes time that only grows with the text, also where each search would look at all of it', () => {
    const text = 'a'.repeat(60_000);
    const started = performance.now();
    expect(new Replacement('a.*b|a', 'x').apply(text)).toBe('x'.repeat(60_000));
    expect(new Replacement('(a*)*b|(a|a)(a|a)', '\\2').apply(text)).toBe('a'.repeat(30_000));
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('agrees with a backtracking search on many small patterns', () => {
    const patterns = [
      'a*b?',
      '(a|b)*c',
      'a(b|c)+?',
      '(?:ab|a)(c|bcd)',
      '(a+)(b+)',
      'a??b',
      '(b*)(a*)c?',
      '[ab]{2,3}c?',
    ];
    const texts = ['', 'a', 'abc', 'aabbc', 'abcd', 'abcbcd', 'cabbac', 'bbbaaac'];
    for (const pattern of patterns) {
      for (const text of texts) {
        const expected = withBacktracking(pattern, text);
        expect([pattern, text, new Replacement(pattern, '<\\0>').apply(text)]).toEqual([pattern, text, expected]);
      }
    }
  });
});

/** RE2's loop over the matches of JavaScript's engine, which prefers the same way. */
function withBacktracking(pattern: string, text: string): string {
  const regex = new RegExp(pattern, 'g');
  let output = '';
  let copied = 0;
  let lastEnd = -1;
  for (let at = 0; at <= text.length; ) {
    regex.lastIndex = at;
    const match = regex.exec(text);
    if (match === null) break;
    const end = match.index + match[0].length;
    if (match[0] === '' && match.index === lastEnd) {
      at = match.index + 1;
      continue;
    }
    output += `${text.slice(copied, match.index)}<${match[0]}>`;
    copied = at = lastEnd = end;
  }
  return output + text.slice(copied);
}
