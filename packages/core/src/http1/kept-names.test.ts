import { describe, expect, it } from 'vitest';
import { KeptNames, writeNames } from './kept-names.ts';

const TEXT = 'GET /a:b HTTP/1.1\r\nhost: h\r\nx-a: Some:Value\r\nfoo$b#$are: 1\r\n\r\n';

describe('writeNames', () => {
  it('leaves a text alone when nothing is asked for', () => {
    expect(writeNames(TEXT, undefined, 'lower')).toBe(TEXT);
  });

  it('begins every word with a capital letter, values and the start line aside', () => {
    expect(writeNames(TEXT, undefined, 'proper')).toBe(
      'GET /a:b HTTP/1.1\r\nHost: h\r\nX-A: Some:Value\r\nFoo$B#$Are: 1\r\n\r\n',
    );
  });

  it.each([
    ['lower', 'foo$b#$are'],
    ['proper', 'Foo$B#$Are'],
  ] as const)('keeps the first spelling of a name; added ones are %s', (own, added) => {
    const kept = new KeptNames(own);
    for (const name of ['HOST', 'X-a', 'x-A']) kept.keep(name);
    expect(writeNames(TEXT, kept, 'proper')).toBe(
      `GET /a:b HTTP/1.1\r\nHOST: h\r\nX-a: Some:Value\r\n${added}: 1\r\n\r\n`,
    );
  });
});
