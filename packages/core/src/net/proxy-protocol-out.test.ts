import type net from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { proxyHeaderV1, proxyHeaderV2 } from './proxy-protocol-format.ts';
import { file, path } from './tls/fixture.ts';
import { TestClient, TestHosts, unverifiedTls, upstreamProxy, upstreamTls } from './tls/fixtures/client.ts';

const hosts = new TestHosts();
const clients: TestClient[] = [];
afterEach(() => {
  hosts.close();
  for (const client of clients.splice(0)) client.close();
});

function client(socket: object): TestClient {
  const made = new TestClient(socket);
  clients.push(made);
  return made;
}

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const v4 = { remoteIp: '1.2.3.4', remotePort: 56324, localIp: '10.0.0.1', localPort: 443 };
const v6 = { remoteIp: '2001:db8::1', remotePort: 1, localIp: '::ffff:10.0.0.1', localPort: 65535 };
const unix = { remoteIp: '', remotePort: 0, localIp: '', localPort: 0 };

describe('proxyHeaderV1', () => {
  it.each([
    [v4, 'PROXY TCP4 1.2.3.4 10.0.0.1 56324 443\r\n'],
    [v6, 'PROXY TCP6 2001:db8::1 ::ffff:10.0.0.1 1 65535\r\n'],
    [{ ...v4, localIp: '::1' }, 'PROXY TCP6 ::ffff:1.2.3.4 ::1 56324 443\r\n'],
    [unix, 'PROXY UNKNOWN\r\n'],
  ])('%o', (addresses, text) => expect(proxyHeaderV1(addresses).toString('latin1')).toBe(text));
});

describe('proxyHeaderV2', () => {
  const hex = (...given: Parameters<typeof proxyHeaderV2>) => proxyHeaderV2(...given).bytes.toString('hex');

  it('tells IPv4 addresses, ports and entries', () => {
    const tlvs = [{ type: 0xe1, value: Buffer.from('hi') }];
    expect(hex(v4, [])).toBe(`${SIGNATURE}2111000c010203040a000001dc0401bb`);
    expect(hex(v4, tlvs)).toBe(`${SIGNATURE}21110011010203040a000001dc0401bbe100026869`);
  });

  it('tells IPv6 addresses', () => {
    const [remote, local] = ['20010db8000000000000000000000001', '00000000000000000000ffff0a000001'];
    expect(hex(v6, [])).toBe(`${SIGNATURE}21210024${remote}${local}0001ffff`);
  });

  it('is LOCAL without addresses', () => expect(hex(unix, [])).toBe(`${SIGNATURE}20000000`));

  it('leaves out entries for which there is no room', () => {
    const tlvs = [
      { type: 1, value: Buffer.alloc(65_510) },
      { type: 2, value: Buffer.alloc(20) },
      { type: 3, value: Buffer.alloc(7) },
    ];
    const { bytes, complete } = proxyHeaderV2(v4, tlvs);
    expect(complete).toBe(false);
    expect(bytes.length).toBe(16 + 65_535);
    expect(bytes.readUInt16BE(14)).toBe(65_535);
    expect(bytes.subarray(-10, -7).toString('hex')).toBe('030007');
  });
});

