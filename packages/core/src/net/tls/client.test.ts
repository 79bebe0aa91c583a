import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type tls from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Connection } from '../connection.ts';
import { file, pair, path } from './fixture.ts';
import { TestClient, TestHosts, unverifiedTls, upstreamTls } from './fixtures/client.ts';

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

const failed = (text: string) =>
  `TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: ${text}:TLS_error_end`;
const chainFailed = (text: string) => failed(`X509_verify_cert: certificate verification error at depth 0: ${text}`);
const CRL_FAILED = 'certificate revocation check against provided CRLs failed: ';
const SERVER_NAMES = '[a.test, b.test, *.wild.test, 127.0.0.1]';
const OTHER_CA = { trusted_ca: { filename: path('other-ca.pem') } };
const CRL = { crl: { filename: path('ca.crl') } };
const dns = (exact: string) => ({ match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact } }] });

const server = new X509Certificate(file('server.pem'));
const HASH = server.fingerprint256;
const SPKI = createHash('sha256')
  .update(server.publicKey.export({ type: 'spki', format: 'der' }))
  .digest('base64');
const WRONG_HASH = '0'.repeat(64);
const WRONG_SPKI = `${'A'.repeat(43)}=`;

/** Everything here was put to a real Envoy 1.40 as well. */
const VERDICTS: readonly [string, string, object, string, string][] = [
  ['a good chain', 'server', upstreamTls(), '', ''],
  ['no validation context', 'server-expired', unverifiedTls(), '', ''],
  [
    'another authority',
    'server',
    upstreamTls(OTHER_CA),
    chainFailed('unable to get local issuer certificate'),
    'fail_verify_error',
  ],
  [
    'an untrusted chain that is accepted',
    'server',
    upstreamTls({ ...OTHER_CA, trust_chain_verification: 'ACCEPT_UNTRUSTED' }),
    '',
    'fail_verify_error',
  ],
  [
    'an expired certificate',
    'server-expired',
    upstreamTls(),
    chainFailed('certificate has expired'),
    'fail_verify_error',
  ],
  [
    'an expired certificate that is allowed',
    'server-expired',
    upstreamTls({ allow_expired_certificate: true }),
    '',
    '',
  ],
  [
    'an expired certificate that is allowed, of another authority',
    'server-expired',
    upstreamTls({ ...OTHER_CA, allow_expired_certificate: true }),
    chainFailed('certificate has expired'),
    'fail_verify_error',
  ],
  ['an intermediate in the chain', 'chained', upstreamTls(), '', ''],
  [
    'an intermediate as authority',
    'chained',
    upstreamTls({ trusted_ca: { filename: path('intermediate.pem') } }),
    '',
    '',
  ],
  [
    'an intermediate, with max_verify_depth, which is for clients',
    'chained',
    upstreamTls({ max_verify_depth: 0 }),
    '',
    '',
  ],
  ['a list that does not name it', 'server', upstreamTls(CRL), '', ''],
  [
    'a revoked certificate',
    'client-revoked',
    upstreamTls(CRL),
    chainFailed(`${CRL_FAILED}certificate revoked`),
    'fail_verify_error',
  ],
  [
    'an authority without a list',
    'chained',
    upstreamTls(CRL),
    chainFailed(`${CRL_FAILED}unable to get certificate CRL`),
    'fail_verify_error',
  ],
  ['a name that is there', 'server', upstreamTls(dns('b.test')), '', ''],
  ['a wildcard that covers the name', 'server', upstreamTls(dns('x.wild.test')), '', ''],
  [
    'a name that is not there',
    'server',
    upstreamTls(dns('c.test')),
    failed(`SAN matcher, certificate SANs are ${SERVER_NAMES}`),
    'fail_verify_san',
  ],
  [
    'no names at all',
    'cn-only',
    upstreamTls(dns('cn.test')),
    failed('SAN matcher, certificate SANs are []'),
    'fail_verify_san',
  ],
  [
    'a name that is not there, accepted',
    'server',
    upstreamTls({ ...dns('c.test'), trust_chain_verification: 'ACCEPT_UNTRUSTED' }),
    '',
    'fail_verify_san',
  ],
  [
    'the hash, with colons',
    'server',
    unverifiedTls({ validation_context: { verify_certificate_hash: [WRONG_HASH, HASH] } }),
    '',
    '',
  ],
  [
    'the hash, without',
    'server',
    unverifiedTls({ validation_context: { verify_certificate_hash: [HASH.replaceAll(':', '').toLowerCase()] } }),
    '',
    '',
  ],
  [
    'another hash',
    'server',
    unverifiedTls({ validation_context: { verify_certificate_hash: [WRONG_HASH] } }),
    failed('cert hash and spki'),
    'fail_verify_cert_hash',
  ],
  ['the key', 'server', unverifiedTls({ validation_context: { verify_certificate_spki: [SPKI] } }), '', ''],
  [
    'another key, and the hash',
    'server',
    unverifiedTls({ validation_context: { verify_certificate_spki: [WRONG_SPKI], verify_certificate_hash: [HASH] } }),
    '',
    '',
  ],
  [
    'the hash, of an untrusted chain',
    'server',
    upstreamTls({ ...OTHER_CA, verify_certificate_hash: [HASH] }),
    chainFailed('unable to get local issuer certificate'),
    'fail_verify_error',
  ],
  [
    'SNI as a name that is there',
    'server',
    upstreamTls({}, {}, { sni: 'a.test', auto_sni_san_validation: true }),
    '',
    '',
  ],
  [
    'SNI as a name that is not there',
    'server',
    upstreamTls({}, {}, { sni: 'z.test', auto_sni_san_validation: true }),
    failed(`SAN matcher, certificate SANs are ${SERVER_NAMES}`),
    'fail_verify_san',
  ],
];

