import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parts, textOf } from './generate.ts';
import { NodeParser, parseOurs } from './parsers.ts';
import { explain } from './rules.ts';
import { runs, seed, timeoutMs } from './runs.ts';

let node: NodeParser;
beforeAll(async () => {
  node = await NodeParser.start();
});
afterAll(() => node.close());

describe('our HTTP/1 parser beside the one of node:http', () => {
  it(
    'differs from it only as the rules say',
    async () => {
      const seen = new Map<string, number>();
      const compare = async (text: string): Promise<void> => {
        const verdict = explain(text, parseOurs(text), await node.parse(text));
        seen.set(verdict.rule, (seen.get(verdict.rule) ?? 0) + 1);
        if (!verdict.explained) throw new Error(`${verdict.rule}: ${JSON.stringify(text)}`);
      };
      await fc.assert(
        fc.asyncProperty(parts, (p) => compare(textOf(p))),
        { seed, numRuns: runs(10_000) },
      );
      // Both sides of the comparison must have had something to do.
      expect(seen.get('same: accepted') ?? 0).toBeGreaterThan(100);
      expect(seen.get('same: refused') ?? 0).toBeGreaterThan(100);
      if (process.env.FUZZ_RUNS !== undefined) console.log(Object.fromEntries([...seen].sort((a, b) => b[1] - a[1])));
    },
    timeoutMs,
  );

  it('gives the same result however the input is cut', () => {
    fc.assert(
      fc.property(parts, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }), (p, sizes) => {
        const text = textOf(p);
        expect(parseOurs(text, sizes)).toEqual(parseOurs(text));
        expect(parseOurs(text, [1])).toEqual(parseOurs(text));
      }),
      { seed, numRuns: runs(10_000) },
    );
  });
});
