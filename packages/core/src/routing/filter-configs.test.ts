import { describe, expect, it } from 'vitest';
import { FilterConfigs } from './filter-configs.ts';

const config = (value: unknown, disabled?: boolean) => ({ gate: { config: value, disabled } });

describe('FilterConfigs', () => {
  const slots = new Map([
    ['other', 0],
    ['gate', 1],
  ]);

  it('gives the configurations of all levels, most specific first', () => {
    const configs = new FilterConfigs([config('entry'), config(undefined, true), {}, config('table')], slots);
    expect(configs.all(1)).toEqual(['entry', 'table']);
    expect(configs.config(1)).toBe('entry');
    expect([configs.all(0), configs.config(0), configs.disabled(0)]).toEqual([[], undefined, undefined]);
  });

  it.each([
    [[config('c')], false],
    [[config(undefined, true), config('c')], true],
    [[config('c'), config(undefined, true)], false],
    [[{}, config(undefined, true)], true],
  ])('the most specific level that says anything switches: %j → %s', (levels, expected) => {
    expect(new FilterConfigs(levels, slots).disabled(1)).toBe(expected);
  });
});
