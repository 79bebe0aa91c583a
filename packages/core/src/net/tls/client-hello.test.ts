import net from 'node:net';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { type ClientHello, MAX_HELLO_BYTES, readClientHello } from './client-hello.ts';

/** The first bytes that a real client sends. */
async function helloOf(options: tls.ConnectionOptions): Promise<Buffer> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const client = tls.connect({ port, host: '127.0.0.1', ...options });
  client.on('error', () => {});
  const accepted = await new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  const bytes = await new Promise<Buffer>((resolve) => accepted.once('data', resolve));
  accepted.destroy();
  client.destroy();
  server.close();
  return bytes;
}

/** Puts the handshake message into records of `size` bytes. */
function split(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

describe('readClientHello', () => {
  it.each([
    [{}, { serverName: '', protocols: [], takesTickets: true }],
    [{ servername: 'A.Test' }, { serverName: 'a.test', protocols: [], takesTickets: true }],
    [
      { servername: 'a.test', ALPNProtocols: ['h2', 'http/1.1'] },
      { serverName: 'a.test', protocols: ['h2', 'http/1.1'], takesTickets: true },
    ],
    [{ maxVersion: 'TLSv1.2' }, { serverName: '', protocols: [], takesTickets: true }],
    [
      { maxVersion: 'TLSv1.2', secureOptions: 0x4000 },
      { serverName: '', protocols: [], takesTickets: false },
    ],
  ] as const)('reads what a client with %o asks for', async (options, expected) => {
    const hello = await helloOf({
      ...options,
      ...('ALPNProtocols' in options && { ALPNProtocols: [...options.ALPNProtocols] }),
    });
    expect(readClientHello(hello)).toEqual(expected);
    expect(readClientHello(Buffer.concat([hello, Buffer.from('more')]))).toEqual(expected);
    expect(readClientHello(split(hello, 7))).toEqual(expected);
    for (let end = 0; end < hello.length; end++) expect(readClientHello(hello.subarray(0, end))).toBe('more');
  });

  it.each([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['a record of another kind', Buffer.from([23, 3, 1, 0, 1, 0])],
    ['another message', Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
    ['an empty record', Buffer.from([22, 3, 1, 0, 0])],
    ['a hello that is too long', Buffer.from([22, 3, 1, 255, 255, 1, 1, 0, 0])],
    ['a hello that ends early', Buffer.from([22, 3, 1, 0, 5, 1, 0, 0, 1, 3])],
  ])('%s is none', (_what, bytes) => {
    expect(readClientHello(bytes)).toBe('other');
  });

  it('never waits for more than its limit', async () => {
    const endless = Buffer.concat([Buffer.from([22, 3, 1, 0x40, 0, 1, 0, 0x7f, 0xfc]), Buffer.alloc(16_380)]);
    expect(readClientHello(endless)).toBe('more');
    const records = Buffer.alloc(MAX_HELLO_BYTES + 10, 0);
    for (let at = 0; at + 5 < records.length; at += 6) records.set([22, 3, 1, 0, 1, at === 0 ? 1 : 0], at);
    expect(() => readClientHello(records)).not.toThrow();
  });

  it('survives any damage to a hello', async () => {
    const hello = await helloOf({ servername: 'a.test', ALPNProtocols: ['h2', 'http/1.1'] });
    let state = 12_345;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state % below;
    };
    for (let round = 0; round < 5000; round++) {
      const bad = Buffer.from(hello);
      for (let count = 1 + random(4); count > 0; count--) bad[5 + random(bad.length - 5)] = random(256);
      const result = readClientHello(bad);
      if (typeof result === 'object' && !isBounded(result, bad.length)) expect.fail(bad.toString('hex'));
    }
  });

  it('does not follow a hello over hundreds of records', () => {
    const records = Buffer.alloc(6 * 200);
    const message = [1, 0, 0x10, 0];
    for (let at = 0; at < records.length; at += 6) records.set([22, 3, 1, 0, 1, message[at / 6] ?? 0], at);
    expect(readClientHello(records.subarray(0, 6 * 60))).toBe('more');
    expect(readClientHello(records)).toBe('other');
  });
});

function isBounded({ serverName, protocols }: ClientHello, size: number): boolean {
  return serverName.length + protocols.join('').length <= size;
}
