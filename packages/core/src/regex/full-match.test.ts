import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FullMatch } from './full-match.ts';

// The expected values are RE2's.
const cases: readonly (readonly [pattern: string, text: string, expected: boolean, why: string])[] = [
  ['', '', true, 'nothing matches nothing'],
  ['', 'a', false, 'the whole text'],
  ['abc', 'abc', true, 'literal'],
  ['abc', 'abcd', false, 'the whole text'],
  ['a|ab', 'ab', true, 'alternatives are not decided early'],
  ['(a|b)*c', 'ababc', true, 'repeated group'],
  ['(?:a)(?P<n>b)(?<m>c)', 'abc', true, 'kinds of groups'],
  ['a{2,3}', 'a', false, 'counted'],
  ['a{2,3}', 'aaa', true, 'counted'],
  ['a{2,3}', 'aaaa', false, 'counted'],
  ['a{2,}', 'aaaaa', true, 'at least'],
  ['a{2}', 'aa', true, 'exactly'],
  ['a{,2}', 'a{,2}', true, 'not a repetition in RE2'],
  ['a+?b*?', 'aab', true, 'lazy'],
  ['.*', 'a\nb', false, 'the dot leaves out line breaks'],
  ['(?s).*', 'a\nb', true, 'unless told'],
  ['(?s:.)\\n.', 'a\nb', true, 'flags of a group'],
  ['(?i)ABC', 'aBc', true, 'any case'],
  ['(?i:A)b', 'aB', false, 'any case in a group only'],
  ['(?i)[a-c]+', 'ABC', true, 'classes too'],
  ['^abc$', 'abc', true, 'anchors'],
  ['a^b', 'ab', false, 'an anchor in the middle'],
  ['(?m)a$\\n^b', 'a\nb', true, 'anchors at lines'],
  ['\\Aabc\\z', 'abc', true, 'absolute anchors'],
  ['\\bfoo\\b.*', 'foo bar', true, 'word boundary'],
  ['\\bfoo\\b.*', 'foobar', false, 'word boundary'],
  ['foo\\B.*', 'foobar', true, 'no word boundary'],
  ['\\d+\\w\\s\\S', '12a !', true, 'classes by letter'],
  ['\\s', '\v', false, 'no vertical tab'],
  ['\\D\\W', 'a-', true, 'negated'],
  ['[^/]+', 'a/b', false, 'negated class'],
  ['[]a]+', ']a', true, 'a bracket that comes first'],
  ['[a-]+', 'a-', true, 'a hyphen that comes last'],
  ['[\\d.]+', '1.2', true, 'a class in a class'],
  ['[[:alpha:]]+[[:^digit:]]', 'ab-', true, 'POSIX classes'],
  ['[[a]', '[', true, 'a bracket in a class'],
  ['\\x41\\x{42}', 'AB', true, 'hex'],
  ['\\Qa.b\\E.', 'a.bc', true, 'quoted'],
  ['\\.\\/\\-\\%', './-%', true, 'escaped punctuation'],
  ['é+', '\xc3\xa9', true, 'beyond ASCII: bytes'],
  ['.*', '\xc3\xa9\xff', true, 'any byte'],
  ['a', '\u0141', false, 'no byte'],
  ['(a*)*', 'aaa', true, 'repetition of what may be empty'],
  ['(|a)+', 'aa', true, 'empty alternative'],
  ['(((){1000}){1000}){1000}', '', true, 'repetition of nothing'],
];

describe('FullMatch', () => {
  it.each(cases)('%j %j → %j: %s', (pattern, text, expected) => {
    const regex = new FullMatch(pattern);
    expect(regex.test(text)).toBe(expected);
    expect(regex.test(text), 'from the states kept').toBe(expected);
  });

  it.each([
    ['(', 'missing )'],
    [')', 'unexpected )'],
    ['[a', 'missing ]'],
    ['a**', 'bad repetition operator: **'],
    ['*a', 'no argument for repetition operator: *'],
    ['a{2,1}', 'invalid repetition size: {2,1}'],
    ['a{1001}', 'invalid repetition size: {1001}'],
    ['(?=a)', 'invalid perl operator: (?='],
    ['(?<!a)', 'invalid perl operator: (?<'],
    ['(a)\\1', 'invalid escape sequence: \\1'],
    ['\\pL', 'invalid escape sequence: \\p'],
    ['[b-a]', 'invalid character class range: b-a'],
    ['[é]', 'beyond ASCII'],
    ['a\\', 'trailing \\'],
    ['((a{100}){100}){100}', 'pattern too large'],
    ['('.repeat(200), 'nests too deeply'],
  ])('FullMatch refuses %j: %s', (pattern, message) => {
    expect(() => new FullMatch(pattern)).toThrow(message);
  });

  it('FullMatch.test looks only at the part it is told', () => {
    expect(new FullMatch('/a').test('/a?x', 2)).toBe(true);
    expect(new FullMatch('/a$').test('/a?x', 2)).toBe(true);
  });

  it('FullMatch agrees with the RegExp of JavaScript on patterns they share', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '\\b', '(?:a|b)', '(?:ab|a)', '(?:a*)');
    const piece = fc.tuple(atom, fc.constantFrom('', '*', '+', '?', '{2}', '{1,2}')).map(([what, times]) => {
      return what === '\\b' ? what : what + times;
    });
    const pattern = fc.array(fc.oneof(piece, fc.constant('|')), { maxLength: 7 }).map((pieces) => pieces.join(''));
    const property = fc.property(pattern, fc.array(fc.stringMatching(/^[abc-]{0,6}$/)), (source, texts) => {
      const [ours, theirs] = [new FullMatch(source), new RegExp(`^(?:${source})$`)];
      for (const text of texts) expect(ours.test(text), text).toBe(theirs.test(text));
    });
    fc.assert(property, { numRuns: 500 });
  });

  it.each([
    ['(a+)+', `${'a'.repeat(8000)}!`],
    ['(a|a)*', `${'a'.repeat(8000)}!`],
    ['(.*)*x(.*)*', 'y'.repeat(8000)],
    ['(\\w+\\s?)*', `${'word '.repeat(1600)}!`],
    ['([a-z]+/?)*\\.html', `${'a/'.repeat(4000)}!`],
  ])('FullMatch takes no time for %j, which makes backtracking explode', (pattern, text) => {
    const regex = new FullMatch(pattern);
    const start = process.cpuUsage();
    expect(regex.test(text)).toBe(false);
    const { user, system } = process.cpuUsage(start);
    expect(user + system).toBeLessThan(200_000);
  });

  it('FullMatch keeps few states however many a text asks for', () => {
    const regex = new FullMatch('(a|b)*a(a|b){14}');
    const letters = Array.from({ length: 4000 }, (_, i) => (Math.imul(i, 2654435761) & 4096 ? 'a' : 'b')).join('');
    expect(regex.test(`${letters}a${'b'.repeat(14)}`)).toBe(true);
    expect(regex.test(`${letters}b${'b'.repeat(14)}`)).toBe(false);
  });
});
