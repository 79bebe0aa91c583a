import { describe, expect, it } from 'vitest';
import { NO_RUNTIME } from '../runtime/layered-runtime.ts';
import { RuntimeOverlay } from './runtime-overlay.ts';

const base = new RuntimeOverlay(NO_RUNTIME, { kept: '5', replaced: '5', share: '30' });
const runtime = new RuntimeOverlay(base, {
  replaced: '7',
  yes: 'TRUE',
  no: 'false',
  word: 'x',
  percent: '20',
  fraction: '{"numerator": 5, "denominator": "TEN_THOUSAND"}',
  bad: '{"numerator": 5, "denominator": "DOZEN"}',
});
const ten = (runtimeKey: string) => ({ numerator: 10, denominator: 100 as const, runtimeKey });

describe('RuntimeOverlay', () => {
  it('its values come before those of the runtime below', () => {
    expect([runtime.get('kept'), runtime.get('replaced'), runtime.get('none')]).toEqual(['5', '7', undefined]);
    expect([runtime.integer('kept', 1), runtime.integer('replaced', 1), runtime.integer('none', 1)]).toEqual([5, 7, 1]);
  });

  it('a value of another kind gives the fallback', () => {
    expect(runtime.integer('word', 3)).toBe(3);
    expect([runtime.boolean('yes', false), runtime.boolean('no', true), runtime.boolean('word', true)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(runtime.boolean('kept', true)).toBe(true);
  });

  it.each([
    ['', 9, true],
    ['', 10, false],
    ['none', 9, true],
    ['percent', 19, true],
    ['percent', 20, false],
    ['fraction', 4, true],
    ['fraction', 5, false],
    ['fraction', 10_004, true],
    ['share', 29, true],
    ['share', 30, false],
    ['bad', 9, true],
    ['bad', 10, false],
    ['word', 10, false],
  ])('a share with the key %j and a draw of %i is %s', (key, random, enabled) => {
    expect(runtime.enabled(ten(key), random)).toBe(enabled);
  });
});
