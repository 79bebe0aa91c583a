import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHeader } from './header.ts';

const SIGNATURE = Buffer.from('0D0A0D0A000D0A515549540A', 'hex');
const V4 = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 4, 87, 8, 174]);
const V6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from('20010db8000000000000000000000002', 'hex'),
  Buffer.from([0, 1, 0, 2]),
]);
const v2 = (command: number, family: number, ...rest: readonly Buffer[]) => {
  const body = Buffer.concat(rest);
  return Buffer.concat([SIGNATURE, Buffer.of(command, family, body.length >> 8, body.length & 255), body]);
};
const tlv = (type: number, value: string) => Buffer.concat([Buffer.of(type, 0, value.length), Buffer.from(value)]);
const from4 = { remoteIp: '1.2.3.4', remotePort: 1111, localIp: '5.6.7.8', localPort: 2222 };
const from6 = { remoteIp: '2001:db8::1', remotePort: 1, localIp: '2001:db8::2', localPort: 2 };

/** As a running Envoy 1.40 judges; `GET` stands for what follows. */
const found: readonly [string, Buffer, object | undefined, object[]?][] = [
  ['PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222', Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\n'), from4],
  ['a space at the end', Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222 \r\n'), from4],
  ['ports with + and 0', Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 +1111 02222\r\n'), from4],
  ['TCP6', Buffer.from('PROXY TCP6 2001:DB8:0::1 2001:db8::2 1 2\r\n'), from6],
  ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), undefined],
  ['UNKNOWN with addresses', Buffer.from('PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n'), undefined],
  ['108 bytes', Buffer.from(`PROXY UNKNOWN ${'a'.repeat(92)}\r\n`), undefined],
  ['v2 TCP4', v2(0x21, 0x11, V4), from4],
  ['v2 UDP4', v2(0x21, 0x12, V4), from4],
  ['v2 TCP6', v2(0x21, 0x21, V6), from6],
  ['v2 LOCAL', v2(0x20, 0), undefined],
  ['v2 LOCAL with addresses', v2(0x20, 0x11, V4), undefined],
  [
    'v2 with entries',
    v2(0x21, 0x11, V4, tlv(2, 'hello'), tlv(0xe0, '')),
    from4,
    [
      { type: 2, value: Buffer.from('hello') },
      { type: 0xe0, value: Buffer.alloc(0) },
    ],
  ],
];

const broken1 = [
  'PROXY \r\n',
  'PROXY TCP4 1.2.3.4 5.6.7.8 70000 1\r\n',
  'PROXY TCP4 1.2.3.4 5.6.7.8 -1 1\r\n',
  'PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n',
  'PROXY TCP4 1.2.3.400 5.6.7.8 1 2\r\n',
  'PROXY TCP4 2001::1 2001::2 1 2\r\n',
  'PROXY TCP6 1.2.3.4 1.2.3.5 1 2\r\n',
  'PROXY TCP4 224.0.0.1 5.6.7.8 1 2\r\n',
  'PROXY TCP4 255.255.255.255 5.6.7.8 1 2\r\n',
  'PROXY TCP4 0.0.0.0 5.6.7.8 1 2\r\n',
  'PROXY TCP6 ff02::1 2001::2 1 2\r\n',
  'PROXY TCP6 :: 2001::2 1 2\r\n',
  'PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n',
  'PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n',
  'PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n',
  'PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n',
  `PROXY UNKNOWN ${'a'.repeat(93)}\r\n`,
];

const broken2: readonly [string, Buffer][] = [
  ['AF_UNSPEC', v2(0x21, 0)],
  ['AF_UNIX', v2(0x21, 0x31, Buffer.alloc(216, 'a'))],
  ['command 2', v2(0x22, 0x11, V4)],
  ['version 1', v2(0x11, 0x11, V4)],
  ['no room for the addresses', v2(0x21, 0x11, V4.subarray(0, 8))],
  ['no protocol', v2(0x21, 0x10, V4)],
  ['an entry without its length', v2(0x21, 0x11, V4, Buffer.of(2, 0))],
  ['an entry that is cut', v2(0x21, 0x11, V4, Buffer.of(2, 0, 16, 1))],
  ['a multicast address', v2(0x21, 0x11, Buffer.concat([Buffer.of(224), V4.subarray(1)]))],
];

describe('readHeader', () => {
  it.each(found)('%s', (_, bytes, addresses, tlvs = []) => {
    const whole = Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n\r\n')]);
    expect(readHeader(whole)).toMatchObject({ size: bytes.length, addresses, tlvs });
    for (let length = 0; length < bytes.length; length++) expect(readHeader(bytes.subarray(0, length))).toBe('more');
  });

  it.each(broken1)('%j is a broken v1', (text) => {
    expect(readHeader(Buffer.from(`${text}GET / HTTP/1.1\r\n\r\n`))).toEqual({ broken: 'v1' });
  });

  it.each(broken2)('v2 with %s is broken', (_, bytes) => {
    expect(readHeader(Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n\r\n')]))).toEqual({ broken: 'v2' });
  });

  it.each([
    'GET / HTTP/1.1\r\n\r\n',
    'proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n',
    '\r\nGET / HTTP/1.1\r\n',
    `PROXY UNKNOWN ${'a'.repeat(200)}`,
  ])('%j is no header', (text) => expect(readHeader(Buffer.from(text))).toBe('absent'));

  it('what is written is read back, whatever follows', () => {
    const port = fc.nat(65_535);
    const unicast = fc.tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255), fc.nat(255), fc.nat(255));
    fc.assert(
      fc.property(
        unicast,
        unicast,
        port,
        port,
        fc.uint8Array({ maxLength: 50 }),
        (a, b, remotePort, localPort, rest) => {
          const [remoteIp, localIp] = [a.join('.'), b.join('.')];
          const addresses = { remoteIp, remotePort, localIp, localPort };
          const text = Buffer.from(`PROXY TCP4 ${remoteIp} ${localIp} ${remotePort} ${localPort}\r\n`);
          const ports = Buffer.of(remotePort >> 8, remotePort & 255, localPort >> 8, localPort & 255);
          const binary = v2(0x21, 0x11, Buffer.from([...a, ...b]), ports);
          for (const bytes of [text, binary]) {
            expect(readHeader(Buffer.concat([bytes, rest]))).toMatchObject({ size: bytes.length, addresses });
          }
        },
      ),
    );
  });

  it('bytes of any kind give an answer', () => {
    const start = fc.constantFrom(Buffer.alloc(0), Buffer.from('PROXY '), SIGNATURE, v2(0x21, 0x21, V6, tlv(1, 'x')));
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 300 }), (first, rest) => {
        expect(() => readHeader(Buffer.concat([first, rest]))).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });
});
