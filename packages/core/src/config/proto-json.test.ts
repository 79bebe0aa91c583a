import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { issuesOf } from './fixture.ts';
import {
  bool,
  bytes,
  double,
  duration,
  enumOf,
  fractionalPercent,
  int64,
  type LeafInfo,
  list,
  mapOf,
  nonEmpty,
  only,
  onlyEmpty,
  percent,
  runtimeFractionalPercent,
  string,
  struct,
  uint32,
  uint64,
} from './proto-json.ts';

const color = enumOf(['RED', 'GREEN'], { BLUE: { number: 7, reason: 'not built yet' } });
const base64 = (text: string) => Buffer.from(text, 'base64');

const accepted: readonly (readonly [schema: z.ZodType, value: unknown, output: unknown, why: string])[] = [
  [bool(), true, true, 'bool'],
  [string(), '', '', 'empty text'],
  [uint32(), 4294967295, 4294967295, 'largest uint32'],
  [uint32(), '17', 17, 'uint32 as text'],
  [uint32(), 1.0, 1, 'whole number'],
  [uint64(), '18446744073709551615', 18446744073709552000, 'uint64 beyond 2^53'],
  [int64(), '-9223372036854775808', -9223372036854776000, 'int64 beyond -2^53'],
  [double(), '1.5e3', 1500, 'double as text'],
  [double(), -1, -1, 'double'],
  [duration(), '0.25s', 250, 'duration'],
  [duration(), '1s', 1000, 'whole seconds'],
  [duration(), '0.000000001s', 0.000001, 'a nanosecond'],
  [duration(), '0.1s', 100, 'no rounding error'],
  [duration(), '1.005s', 1005, 'no rounding error'],
  [duration(), { seconds: 1, nanos: 500_000_000 }, 1500, 'v2 form'],
  [duration(), { seconds: '2' }, 2000, 'v2 form with text'],
  [duration(), {}, 0, 'v2 form of nothing'],
  [duration(), '9223372035s', 9_223_372_035_000, 'the longest'],
  [color, 'GREEN', 'GREEN', 'enum by name'],
  [color, 'green', 'GREEN', 'enum by name in lower case'],
  [color, 0, 'RED', 'enum by number'],
  [bytes(), 'aGk=', base64('aGk='), 'bytes'],
  [bytes(), '_-8', base64('/+8='), 'bytes in the URL alphabet, without padding'],
  [bytes(), '', base64(''), 'no bytes'],
  [struct(), { a: { b_c: [1, null] } }, { a: { b_c: [1, null] } }, 'struct'],
  [list(uint32()).schema, [1, '2'], [1, 2], 'list'],
  [mapOf(uint32()).schema, { a_b: '1' }, { a_b: 1 }, 'map with keys of the user'],
  [only(uint32(), 0, 'r'), 0, 0, 'the one value'],
  [onlyEmpty('list', 'r'), [], undefined, 'an empty list'],
  [onlyEmpty('map', 'r'), {}, undefined, 'an empty map'],
  [percent, { value: 12.5 }, { value: 12.5 }, 'percent'],
  [percent, {}, { value: 0 }, 'percent of nothing'],
  [fractionalPercent, { numerator: 5, denominator: 'MILLION' }, { numerator: 5, denominator: 'MILLION' }, 'fraction'],
  [fractionalPercent, { numerator: 5 }, { numerator: 5, denominator: 'HUNDRED' }, 'fraction of a hundred'],
  [
    runtimeFractionalPercent,
    { defaultValue: {} },
    { defaultValue: { numerator: 0, denominator: 'HUNDRED' } },
    'runtime fraction',
  ],
];

