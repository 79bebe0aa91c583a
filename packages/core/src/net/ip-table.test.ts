import { BlockList, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IpTable } from './ip-table.ts';

const range = (text: string) => {
  const [addressPrefix = '', length] = text.split('/');
  return { addressPrefix, prefixLen: Number(length) };
};

function table(...ranges: (string | undefined)[]): IpTable<string> {
  const made = new IpTable<string>();
  for (const text of ranges) made.of(text === undefined ? undefined : range(text), () => text ?? 'any');
  return made;
}

describe('IpTable', () => {
  it.each([
    ['10.1.2.3', '10.1.0.0/16'],
    ['10.2.2.3', '10.0.0.0/8'],
    ['10.1.2.4', '10.1.2.4/32'],
    ['11.0.0.1', 'any'],
    ['255.255.255.255', 'any'],
    ['::ffff:10.1.2.4', 'any'],
    ['2001:db8::1', '2001:db8::/32'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['2001:db8::7', '2001:db8::7/128'],
    ['fe80::1%eth0', 'fe80::/10'],
    ['::1', 'any'],
    ['', 'any'],
    ['no address', 'any'],
  ])('find %s: the narrowest range', (ip, found) => {
    const made = table(
      undefined,
      '10.0.0.0/8',
      '10.1.0.0/16',
      '10.1.2.4/32',
      '2001:db8::/32',
      '2001:db8:0:1::/64',
      '2001:db8::7/128',
      'fe80::/10',
    );
    expect(made.find(ip)).toBe(found);
  });

  it('without a range for every address there may be none', () => {
    const made = table('10.0.0.0/8', '0.0.0.0/0');
    expect([made.find('1.2.3.4'), made.find('::1'), made.find('')]).toEqual(['0.0.0.0/0', undefined, '0.0.0.0/0']);
    expect(new IpTable().find('1.2.3.4')).toBeUndefined();
  });

  it('ranges with the same addresses are one', () => {
    const made = table('10.1.2.3/8', '10.0.0.0/8', '2001:DB8::/32', '2001:db8:0:0::ffff/32');
    expect(made.values()).toEqual(['2001:DB8::/32', '10.1.2.3/8']);
  });

  it('agrees with net.BlockList', () => {
    const ip = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(ip, fc.nat(128), ip, (prefix, bits, asked) => {
        const v6 = isIPv6(prefix);
        const length = v6 ? bits : bits % 33;
        const list = new BlockList();
        list.addSubnet(prefix, length, v6 ? 'ipv6' : 'ipv4');
        const made = table(`${prefix}/${length}`);
        // It finds IPv4 in IPv6 ranges and the other way round; Envoy does not.
        if (v6 !== isIPv6(asked)) return;
        expect(made.find(asked) !== undefined).toBe(list.check(asked, isIPv6(asked) ? 'ipv6' : 'ipv4'));
        expect(made.find(prefix)).toBeDefined();
      }),
      { numRuns: 2000 },
    );
  });
});