describe('refusal', () => {
  it.each(VERDICTS)('%s', async (_what, name, socket, failure, stat) => {
    const port = await hosts.tls(name);
    const under = client(socket);
    const outcome = await under.talk(port);
    expect(outcome.failure).toBe(failure);
    expect(outcome.reply).toBe(failure === '' ? 'ok' : '');
    for (const each of ['fail_verify_error', 'fail_verify_san', 'fail_verify_cert_hash', 'fail_verify_no_cert']) {
      expect([each, under.count(each)]).toEqual([each, each === stat ? 1 : 0]);
    }
    expect(under.count('handshake')).toBe(failure === '' ? 1 : 0);
    expect(under.count('connection_error')).toBe(0);
  });

  it.each([
    [['a.test'], ''],
    [['nobody.test', 'x.wild.test'], ''],
    [['127.0.0.1'], ''],
    [['qq.test'], failed(`verify SAN list, expected SANs: [qq.test], certificate SANs: ${SERVER_NAMES}`)],
  ])('asked for %j by the request', async (subjectAltNames, failure) => {
    const port = await hosts.tls('server');
    // What the request asks for stands in for the configured names, and holds without authorities, too.
    expect(await client(upstreamTls(dns('a.test'))).talk(port, { subjectAltNames })).toMatchObject({ failure });
    expect(await client(unverifiedTls()).talk(port, { subjectAltNames })).toMatchObject({ failure });
  });

  it.each(['DNS:good.test', 'good.test', 'evil.test'])(
    'one name that looks like several does not stand for %s',
    async (name) => {
      const port = await hosts.tls('names');
      const trusted = { trusted_ca: { filename: path('names-ca.pem') } };
      expect((await client(upstreamTls({ ...trusted, ...dns(name) })).talk(port)).failure).toContain('SAN matcher');
      expect((await client(upstreamTls({ ...trusted, ...dns('a.test') })).talk(port)).failure).toBe('');
    },
  );

  it('a name does not end at a NUL byte', async () => {
    const port = await hosts.tls('names-hostile');
    const trusted = { trusted_ca: { filename: path('names-ca.pem') } };
    expect((await client(upstreamTls({ ...trusted, ...dns('good.test') })).talk(port)).failure).toContain(
      'SAN matcher',
    );
    expect((await client(upstreamTls({ ...trusted, ...dns('plain.test') })).talk(port)).failure).toBe('');
  });
});

