import { describe, expect, it } from 'vitest';
import { compileTimeFormat } from './time-format.ts';

/** 2026-11-21T10:04:16.210633Z: Envoy 1.40 printed the expected texts at this moment. */
const AT = 1_795_255_456_210.633;

const rows: readonly (readonly [pattern: string, text: string])[] = [
  ['%s', '1795255456'],
  ['%3f|%f|%1f|%9f', '210|210633000|2|210633000'],
  ['%Y-%m-%dT%H:%M:%S', '2026-11-21T10:04:16'],
  ['%E3S|%E*S|%E0S', '16.210|16.210633|16'],
  ['%E3f|%E*f|%E6f', '210|210633|210633'],
  ['%e|%j|%A|%B|%b|%a|%h', '21|325|Saturday|November|Nov|Sat|Nov'],
  ['%y|%C|%E4Y|%g|%G', '26|20|2026|26|2026'],
  ['%Z|%z|%Ez|%E*z|%:z|%::z|%:::z', 'UTC|+0000|+00:00|+00:00:00|+00:00|+00:00:00|+00'],
  ['%p|%P|%I|%k|%l', 'AM|am|10|10|10'],
  ['%T|%D|%F|%c', '10:04:16|11/21/26|2026-11-21|Sat Nov 21 10:04:16 2026'],
  ['%x|%X|%R|%r', '11/21/26|10:04:16|10:04|10:04:16 AM'],
  ['%u|%V|%w|%U|%W', '6|47|6|46|46'],
  ['%t|%%|%ET', '\t|%|T'],
  ['%q|%i|%N|%v|%L|%+', '%q|%i|%N|%v|%L|%+'],
  ['%Ey|%Od|%0e', '26|21|21'],
  ['', '2026-11-21T10:04:16.210Z'],
  ['no pattern', 'no pattern'],
  ['trailing %', 'trailing %'],
];

describe('compileTimeFormat', () => {
  it.each(rows)('%j → %j', (pattern, expected) => {
    expect(compileTimeFormat(pattern, false)(AT)).toBe(expected);
  });

  it.each<readonly [string, string, string]>([
    ['2021-01-03T00:00:00Z', '%G-%V %U %W', '2020-53 01 00'],
    ['2024-12-30T23:59:59Z', '%G-%V %j', '2025-01 365'],
    ['2024-02-29T12:00:00Z', '%j %I %p %l', '060 12 PM 12'],
    ['1969-12-31T23:59:59.250Z', '%s %3f', '-1 250'],
  ])('%s by %s → %s', (at, pattern, expected) => {
    expect(compileTimeFormat(pattern, false)(Date.parse(at))).toBe(expected);
  });

  it('prints local time with its offset', () => {
    const text = compileTimeFormat('', true)(AT);
    expect(text).toMatch(/^2026-11-2\dT\d\d:\d\d:16\.210[+-]\d{4}$/);
    expect(Date.parse(text)).toBe(Math.floor(AT));
  });

  it.each(['%n', '%En', '%-3n', 'a%On'])('%j is refused: it prints a line break', (pattern) => {
    expect(() => compileTimeFormat(pattern, false)).toThrow('Format string contains newline.');
  });
});
