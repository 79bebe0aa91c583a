import { describe, expect, it } from 'vitest';
import { AllowList, addressOf, readDestination } from './destination.ts';

describe('readDestination', () => {
  it.each([
    ['127.0.0.1:80', '127.0.0.1:80'],
    ['127.0.0.1:080', '127.0.0.1:80'],
    ['[::1]:443', '[::1]:443'],
    ['[2001:DB8:0::1]:1', '[2001:db8::1]:1'],
    ['[::ffff:127.0.0.1]:80', '[::ffff:127.0.0.1]:80'],
  ])('takes %j', (text, address) => {
    expect(addressOf(readDestination(text) as never)).toBe(address);
  });

  it.each([
    '127.0.0.1',
    'localhost:80',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '127.0.0.1:-1',
    '127.1:80',
    '::1:80',
    '[::1]',
    '[127.0.0.1]:80',
    '[fe80::1%lo]:80',
    '127.0.0.1:80,127.0.0.1:81',
    '127.0.0.1:80\n',
    '',
  ])('refuses %j', (text) => expect(readDestination(text)).toBeUndefined());
});

describe('AllowList', () => {
  const list = new AllowList(['10.0.0.0/8', '192.0.2.1', 'fd00::/8'], 'c');

  it.each([
    ['10.255.0.1', true],
    ['11.0.0.1', false],
    ['192.0.2.1', true],
    ['192.0.2.2', false],
    ['fd00::1', true],
    ['fe80::1', false],
    ['::ffff:10.0.0.1', true],
    ['::ffff:127.0.0.1', false],
  ])('%s: %s', (ip, allowed) => expect(list.has(ip)).toBe(allowed));

  it('does not take a mapped address for one of IPv6', () => {
    expect(new AllowList(['::/0'], 'c').has('::ffff:127.0.0.1')).toBe(false);
  });

  it.each(['10.0.0.0/33', 'localhost', '10.0.0.0/', '10.0.0.0/8/8', '', 'fd00::/129', '10.0.0.0/-1'])(
    'refuses %j',
    (range) => {
      expect(() => new AllowList([range], 'c')).toThrow(
        `cluster c: ${JSON.stringify(range)} is not a range of IP addresses such as "10.0.0.0/8"`,
      );
    },
  );
});