describe('errors of the handshake', () => {
  const tlsError = (code: number, name: string) =>
    `TLS_error:|${code}:SSL routines:OPENSSL_internal:${name}:TLS_error_end`;

  it.each<[string, () => Promise<number>, object, string | undefined, number]>([
    [
      'a host without TLS',
      () => hosts.tcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
      unverifiedTls(),
      tlsError(268435703, 'WRONG_VERSION_NUMBER'),
      1,
    ],
    [
      'no common protocol',
      () => hosts.tls('server', { ALPNProtocols: ['h2'] }),
      unverifiedTls({ alpn_protocols: ['foo'] }),
      tlsError(268436576, 'TLSV1_ALERT_NO_APPLICATION_PROTOCOL'),
      1,
    ],
    [
      'TLS 1.3 only: Envoy’s default for hosts is 1.2 at most',
      () => hosts.tls('server', { minVersion: 'TLSv1.3' }),
      unverifiedTls(),
      tlsError(268436526, 'TLSV1_ALERT_PROTOCOL_VERSION'),
      1,
    ],
    [
      'a reset',
      () => hosts.tcp((socket) => socket.once('data', () => socket.resetAndDestroy())),
      unverifiedTls(),
      'TLS_error:|33554536:system library:OPENSSL_internal:Connection reset by peer:TLS_error_end',
      0,
    ],
    ['an end', () => hosts.tcp((socket) => socket.once('data', () => socket.end())), unverifiedTls(), undefined, 0],
  ])('%s', async (_what, start, socket, failure, errors) => {
    const under = client(socket);
    expect((await under.talk(await start())).failure).toBe(failure);
    expect(under.count('connection_error')).toBe(errors);
    expect(under.count('handshake')).toBe(0);
  });

  it('a refused connection is no error of TLS', async () => {
    const port = await hosts.tcp(() => {});
    hosts.close();
    const under = client(unverifiedTls());
    expect((await under.talk(port)).failure).toBe('delayed connect error: Connection refused');
    expect(under.count('connection_error')).toBe(0);
  });

  it.each(['a'.repeat(256), 'a\0b'])('a server name that TLS cannot carry makes no connection', async (serverName) => {
    let connections = 0;
    const port = await hosts.tls('server', {}, () => connections++);
    const { failure } = await client(unverifiedTls()).talk(port, { serverName });
    expect(failure).toMatch(/failure setting SNI/);
    expect(connections).toBe(0);
  });
});

describe('what is offered', () => {
  const seen = async (socket: object, choice?: Parameters<TestClient['talk']>[1]) => {
    let offered: { name: string | false | null; alpn: string | false | null } | undefined;
    const ALPNCallback = ({ protocols }: { protocols: string[] }) => protocols.at(-1);
    const serve = (secured: tls.TLSSocket) => {
      offered = { name: secured.servername, alpn: secured.alpnProtocol };
      secured.on('error', () => {});
      secured.on('data', () => secured.write('ok'));
    };
    const port = await hosts.tls('server', { ALPNCallback } as tls.TlsOptions, serve);
    const under = client(socket);
    const { connection } = await under.talk(port, choice);
    return {
      ...offered,
      agreed: under.transport.alpn(connection.socket),
      info: under.transport.info(connection.socket),
    };
  };

  it('neither server name nor protocols by default', async () => {
    expect(await seen(unverifiedTls())).toMatchObject({ name: false, alpn: false, agreed: '' });
  });

  it('the configured ones, unless the request asks for others', async () => {
    const socket = unverifiedTls({ alpn_protocols: ['h2', 'http/1.1'] }, { sni: 'b.test' });
    expect(await seen(socket)).toMatchObject({ name: 'b.test', alpn: 'http/1.1', agreed: 'http/1.1' });
    const asked = { serverName: 'a.test', applicationProtocols: ['foo'], fallbackProtocols: ['bar'] };
    expect(await seen(socket, asked)).toMatchObject({ name: 'a.test', alpn: 'foo', agreed: 'foo' });
  });

  it('the pool’s protocols where nobody else names any', async () => {
    expect(await seen(unverifiedTls(), { fallbackProtocols: ['h2'] })).toMatchObject({ alpn: 'h2' });
  });

  it('a client certificate', async () => {
    const port = await hosts.tls('server', { requestCert: true, rejectUnauthorized: true, ca: file('ca.pem') });
    const bare = client(unverifiedTls());
    expect((await bare.talk(port)).failure).toMatch(/HANDSHAKE_FAILURE|CERTIFICATE_REQUIRED/);
    const under = client(upstreamTls({}, { tls_certificates: [pair('client')] }));
    const { failure, connection } = await under.talk(port);
    expect(failure).toBe('');
    const info = under.transport.info(connection.socket);
    expect(info?.localCertificate?.subject).toBe('CN=client,OU=Clients,O=Mesh Test,ST=Test\\, with comma,C=DE');
  });

  it('info tells what was agreed on', async () => {
    const { info } = await seen(upstreamTls({}, {}, { sni: 'a.test' }));
    expect(info).toMatchObject({
      version: 'TLSv1.2',
      cipher: 'ECDHE-RSA-AES128-GCM-SHA256',
      serverName: 'a.test',
      resumed: false,
      peerCertificatePresented: true,
      peerCertificateValidated: true,
    });
    expect(info?.peerCertificate?.subject).toBe('CN=server,O=Mesh Test');
    expect(info?.peerCertificate?.sha256).toBe(HASH.replaceAll(':', '').toLowerCase());
  });

  it('counts what was agreed on', async () => {
    const port = await hosts.tls('server');
    const under = client(unverifiedTls());
    await under.talk(port);
    for (const name of ['handshake', 'ciphers.ECDHE-RSA-AES128-GCM-SHA256', 'versions.TLSv1.2', 'curves.X25519']) {
      expect([name, under.count(name)]).toEqual([name, 1]);
    }
    expect(under.count('no_certificate')).toBe(0);
  });
});