describe('proxyProtocolTransport', () => {
  /** A host that answers `ok` to the first bytes that end with `hi`, and keeps what it got. */
  async function host(): Promise<{ port: number; got: () => Buffer; peer: () => net.Socket | undefined }> {
    let bytes = Buffer.alloc(0);
    let peer: net.Socket | undefined;
    const port = await hosts.tcp((socket) => {
      peer = socket;
      socket.on('data', (chunk) => {
        bytes = Buffer.concat([bytes, chunk]);
        if (bytes.subarray(-2).toString() === 'hi') socket.write('ok');
      });
    });
    return { port, got: () => bytes, peer: () => peer };
  }

  it('version 1 tells of the client, or of this connection', async () => {
    const told = await host();
    const under = client(upstreamProxy({ version: 'V1' }));
    expect((await under.talk(told.port, { proxied: v4 })).reply).toBe('ok');
    expect(told.got().toString()).toBe('PROXY TCP4 1.2.3.4 10.0.0.1 56324 443\r\nhi');
    const own = await host();
    await under.talk(own.port);
    expect(own.got().toString()).toBe(`PROXY TCP4 127.0.0.1 127.0.0.1 ${own.peer()?.remotePort} ${own.port}\r\nhi`);
  });

  it.each([
    ['NONE by default', {}, ['e1:6d65']],
    [
      'INCLUDE_ALL but what it adds itself',
      { pass_through_tlvs: { match_type: 'INCLUDE_ALL' } },
      ['e1:6d65', '02:61', 'e2:62'],
    ],
    ['INCLUDE', { pass_through_tlvs: { match_type: 'INCLUDE', tlv_type: [0xe2] } }, ['e1:6d65', 'e2:62']],
  ])('version 2 passes entries on: %s', async (_what, config, expected) => {
    const told = await host();
    const added_tlvs = [{ type: 0xe1, value: Buffer.from('me').toString('base64') }];
    const tlvs = [
      { type: 0x02, value: Buffer.from('a') },
      { type: 0xe2, value: Buffer.from('b') },
      { type: 0xe1, value: Buffer.from('c') },
    ];
    await client(upstreamProxy({ version: 'V2', added_tlvs, ...config })).talk(told.port, { proxied: { ...v4, tlvs } });
    const bytes = told.got();
    const seen: string[] = [];
    for (let at = 28; at < 16 + bytes.readUInt16BE(14); at += 3 + bytes.readUInt16BE(at + 1)) {
      const value = bytes.subarray(at + 3, at + 3 + bytes.readUInt16BE(at + 1));
      seen.push(`${bytes.subarray(at, at + 1).toString('hex')}:${value.toString('hex')}`);
    }
    expect(seen).toEqual(expected);
  });

  it('version 2 is LOCAL for a connection of our own', async () => {
    const told = await host();
    await client(upstreamProxy({ version: 'V2' })).talk(told.port);
    expect(told.got().toString('hex')).toBe(`${SIGNATURE}20000000${Buffer.from('hi').toString('hex')}`);
  });

  it('counts headers that had no room for all entries', async () => {
    const told = await host();
    const under = client(upstreamProxy({ version: 'V2', pass_through_tlvs: { match_type: 'INCLUDE_ALL' } }));
    await under.talk(told.port, { proxied: { ...v4, tlvs: [{ type: 1, value: Buffer.alloc(65_535) }] } });
    const name = 'cluster.test.upstream.proxyprotocol.v2_tlvs_exceed_max_length';
    expect(under.store.counters().find((counter) => counter.name === name)?.value).toBe(1);
  });

  /** A host that takes the header off and goes on with TLS; what follows is answered with `size` bytes. */
  function securedHost(size: number, header: (text: string) => void): Promise<number> {
    const secureContext = tls.createSecureContext({ cert: file('server.pem'), key: file('server.key') });
    return hosts.tcp((socket) => {
      socket.once('readable', () => {
        const bytes = socket.read() as Buffer;
        const end = bytes.indexOf('\n') + 1;
        header(bytes.toString('latin1', 0, end));
        if (end < bytes.length) socket.unshift(bytes.subarray(end));
        const secured = new tls.TLSSocket(socket, { isServer: true, secureContext });
        secured.on('error', () => {});
        secured.on('data', () => secured.write(Buffer.alloc(size, 'ok')));
      });
    });
  }

  it('goes before the handshake of TLS, and everything goes on as without', async () => {
    let header = '';
    const port = await securedHost(2_000_000, (text) => {
      header = text;
    });
    const under = client(upstreamProxy({ version: 'V1' }, upstreamTls()));
    const { failure, reply, connection } = await under.talk(port, { proxied: v4 }, 2_000_000);
    expect(failure).toBe('');
    expect(header).toBe('PROXY TCP4 1.2.3.4 10.0.0.1 56324 443\r\n');
    expect(reply).toBe('ok'.repeat(1_000_000));
    expect(under.transport.info(connection.socket)?.peerCertificateValidated).toBe(true);
    connection.reset();
    expect(under.transport.raw(connection.socket).destroyed).toBe(true);
  });

  it('refuses a peer as without', async () => {
    const port = await securedHost(2, () => {});
    const socket = upstreamTls({ trusted_ca: { filename: path('other-ca.pem') } });
    const { failure } = await client(upstreamProxy({ version: 'V1' }, socket)).talk(port);
    expect(failure).toContain('CERTIFICATE_VERIFY_FAILED');
  });

  it.each([
    ['plain', undefined],
    ['TLS', unverifiedTls()],
  ])('a refused connection (%s) fails as without', async (_what, inner) => {
    const port = await hosts.tcp(() => {});
    hosts.close();
    const { failure } = await client(upstreamProxy({ version: 'V1' }, inner)).talk(port);
    expect(failure).toBe('delayed connect error: Connection refused');
  });
});
