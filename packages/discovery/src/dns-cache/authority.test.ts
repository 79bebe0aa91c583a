import { describe, expect, it } from 'vitest';
import { readAuthority } from './authority.ts';

describe('readAuthority', () => {
  it.each([
    ['a.example', 'a.example:80'],
    ['A.Example:8080', 'a.example:8080'],
    ['127.0.0.1', '127.0.0.1:80'],
    ['[2001:DB8::1]', '[2001:db8::1]:80'],
    ['[::1]:443', '[::1]:443'],
    ['a.example.:1', 'a.example.:1'],
    ['a_b', 'a_b:80'],
  ])('takes %j', (text, key) => expect(readAuthority(text, 80)?.key).toBe(key));

  it.each([
    '',
    ':80',
    'a:',
    'a:b',
    'a:0',
    'a:65536',
    'a:80:81',
    '::1',
    '[::1',
    '[::1]x',
    '[a]:80',
    '[127.0.0.1]:80',
    '[fe80::1%lo]:80',
    'a..b',
    '-a',
    'x@a',
    'a/b',
    'a b',
    'a\0.example',
    '127.1',
    '0x7f000001',
    '2130706433',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}aa`,
  ])('refuses %j', (text) => expect(readAuthority(text, 80)).toBeUndefined());
});
