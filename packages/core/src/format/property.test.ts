/** Whatever clients and hosts send: formats never throw, a text stays on its line, and JSON is JSON. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stream, type Told } from './fixture.ts';
import { compileFormat } from './format.ts';
import { compileJsonFormat } from './json-format.ts';

/** Bytes that a field of a message may carry (RFC 9110 5.5), in wire form: tab, visible characters, and above ASCII. */
const fieldBytes = fc
  .array(
    fc.integer({ min: 0x20, max: 0xff }).map((code) => (code === 0x7f ? '\t' : String.fromCharCode(code))),
    { maxLength: 40 },
  )
  .map((chars) => chars.join(''));

const told: fc.Arbitrary<Told> = fc.record({
  // Percent escapes of control characters, as a query may have them.
  path: fc
    .tuple(fieldBytes, fc.integer({ min: 0x10, max: 0x2f }))
    .map(([text, code]) => `/${text}?a=x%${(code - 0x10).toString(16).padStart(2, '0')}y`),
  authority: fieldBytes,
  request: fieldBytes.map((value) => ['x-a', value, 'x-request-id', value, 'user-agent', value]),
  response: fieldBytes.map((value) => ['x-b', value, 'content-type', value]),
  trailers: fieldBytes.map((value) => ['grpc-status', value, 'x-t', value]),
});

const COMMANDS = [
  '%REQ(X-A)%',
  '%REQ(:PATH)%',
  '%REQ(:AUTHORITY?X-A):7%',
  '%RESP(X-B):3%',
  '%TRAILER(X-T)%',
  '%GRPC_STATUS%',
  '%GRPC_STATUS_NUMBER%',
  '%PATH(NQ)%',
  '%PATH(WQ):5%',
  '%QUERY_PARAM(a)%',
  '%QUERY_PARAMS(ORIG)%',
  '%START_TIME(%Y %f %E4S)%',
  '%RESPONSE_CODE%',
  '%RESPONSE_FLAGS_LONG%',
  '%DURATION%',
  '%UPSTREAM_HOST%',
  '%STREAM_ID%',
  '%DYNAMIC_METADATA(a:b)%',
  '%COALESCE({"operators": ["TRACE_ID", {"command": "REQ", "param": "X-A", "max_length": 2}]})%',
  'plain "text" é',
  '%%',
];

const format = fc.array(fc.constantFrom(...COMMANDS), { minLength: 1, maxLength: 5 }).map((parts) => parts.join(' '));

describe('formats', () => {
  it('compileFormat prints one line of whatever is legal in a message', () => {
    fc.assert(
      fc.property(format, told, (text, facts) => {
        expect(compileFormat(text, { oneLine: true }).format(stream(facts))).not.toMatch(/[\n\r\0]/);
      }),
      { numRuns: 300 },
    );
  });

  it('compileJsonFormat prints one line of JSON, also as the bytes that it stands for', () => {
    const shape = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 3 }, format, fc.double(), fc.constant(null), tie('list'), tie('object')),
      list: fc.array(tie('value'), { maxLength: 3 }),
      object: fc.dictionary(fc.string({ maxLength: 5 }), tie('value'), { maxKeys: 3 }),
    })).object as fc.Arbitrary<Record<string, unknown>>;
    fc.assert(
      fc.property(shape, told, fc.boolean(), (fields, facts, omitEmptyValues) => {
        const line = compileJsonFormat(fields, { omitEmptyValues }).format(stream(facts));
        expect(line.slice(0, -1)).not.toMatch(/[\n\r\0]/);
        const bytes = Buffer.from(line, 'latin1');
        const parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
        if (!omitEmptyValues) expect(Object.keys(parsed).sort()).toEqual(Object.keys(fields).sort());
      }),
      { numRuns: 300 },
    );
  });

  it('compileFormat refuses any other text with a SyntaxError, or prints it', () => {
    const odd = fc.stringMatching(/^[%(){}:?,"A-Z_a-z0-9 -]{0,40}$/);
    fc.assert(
      fc.property(
        fc.oneof(
          odd,
          fc.tuple(odd, format).map(([a, b]) => a + b),
        ),
        told,
        (text, facts) => {
          let compiled: ReturnType<typeof compileFormat>;
          try {
            compiled = compileFormat(text);
          } catch (error) {
            expect(error).toBeInstanceOf(SyntaxError);
            return;
          }
          expect(typeof compiled.format(stream(facts))).toBe('string');
        },
      ),
      { numRuns: 500 },
    );
  });
});
