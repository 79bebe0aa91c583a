import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Search } from './search.ts';

// The expected values are RE2's partial match.
const cases: readonly (readonly [pattern: string, text: string, expected: boolean, why: string])[] = [
  ['', '', true, 'nothing is everywhere'],
  ['b', 'abc', true, 'in the middle'],
  ['b', 'aaa', false, 'nowhere'],
  ['^b', 'abc', false, 'anchored at the start'],
  ['^a', 'abc', true, 'anchored at the start'],
  ['c$', 'abc', true, 'anchored at the end'],
  ['b$', 'abc', false, 'anchored at the end'],
  ['^$', '', true, 'empty text'],
  ['^$', 'a', false, 'text that is not empty'],
  ['(?m)^b$', 'a\nb\nc', true, 'lines'],
  ['\\bcx\\b', 'a.cx_total', false, 'word boundary'],
  ['\\bcx\\b', 'a.cx.total', true, 'word boundary'],
  ['a\\B', 'ba', false, 'no word boundary at the end'],
  ['a.c', 'xxa\nc', false, 'the dot leaves out line breaks'],
  ['é', 'café', true, 'beyond ASCII: bytes on both sides'],
  ['f.$', '\u20ac f\u20ac', false, 'a dot is one byte'],
  ['f...$', '\u20ac f\u20ac', true, 'the three bytes of the euro sign'],
];

describe('Search', () => {
  it.each(cases)('%j %j → %j: %s', (pattern, text, expected) => {
    const regex = new Search(pattern);
    expect(regex.test(text)).toBe(expected);
    expect(regex.test(text), 'from the states kept').toBe(expected);
  });

  it('agrees with the RegExp of JavaScript on patterns they share', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '^', '$', '\\b', '(?:ab|a)', '(?:a*)');
    const piece = fc.tuple(atom, fc.constantFrom('', '*', '+', '?', '{2}')).map(([what, times]) => {
      return /^(?:\\b|\^|\$)$/.test(what) ? what : what + times;
    });
    const pattern = fc.array(fc.oneof(piece, fc.constant('|')), { maxLength: 6 }).map((pieces) => pieces.join(''));
    const property = fc.property(pattern, fc.array(fc.stringMatching(/^[abc-]{0,6}$/)), (source, texts) => {
      const [ours, theirs] = [new Search(source), new RegExp(source)];
      for (const text of texts) expect(ours.test(text), text).toBe(theirs.test(text));
    });
    fc.assert(property, { numRuns: 500 });
  });

  it.each(['(a+)+$b', '(a|a)*b', '(.*)*(.*)*(.*)*z', '(\\w+\\s?)*!'])('takes no time for %j', (pattern) => {
    const regex = new Search(pattern);
    const start = process.cpuUsage();
    expect(regex.test('a'.repeat(8000))).toBe(false);
    const { user, system } = process.cpuUsage(start);
    expect(user + system).toBeLessThan(200_000);
  });
});
