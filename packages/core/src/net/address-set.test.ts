import { describe, expect, it } from 'vitest';
import { addressSet } from './address-set.ts';

const range = (text: string) => {
  const [addressPrefix = '', prefixLen = ''] = text.split('/');
  return { addressPrefix, prefixLen: Number(prefixLen) };
};

describe('addressSet', () => {
  it.each([
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['0.0.0.0/0', '203.0.113.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/32', '2001:db8::1', true],
    ['::/0', '2001:db8::1', true],
    ['::/0', '203.0.113.1', false],
    ['::ffff:0:0/96', '203.0.113.1', false],
    ['0.0.0.0/0', '', false],
    ['0.0.0.0/0', 'no address', false],
  ])('%s holds "%s": %s', (text, ip, held) => {
    expect(addressSet([range(text)])(ip)).toBe(held);
  });

  it('holds what any of its ranges holds, and nothing without ranges', () => {
    const both = addressSet([range('10.0.0.0/8'), range('2001:db8::/32')]);
    expect([both('10.0.0.1'), both('2001:db8::1'), both('192.0.2.1')]).toEqual([true, true, false]);
    expect(addressSet([])('10.0.0.1')).toBe(false);
  });
});