describe('resumption', () => {
  const VERSIONS = [
    ['TLSv1_2', 'TLSv1.2'],
    ['TLSv1_3', 'TLSv1.3'],
  ] as const;
  const upTo = (version: string, validation: object = {}, context: object = {}) =>
    upstreamTls(validation, { tls_params: { tls_maximum_protocol_version: version } }, context);

  it.each(VERSIONS)('%s takes up the last session, with the facts of the certificate', async (version, name) => {
    const port = await hosts.tls('server');
    const under = client(upTo(version, dns('a.test')));
    for (let i = 0; i < 3; i++) expect((await under.talk(port)).failure).toBe('');
    expect(under.count('handshake')).toBe(3);
    // A session of TLS 1.3 is offered once, and OpenSSL gives no new one for it.
    expect(under.count('session_reused')).toBe(name === 'TLSv1.3' ? 1 : 2);
    const { connection } = await under.talk(port);
    const info = under.transport.info(connection.socket);
    expect(info).toMatchObject({ version: name, resumed: true, peerCertificateValidated: true });
    expect(info?.peerCertificate?.subject).toBe('CN=server,O=Mesh Test');
  });

  it.each(VERSIONS)('%s does not take up a session for other names', async (version) => {
    const port = await hosts.tls('server');
    const under = client(upTo(version));
    expect((await under.talk(port, { subjectAltNames: ['a.test'] })).failure).toBe('');
    expect((await under.talk(port, { subjectAltNames: ['evil.test'] })).failure).toContain('verify SAN list');
    expect((await under.talk(port, { serverName: 'a.test', subjectAltNames: ['a.test'] })).failure).toBe('');
    expect(under.count('session_reused')).toBe(0);
    expect((await under.talk(port, { subjectAltNames: ['a.test'] })).failure).toBe('');
    expect(under.count('session_reused')).toBe(1);
  });

  it.each(VERSIONS)('%s keeps no session of a peer that was refused', async (version) => {
    const port = await hosts.tls('server');
    const under = client(upTo(version, OTHER_CA));
    for (let i = 0; i < 3; i++) expect((await under.talk(port)).failure).toContain('unable to get local issuer');
    expect(under.count('session_reused')).toBe(0);
    expect(under.count('fail_verify_error')).toBe(3);
  });

  it.each(VERSIONS)('%s tells an untrusted peer as such after resumption, too', async (version) => {
    const port = await hosts.tls('server');
    const under = client(upTo(version, { ...OTHER_CA, trust_chain_verification: 'ACCEPT_UNTRUSTED' }));
    await under.talk(port);
    const { connection } = await under.talk(port);
    expect(under.count('session_reused')).toBe(1);
    expect(under.transport.info(connection.socket)).toMatchObject({ resumed: true, peerCertificateValidated: false });
  });

  it.each(VERSIONS)('%s takes up the session of an expired certificate that is allowed', async (version) => {
    const port = await hosts.tls('server-expired');
    const under = client(upTo(version, { allow_expired_certificate: true }));
    for (let i = 0; i < 2; i++) expect((await under.talk(port)).failure).toBe('');
    expect(under.count('session_reused')).toBe(1);
  });

  it('max_session_keys 0 keeps none', async () => {
    const port = await hosts.tls('server');
    const under = client(upstreamTls({}, {}, { max_session_keys: 0 }));
    for (let i = 0; i < 3; i++) await under.talk(port);
    expect(under.count('session_reused')).toBe(0);
  });

  it('sessions are forgotten when the authorities change', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mesh-tls-'));
    const ca = join(directory, 'ca.pem');
    writeFileSync(ca, readFileSync(path('ca.pem')));
    const port = await hosts.tls('server');
    const under = client(upstreamTls({ trusted_ca: { filename: ca } }));
    await under.talk(port);
    expect((await under.talk(port)).failure).toBe('');
    expect(under.count('session_reused')).toBe(1);
    writeFileSync(ca, readFileSync(path('other-ca.pem')));
    await vi.waitFor(() => expect(under.count('certificate_reload_success')).toBeGreaterThan(0), { timeout: 10_000 });
    expect((await under.talk(port)).failure).toContain('unable to get local issuer certificate');
    expect(under.count('session_reused')).toBe(1);
  }, 15_000);
});

