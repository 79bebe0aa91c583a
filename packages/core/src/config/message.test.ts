import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { issuesOf } from './fixture.ts';
import {
  fields,
  fillDefaults,
  type MessageInput,
  type MessageOutput,
  message,
  nested,
  required,
  withDefault,
} from './message.ts';
import { bool, duration, list, string, uint32 } from './proto-json.ts';

const inner = message({ size_limit: withDefault(uint32(), 7), name: required(string()) }, { name: 'acme.Inner' });
const leafy = message({ size_limit: withDefault(uint32(), 7) }, { name: 'acme.Leafy' });

const outer = message(
  {
    stat_prefix: required(string()),
    idle_timeout: withDefault(duration(), 1000),
    max_wait: duration(),
    left: string(),
    right: string(),
    inner,
    leafy: nested(leafy),
    inners: list(inner),
    options: z.object({ burstSize: z.number() }).optional(),
    level: z.string().default('low'),
  },
  {
    name: 'acme.Outer',
    known: { ...fields('old_left far_right', 'not built yet'), silent: '' },
    oneofs: [{ fields: ['left', 'right', 'far_right'], required: true }],
    check({ statPrefix, left }, report) {
      if (statPrefix !== undefined && statPrefix === left) report({ path: ['left'], message: 'equals stat_prefix' });
    },
  },
);

const valid = { stat_prefix: 'a', left: 'l' };

describe('message', () => {
  it('fills in defaults at every depth and names durations by their unit', () => {
    expect(outer.parse({ ...valid, max_wait: '0.5s' })).toEqual({
      statPrefix: 'a',
      left: 'l',
      idleTimeoutMs: 1000,
      maxWaitMs: 500,
      leafy: { sizeLimit: 7 },
      inners: [],
      level: 'low',
    });
  });

  it.each([
    ['snake_case', { stat_prefix: 'a', left: 'l', inner: { size_limit: 1, name: 'n' } }],
    ['camelCase', { statPrefix: 'a', left: 'l', inner: { sizeLimit: 1, name: 'n' } }],
    ['both', { statPrefix: 'a', left: 'l', inner: { size_limit: 1, name: 'n' } }],
  ])('reads %s', (_, value) => {
    expect(outer.parse(value)).toMatchObject({ statPrefix: 'a', inner: { sizeLimit: 1, name: 'n' } });
  });

  it.each([null, undefined])('takes %s for absent', (nothing) => {
    expect(outer.parse({ ...valid, idle_timeout: nothing, right: nothing, old_left: nothing, inner: nothing })).toEqual(
      outer.parse(valid),
    );
    expect(issuesOf(outer, { ...valid, stat_prefix: nothing })).toEqual(['stat_prefix: is required']);
  });

  it('lends plain zod fields both spellings', () => {
    expect(outer.parse({ ...valid, options: { burst_size: 2 } })).toMatchObject({ options: { burstSize: 2 } });
  });

  const refused: readonly (readonly [value: unknown, ...messages: string[]])[] = [
    ['x', 'expected a map, got "x"'],
    [[], 'expected a map, got a list'],
    [
      { ...valid, stat_prefx: 'b' },
      'stat_prefx: unknown field "stat_prefx" of acme.Outer (did you mean "stat_prefix"?)',
    ],
    [{ ...valid, qqqqqqqq: 1 }, 'qqqqqqqq: unknown field "qqqqqqqq" of acme.Outer'],
    [{ ...valid, Left: 1 }, 'Left: unknown field "Left" of acme.Outer (did you mean "left"?)'],
    [
      { ...valid, stat__prefix: 'b' },
      'stat__prefix: unknown field "stat__prefix" of acme.Outer (did you mean "stat_prefix"?)',
    ],
    [{ ...valid, old_left: 1 }, 'old_left: known to Envoy, not supported here: not built yet'],
    [{ ...valid, oldLeft: 1 }, 'oldLeft: known to Envoy, not supported here: not built yet'],
    [{ ...valid, silent: 1 }, 'silent: known to Envoy, not supported here'],
    [{ ...valid, statPrefix: 'b' }, 'statPrefix: "stat_prefix" is given twice, as snake_case and as camelCase'],
    [{ left: 'l' }, 'stat_prefix: is required'],
    [{ stat_prefix: 'a' }, 'needs one of left, right'],
    [{ ...valid, right: 'r' }, 'right: only one of left, right may be given'],
    [{ stat_prefix: 'a', far_right: 1 }, 'far_right: known to Envoy, not supported here: not built yet'],
    [
      { ...valid, inner: { size_limit: -1 } },
      'inner.size_limit: expected a whole number from 0 to 4294967295, got -1',
      'inner.name: is required',
    ],
    [
      { ...valid, inners: [{ name: 'a' }, { nam: 'b' }] },
      'inners.1.nam: unknown field "nam" of acme.Inner (did you mean "name"?)',
      'inners.1.name: is required',
    ],
    [
      { ...valid, options: { burst_siz: 1, burst_size: 2 } },
      'options.burst_siz: unknown field "burst_siz" (did you mean "burst_size"?)',
    ],
    [{ ...valid, options: { burst_size: 'x' } }, 'options.burst_size: expected a number, got "x"'],
    [{ stat_prefix: 'l', left: 'l' }, 'left: equals stat_prefix'],
  ];
  it.each(refused.map(([value, ...messages]) => ({ value, messages })))('refuses $value', ({ value, messages }) => {
    expect(issuesOf(outer, value)).toEqual(messages);
  });

  it('reports everything that is wrong, not only the first', () => {
    expect(issuesOf(outer, { right: 1, left: 2, bogus: 1, idle_timeout: 'x', inner: 3 })).toHaveLength(7);
  });

  it('points at keys for what is wrong with a key, at values for what is wrong with a value', () => {
    const issues = outer.safeParse({ ...valid, bogus: 1, inner: 2 }).error?.issues ?? [];
    expect(issues.map((issue) => (issue as { params?: { config: { at?: string } } }).params?.config.at)).toEqual([
      'key',
      undefined,
    ]);
  });

  it('has no prototype to reach through keys', () => {
    const issues = issuesOf(outer, { ...valid, constructor: {}, toString: 1, hasOwnProperty: 1 });
    expect(issues.map((text) => text.split(':')[0])).toEqual(['constructor', 'toString', 'hasOwnProperty']);
  });

  it('types what goes in and what comes out', () => {
    type F = (typeof inner)['info']['fields'];
    expectTypeOf<MessageOutput<F>>().toEqualTypeOf<{ readonly sizeLimit: number; readonly name: string }>();
    expectTypeOf<MessageInput<F>['name']>().toEqualTypeOf<string>();
    expectTypeOf<MessageInput<F>['sizeLimit']>().toEqualTypeOf<number | string | undefined>();
    const empty = message({ flag: withDefault(bool(), false) }, { name: 'acme.Empty' });
    expectTypeOf<{}>().toExtend<z.input<typeof empty>>();
  });
});

describe('fillDefaults', () => {
  it('completes what code gives, at every depth', () => {
    expect(fillDefaults(outer, { statPrefix: 'a', inners: [{ name: 'n' }], leafy: {} })).toEqual({
      statPrefix: 'a',
      idleTimeoutMs: 1000,
      inners: [{ name: 'n', sizeLimit: 7 }],
      leafy: { sizeLimit: 7 },
    });
  });

  it('makes new defaults each time', () => {
    const [one, two] = [fillDefaults(outer, valid as never), fillDefaults(outer, valid as never)];
    expect(one.leafy).not.toBe(two.leafy);
  });
});
