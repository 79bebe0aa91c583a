import { describe, expect, it } from 'vitest';
import { BodyPatterns, BodySearch } from './body-search.ts';

/** Whether the body is what is looked for, in one piece, byte by byte, and cut in two at every place. */
function everyCut(body: string, patterns: readonly string[], bytesLimit = 0): boolean[] {
  const made = new BodyPatterns({ bytesLimit, patterns: patterns.map((stringMatch) => ({ stringMatch })) });
  const cuts = [[body], [...body], ...[...body].map((_, at) => [body.slice(0, at), body.slice(at)])];
  const found = cuts.map((pieces) => {
    const search = new BodySearch(made);
    for (const piece of pieces) search.add(Buffer.from(piece));
    return search.found;
  });
  return [...new Set(found)];
}

describe('BodySearch', () => {
  it.each([
    ['hello world', ['lo w'], 0, true],
    ['hello world', ['world', 'hello', 'o'], 0, true],
    ['hello world', ['hello', 'word'], 0, false],
    ['hello', ['lo'], 4, false],
    ['hello', ['ell'], 4, true],
    ['aab', ['aab', 'b'], 3, true],
    ['', ['a'], 0, false],
  ])('finds in %j all of %j within %i: %s, however the body is cut', (body, patterns, limit, found) => {
    expect(everyCut(body, patterns, limit)).toEqual([found]);
  });

  it('is settled when all is found, or the limit reached', () => {
    const search = new BodySearch(new BodyPatterns({ bytesLimit: 4, patterns: [{ binaryMatch: Buffer.from('z') }] }));
    search.add(Buffer.from('abc'));
    expect(search.settled).toBe(false);
    search.add(Buffer.from('dz'));
    expect([search.settled, search.found]).toEqual([true, false]);
  });
});
