import { testListenerFilter } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { helloBytes } from '../fixture.ts';
import { readClientHello } from './client-hello.ts';
import { tlsInspector } from './index.ts';

const u16 = (value: number) => Buffer.of(value >> 8, value & 255);
const sized = (bytes: Buffer) => Buffer.concat([u16(bytes.length), bytes]);
const record = (bytes: Buffer) => Buffer.concat([Buffer.of(22, 3, 1), sized(bytes)]);
const message = (bytes: Buffer) => Buffer.concat([Buffer.of(1, 0), sized(bytes)]);
const extension = (type: number, body: Buffer) => Buffer.concat([u16(type), sized(body)]);
const sni = (name: string, type = 0) =>
  extension(0, sized(Buffer.concat([Buffer.of(type), sized(Buffer.from(name, 'latin1'))])));
const alpn = (list: string) => extension(16, sized(Buffer.from(list, 'latin1')));

interface Parts {
  version?: number;
  sessionId?: number;
  ciphers?: Buffer;
  compressions?: Buffer;
  extensions?: Buffer | undefined;
  tail?: Buffer;
}

function body({
  version = 0x0303,
  sessionId = 0,
  ciphers = u16(0x1301),
  compressions = Buffer.of(0),
  extensions,
  tail,
}: Parts) {
  return Buffer.concat([
    u16(version),
    Buffer.alloc(32, 'R'),
    Buffer.of(sessionId),
    Buffer.alloc(sessionId),
    sized(ciphers),
    Buffer.of(compressions.length),
    compressions,
    extensions === undefined ? Buffer.alloc(0) : sized(extensions),
    tail ?? Buffer.alloc(0),
  ]);
}

const hello = (parts: Parts = {}) => record(message(body(parts)));

/** As a running Envoy 1.40 judges. */
describe('readClientHello', () => {
  it.each<[string, Buffer, string, readonly string[] | undefined]>([
    ['without extensions', hello(), '', undefined],
    ['TLS 1.0', hello({ version: 0x0301 }), '', undefined],
    ['of an unknown supported version', hello({ extensions: extension(43, Buffer.of(2, 0x7f, 0x7f)) }), '', undefined],
    ['with a name', hello({ extensions: sni('A.Test') }), 'a.test', undefined],
    [
      'with protocols',
      hello({ extensions: Buffer.concat([alpn('\x02h2\x08http/1.1'), sni('a')]) }),
      'a',
      ['h2', 'http/1.1'],
    ],
    ['with an empty list of protocols', hello({ extensions: alpn('') }), '', undefined],
    ['with an empty protocol', hello({ extensions: alpn('\0') }), '', undefined],
    ['with an odd compression', hello({ compressions: Buffer.of(1) }), '', undefined],
  ])('a hello %s', (_, bytes, serverName, protocols) => {
    expect(readClientHello(bytes)).toEqual({ serverName, protocols, size: bytes.length });
  });

  it.each<[string, Buffer]>([
    ['text', Buffer.from('GET / HTTP/1.1\r\n')],
    ['a record of another type', Buffer.concat([Buffer.of(21), hello().subarray(1)])],
    ['a record of another major version', Buffer.concat([Buffer.of(22, 4), hello().subarray(2)])],
    ['a record that is too long', Buffer.of(22, 3, 1, 255, 255)],
    ['another message', record(Buffer.of(2, 0, 0, 1, 0))],
    ['a message that is too long', record(Buffer.of(1, 0, 0x42, 0x68, 0))],
    ['an empty name', hello({ extensions: sni('') })],
    ['a name of another type', hello({ extensions: sni('a', 1) })],
    ['a name with NUL', hello({ extensions: sni('a\0b') })],
    ['a name of 300 bytes', hello({ extensions: sni('a'.repeat(300)) })],
    ['an extension twice', hello({ extensions: Buffer.concat([sni('a'), sni('a')]) })],
    ['an odd number of cipher bytes', hello({ ciphers: Buffer.of(19, 1, 2) })],
    ['no cipher', hello({ ciphers: Buffer.alloc(0) })],
    ['no compression', hello({ compressions: Buffer.alloc(0) })],
    ['a session id of 33 bytes', hello({ sessionId: 33 })],
    ['bytes behind the extensions', hello({ extensions: sni('a'), tail: Buffer.of(0) })],
    ['an extension that is cut', hello({ extensions: Buffer.of(0, 0, 0, 9) })],
  ])('%s is not TLS', (_, bytes) => {
    expect(readClientHello(bytes)).toBe('not tls');
  });

  it.each([0x0300, 0x0404])('version %d is told apart', (version) => {
    expect(readClientHello(hello({ version }))).toBe('version');
  });

  it('every prefix is incomplete, also in records of any size', async () => {
    const whole = await helloBytes({ servername: 'www.a.test', ALPNProtocols: ['h2'] });
    for (const size of [1, 3, 7, 100, 10_000]) {
      const content = whole.subarray(5);
      const records: Buffer[] = [];
      for (let at = 0; at < content.length; at += size) records.push(record(content.subarray(at, at + size)));
      const bytes = Buffer.concat(records);
      for (let length = 0; length < bytes.length; length += size > 100 ? 1 : 13) {
        expect(readClientHello(bytes.subarray(0, length))).toBe('incomplete');
      }
      expect(readClientHello(bytes)).toEqual({ serverName: 'www.a.test', protocols: ['h2'], size: bytes.length });
      expect(readClientHello(Buffer.concat([bytes, bytes]))).toMatchObject({ size: bytes.length });
    }
  });

  it('never throws, whatever byte is changed', async () => {
    const whole = await helloBytes({ servername: 'www.a.test', ALPNProtocols: ['h2'] });
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0, 1, 127, 255]) {
        const bytes = Buffer.from(whole);
        bytes[at] = value;
        expect(() => readClientHello(bytes)).not.toThrow();
      }
    }
  });
});

describe('tlsInspector', () => {
  it('finds the same however a hello is cut, and leaves it where it is', async () => {
    const bytes = await helloBytes({ servername: 'www.a.test', ALPNProtocols: ['h2', 'http/1.1'] });
    const { found, outcome, rest } = await testListenerFilter(tlsInspector()).everyCut(bytes);
    expect([outcome, found.transportProtocol, found.serverName]).toEqual(['accepted', 'tls', 'www.a.test']);
    expect(found.applicationProtocols).toEqual(['h2', 'http/1.1']);
    expect(rest.equals(bytes)).toBe(true);
  });

  it.each([
    [false, 'accepted'],
    [true, 'filter'],
  ])('cleartext is told apart with its fifth byte (closed: %s)', async (closes, outcome) => {
    const t = testListenerFilter(tlsInspector({ closeConnectionOnClientHelloParsingErrors: closes }));
    const made = await t.run('GET ');
    expect(made.outcome).toBe('waiting');
    await made.send('/');
    expect([made.outcome, made.found.serverName, t.stats('tls_inspector.tls_not_found')]).toEqual([outcome, '', 1]);
  });
});
