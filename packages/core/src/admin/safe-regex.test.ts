import { describe, expect, it } from 'vitest';
import { compileSafeRegex } from './safe-regex.ts';

const NAMES = [
  'cluster.service1.upstream_rq_200',
  'cluster.service1.upstream_rq_2xx',
  'http.ingress_http.downstream_cx_total',
  'listener.127.0.0.1_18000.downstream_cx_active',
  'server.live',
  '',
];

describe('compileSafeRegex', () => {
  const patterns = [
    'upstream_rq',
    '^cluster\\.',
    'total$',
    '^$',
    'rq_\\d{3}$',
    'rq_[0-9]+xx',
    '(?:service1|ingress).*(total|200)',
    '(a|b|)live',
    '[^a-z._]+_1',
    '\\bcx\\b|\\Bcx',
    '(s.r)?ver\\.l?ive',
    '\\x73erver',
    'u{0}server',
    '(?:[^.]+\\.){2,}up',
    '(a*)*live|(x+x+)+y',
  ];
  it.each(patterns)('agrees with RegExp on %s', (pattern) => {
    const safe = compileSafeRegex(pattern);
    const native = new RegExp(pattern);
    for (const name of NAMES) expect([name, safe.test(name)]).toEqual([name, native.test(name)]);
  });

  it('understands the RE2 forms that RegExp does not', () => {
    expect(compileSafeRegex('(?i)SERVER\\.[L]ive').test('server.live')).toBe(true);
    expect(compileSafeRegex('(?i:S)ERVER').test('server')).toBe(false);
    expect(compileSafeRegex('(?P<n>live)\\z').test('server.live')).toBe(true);
    expect(compileSafeRegex('^[[:alpha:].]+$').test('server.live')).toBe(true);
    expect(compileSafeRegex('a{,2}').test('a{,2}')).toBe(true);
  });

  it.each([
    ['[', 'missing ]: ['],
    ['(a', 'missing ): (a'],
    ['a)', 'unexpected ): a)'],
    ['*a', 'no argument for repetition operator: *'],
    ['a**', 'bad repetition operator: **'],
    ['(?=a)', 'invalid perl operator: (?='],
    ['(a)\\1', 'invalid escape sequence: \\1'],
    ['\\', 'trailing \\ at end of regexp'],
    ['[z-a]', 'invalid character class range: z-a'],
    ['a{1001}', 'invalid repetition size: {1001}'],
    ['[[:constructor:]]', 'invalid character class range: [:constructor:]'],
    ['((a{1000}){1000}){1000}', 'pattern too large - compile failed'],
    [`${'('.repeat(101)}a${')'.repeat(101)}`, 'expression nests too deeply'],
    ['a'.repeat(1001), 'pattern longer than 1000 characters'],
  ])('refuses %s', (pattern, message) => {
    expect(() => compileSafeRegex(pattern)).toThrow(new SyntaxError(message));
  });

  it('stays linear where backtracking explodes', () => {
    const text = 'a'.repeat(5000);
    const started = performance.now();
    for (const pattern of ['(a+)+$b', '(a|a)*b', '(.*)*(.*)*(.*)*z', '((((){1000}){1000}){1000})?b']) {
      expect(compileSafeRegex(pattern).test(text)).toBe(false);
    }
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
