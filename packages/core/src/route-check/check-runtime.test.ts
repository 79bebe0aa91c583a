import { expect, it } from 'vitest';
import { CheckRuntime } from './check-runtime.ts';

const share = (numerator: number, runtimeKey: string) => ({ numerator, denominator: 100 as const, runtimeKey });

it.each([
  ['', share(50, 'k'), 0, false],
  ['k', share(50, 'k'), 49, true],
  ['k', share(50, 'k'), 50, false],
  ['k', share(0, 'k'), 0, true],
  ['k', share(0, 'k'), 1, false],
  ['other', share(50, 'k'), 0, false],
  ['', share(50, ''), 49, true],
  ['', share(10, 'valued'), 59, true],
  ['', share(10, 'valued'), 60, false],
])('CheckRuntime with %j on: %j and a draw of %i is %s', (active, fraction, random, enabled) => {
  const runtime = new CheckRuntime({ valued: 60 });
  runtime.active = active;
  expect(runtime.enabled(fraction, random)).toBe(enabled);
});

it('CheckRuntime gives values in every form', () => {
  const runtime = new CheckRuntime({ n: 7, t: true, s: 'x', f: { numerator: 1, denominator: 'MILLION' } });
  expect([runtime.get('n'), runtime.integer('n', 1), runtime.boolean('t', false), runtime.get('s')]).toEqual([
    '7',
    7,
    true,
    'x',
  ]);
  expect(runtime.get('f')).toBe('{"numerator":1,"denominator":"MILLION"}');
  expect([runtime.integer('none', 3), runtime.boolean('none', true)]).toEqual([3, true]);
});