const refused: readonly (readonly [schema: z.ZodType, value: unknown, message: string])[] = [
  [bool(), 'true', 'expected true or false, got "true"'],
  [bool(), 1, 'expected true or false, got 1'],
  [string(), 8080, 'expected a string, got 8080 (put it in quotes: "8080")'],
  [string(), true, 'expected a string, got true (put it in quotes: "true")'],
  [string(), {}, 'expected a string, got a map'],
  [nonEmpty(), '', 'expected a non-empty string, got ""'],
  [string({ pattern: /^a$/, expected: 'an a' }), 'b', 'expected an a, got "b"'],
  [uint32(), -1, 'expected a whole number from 0 to 4294967295, got -1'],
  [uint32(), 4294967296, 'expected a whole number from 0 to 4294967295, got 4294967296'],
  [uint32(), 1.5, 'expected a whole number from 0 to 4294967295, got 1.5'],
  [uint32(), '0x10', 'expected a whole number from 0 to 4294967295, got "0x10"'],
  [uint32(), '', 'expected a whole number from 0 to 4294967295, got ""'],
  [uint32({ min: 1, max: 8 }), 9, 'expected a whole number from 1 to 8, got 9'],
  [uint64(), '1.5', 'expected a whole number, got "1.5"'],
  [double(), Number.NaN, 'expected a number, got NaN'],
  [double({ min: 0, max: 100 }), 101, 'expected a number from 0 to 100, got 101'],
  [duration(), '250ms', 'expected a duration such as "0.25s", got "250ms" (write "0.25s")'],
  [duration(), '5m', 'expected a duration such as "0.25s", got "5m" (write "300s")'],
  [duration(), 5, 'expected a duration such as "0.25s", got 5 (write "5s")'],
  [duration(), '1.0000000001s', 'expected a duration such as "0.25s", got "1.0000000001s"'],
  [duration(), { seconds: 1, millis: 2 }, 'expected a duration such as "0.25s", got a map'],
  [duration(), '-1s', 'must be at least 0s, got -1s'],
  [duration({ aboveMs: 0 }), '0s', 'must be greater than 0s, got 0s'],
  [duration({ minMs: 1 }), '0.0001s', 'must be at least 0.001s, got 0.0001s'],
  [duration({ belowMs: 1000 }), '1s', 'must be less than 1s, got 1s'],
  [duration(), '9223372036s', 'must be at most 9223372035s, got 9223372036s'],
  [color, 'BLUE', 'BLUE is known to Envoy, not supported here: not built yet'],
  [color, 7, 'BLUE is known to Envoy, not supported here: not built yet'],
  [color, 'GREAN', 'expected one of RED, GREEN, got "GREAN" (did you mean "GREEN"?)'],
  [color, 'Green', 'expected one of RED, GREEN, got "Green" (did you mean "GREEN"?)'],
  [color, 3, 'expected one of RED, GREEN, got 3'],
  [color, 'constructor', 'expected one of RED, GREEN, got "constructor"'],
  [bytes(), 'not base64!', 'expected base64 text, got "not base64!"'],
  [bytes(), 'a', 'expected base64 text, got "a"'],
  [bytes(), 'aGkx=', 'expected base64 text, got "aGkx="'],
  [bytes(), 'a=b', 'expected base64 text, got "a=b"'],
  [struct(), [1], 'expected a map, got a list'],
  [
    only(uint32(), 0, 'priorities are not built yet'),
    1,
    '1 is known to Envoy, not supported here: priorities are not built yet',
  ],
  [only(uint32(), 0, 'r'), 'x', 'expected a whole number from 0 to 4294967295, got "x"'],
  [onlyEmpty('list', 'logs are not built yet'), [{}], 'known to Envoy, not supported here: logs are not built yet'],
  [onlyEmpty('list', 'r'), {}, 'expected a list, got a map'],
  [onlyEmpty('map', 'r'), 'x', 'expected a map, got "x"'],
  [list(uint32()).schema, {}, 'expected a list, got a map'],
  [list(uint32()).schema, [1, 'x'], '1: expected a whole number from 0 to 4294967295, got "x"'],
  [list(uint32(), { min: 2 }).schema, [1], 'needs at least 2 items, got a list'],
  [mapOf(uint32()).schema, { a: 'x' }, 'a: expected a whole number from 0 to 4294967295, got "x"'],
  [percent, { value: 101 }, 'value: expected a number from 0 to 100, got 101'],
];

describe('scalars of the JSON form', () => {
  it.each(accepted.map(([schema, value, output, why]) => ({ schema, value, output, why })))(
    '$why: $value',
    ({ schema, value, output }) => {
      expect(schema.parse(value)).toEqual(output);
      expect(issuesOf(schema, value)).toEqual([]);
    },
  );

  it.each(refused.map(([schema, value, message]) => ({ schema, value, message })))(
    'refuses $value: $message',
    ({ schema, value, message }) => {
      expect(schema.safeParse(value).success).toBe(false);
      expect(issuesOf(schema, value)).toEqual([message]);
    },
  );

  it('struct copies, so that freezing does not reach what was read', () => {
    const raw = { a: { b: 1 } };
    const parsed = struct().parse(raw) as typeof raw;
    expect(parsed.a).not.toBe(raw.a);
  });

  it.each([
    [duration(), { seconds: 1, nanos: 5e8 }, '1.5s'],
    [duration(), '3s', '3s'],
    [color, 1, 'GREEN'],
    [color, 'green', 'GREEN'],
    [uint32(), '5', 5],
    [uint64(), '18446744073709551615', '18446744073709551615'],
  ])('%# has a canonical form', (schema, value, printed) => {
    expect((schema.info as LeafInfo).canonical?.(value)).toBe(printed);
  });
});