describe('the connection', () => {
  it('reads much without losing a byte, and stops when told', async () => {
    const payload = Buffer.alloc(3_000_000, 'mesh');
    const port = await hosts.tls('server', {}, (socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write(payload));
    });
    const { reply, connection } = await client(unverifiedTls()).talk(port, undefined, payload.length);
    expect(reply.length).toBe(payload.length);
    expect(createHash('sha1').update(reply, 'latin1').digest('hex')).toBe(
      createHash('sha1').update(payload).digest('hex'),
    );
    connection.destroy();
  });

  it('reset sends RST', async () => {
    let ended: (error: Error | undefined) => void = () => {};
    const end = new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      ended = resolve;
    });
    const port = await hosts.tls('server', {}, (socket) => {
      socket.on('data', () => socket.write('ok'));
      socket.on('error', ended);
      socket.on('end', () => ended(undefined));
    });
    const { connection } = await client(unverifiedTls()).talk(port);
    connection.reset();
    expect((await end)?.code).toBe('ECONNRESET');
  });

  it('the end of the peer arrives, and writing goes on', async () => {
    let received = '';
    const port = await hosts.tls('server', { allowHalfOpen: true } as tls.TlsOptions, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        received += String(chunk);
        if (received === 'hi') socket.end('ok');
      });
      socket.on('end', () => socket.destroy());
    });
    const { transport } = client(unverifiedTls());
    let reply = '';
    await new Promise<void>((resolve) => {
      const handler = {
        onBytes: (chunk: Buffer) => {
          reply += chunk.toString('latin1');
        },
        onEnd: () => {
          connection.addText(' again');
          connection.end();
        },
        onWritable: () => {},
        onClose: () => resolve(),
      };
      const ready = () => {
        connection.addText('hi');
        connection.flush();
      };
      const connection = Connection.connect({ host: '127.0.0.1', port }, handler, 65_536, ready, transport);
    });
    expect(reply).toBe('ok');
    await vi.waitFor(() => expect(received).toBe('hi again'));
  });

  it('pauses reading', async () => {
    const port = await hosts.tls('server', {}, (socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write(Buffer.alloc(8_000_000)));
    });
    const under = client(unverifiedTls());
    const { connection } = await under.talk(port, undefined, 1);
    connection.pauseReading();
    // What was decrypted already may still come; the rest must not.
    await new Promise((resolve) => setImmediate(resolve));
    const before = connection.bytesRead;
    const others = await under.talk(port, undefined, 8_000_000);
    expect(connection.bytesRead - before).toBeLessThan(1_000_000);
    connection.resumeReading();
    await vi.waitFor(() => expect(connection.bytesRead).toBe(8_000_000), { timeout: 5000 });
    for (const each of [connection, others.connection]) each.destroy();
  });
});
