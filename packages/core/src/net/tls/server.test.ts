import { afterEach, describe, expect, it } from 'vitest';
import { file, pair, path, serverSettings, TestServer, talk } from './fixture.ts';
import type { ServerTlsSettings } from './settings.ts';

const open: TestServer[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function serve(settings: ServerTlsSettings): Promise<TestServer> {
  const server = await new TestServer(settings).listen();
  open.push(server);
  return server;
}

const several = { tls_certificates: [pair('other-server'), pair('server'), pair('server-ecdsa'), pair('cn-only')] };
const rsaOnly = { sigalgs: 'rsa_pss_rsae_sha256' };

describe('choice of the certificate', () => {
  it.each([
    ['a.test', {}, 'server ecdsa'],
    ['A.Test', {}, 'server ecdsa'],
    ['a.test', rsaOnly, 'server'],
    ['x.wild.test', {}, 'server ecdsa'],
    ['y.x.wild.test', {}, 'other server'],
    ['wild.test', {}, 'other server'],
    ['cn.test', {}, 'cn.test'],
    ['other.test', {}, 'other server'],
    ['unknown.test', {}, 'other server'],
  ])('%s with %o gets the one of "%s"', async (servername, options, subject) => {
    const server = await serve(serverSettings(several));
    expect(await talk(server.port, { servername, ...options })).toMatchObject({ subject });
  });

  it('without a name, the first that the client can verify', async () => {
    const server = await serve(serverSettings(several));
    expect(await talk(server.port, { servername: '' })).toMatchObject({ subject: 'other server', reply: ':hi' });
    expect(await talk(server.port, { servername: '', ...rsaOnly })).toMatchObject({ subject: 'server' });
  });

  it('an unknown name gets the first, or with a full scan the first that the client can verify', async () => {
    const first = await serve(serverSettings(several));
    await expect(talk(first.port, { servername: 'unknown.test', ...rsaOnly })).rejects.toThrow(/handshake failure/);
    expect(first.count('connection_error')).toBe(1);
    const scan = await serve(serverSettings(several, { full_scan_certs_on_sni_mismatch: true }));
    expect(await talk(scan.port, { servername: 'unknown.test', ...rsaOnly })).toMatchObject({ subject: 'server' });
  });

  it('require_sni refuses clients that ask for no name', async () => {
    const server = await serve(serverSettings({}, { require_sni: true }));
    await expect(talk(server.port, { servername: '' })).rejects.toThrow();
    expect(server.failures).toEqual(['the client asked for no server name']);
    expect(await talk(server.port, { servername: 'a.test' })).toMatchObject({ reply: 'a.test:hi' });
  });

  it.each([
    [
      'an encrypted key',
      {
        ...pair('server'),
        private_key: { filename: path('server-encrypted.key') },
        password: { inline_string: 'secret' },
      },
    ],
    ['a PKCS #12 bundle', { pkcs12: { filename: path('server.p12') }, password: { inline_string: 'secret' } }],
    [
      'inline bytes',
      {
        certificate_chain: { inline_bytes: file('server.pem').toString('base64') },
        private_key: { inline_string: file('server.key').toString() },
      },
    ],
  ])('%s serves', async (_what, certificate) => {
    const server = await serve(serverSettings({ tls_certificates: [certificate, pair('other-server')] }));
    expect(await talk(server.port, { servername: 'b.test' })).toMatchObject({ subject: 'server' });
  });

  it('sends the chain of a certificate', async () => {
    const server = await serve(serverSettings({ tls_certificates: [pair('chained')] }));
    const seen = await talk(server.port, { servername: 'chained.test', ca: file('ca.pem'), rejectUnauthorized: true });
    expect(seen.subject).toBe('chained');
  });
});

describe('ALPN', () => {
  it.each([
    [['h2', 'http/1.1'], ['http/1.1', 'h2'], 'h2'],
    [['h2', 'http/1.1'], ['foo', 'http/1.1'], 'http/1.1'],
    [['h2,http/1.1'], ['http/1.1'], 'http/1.1'],
    [['h2', 'http/1.1'], ['foo'], false],
    [['h2'], [], false],
    [[], ['h2'], false],
  ])('server %o, client %o: %s', async (ours, theirs, alpn) => {
    const server = await serve(serverSettings({ alpn_protocols: ours }));
    expect(await talk(server.port, theirs.length > 0 ? { ALPNProtocols: theirs } : {})).toMatchObject({ alpn });
    expect(server.secured[0]?.tls.alpn).toBe(alpn || '');
  });
});

describe('versions and ciphers', () => {
  it.each([
    [{}, {}, 'TLSv1.3', 'TLS_AES_128_GCM_SHA256'],
    [{}, { maxVersion: 'TLSv1.2' }, 'TLSv1.2', 'ECDHE-RSA-AES128-GCM-SHA256'],
    [{ tls_maximum_protocol_version: 'TLSv1_2' }, {}, 'TLSv1.2', 'ECDHE-RSA-AES128-GCM-SHA256'],
    [
      { tls_minimum_protocol_version: 'TLSv1_0', cipher_suites: ['ECDHE-RSA-AES128-SHA'] },
      { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
      'TLSv1',
      'ECDHE-RSA-AES128-SHA',
    ],
    [
      { cipher_suites: ['[TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384|AES128-SHA]'] },
      { maxVersion: 'TLSv1.2' },
      'TLSv1.2',
      'ECDHE-RSA-AES256-GCM-SHA384',
    ],
    [{ cipher_suites: ['-ALL:AES128-SHA'] }, { maxVersion: 'TLSv1.2' }, 'TLSv1.2', 'AES128-SHA'],
  ] as const)('%o with client %o: %s %s', async (tls_params, options, protocol, cipher) => {
    const server = await serve(serverSettings({ tls_params }));
    expect(await talk(server.port, { ...options })).toMatchObject({ protocol, cipher });
    expect(server.count(`versions.${protocol}`)).toBe(1);
    expect(server.count(`ciphers.${cipher}`)).toBe(1);
  });

  it.each([
    [
      'a version below the minimum',
      {},
      { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    ],
    ['no cipher in common', { cipher_suites: ['AES128-SHA'] }, { maxVersion: 'TLSv1.2', ciphers: 'AES256-SHA' }],
    ['no group in common', { ecdh_curves: ['P-384'] }, { ecdhCurve: 'X25519' }],
  ] as const)('%s is refused and counted', async (_what, tls_params, options) => {
    const server = await serve(serverSettings({ tls_params }));
    await expect(talk(server.port, { ...options })).rejects.toThrow();
    await server.until(() => server.failures.length === 1);
    expect(server.count('connection_error')).toBe(1);
    expect(server.count('handshake')).toBe(0);
  });
});

describe('client certificates', () => {
  const validation = { trusted_ca: { filename: path('ca.pem') } };
  const as = (name: string) => ({ cert: file(`${name}.pem`), key: file(`${name}.key`) });
  const required = { require_client_certificate: true };
  const names = (exact: string) => ({
    ...validation,
    match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact } }],
  });

  it.each([
    ['none, none asked for', undefined, {}, {}, true, 'no_certificate'],
    ['none, optional', validation, {}, {}, true, 'no_certificate'],
    ['none, required', validation, required, {}, false, 'fail_verify_no_cert'],
    ['none, required by a name', names('spiffe://mesh.test/client'), {}, {}, false, 'fail_verify_no_cert'],
    ['good', validation, required, as('client'), true, 'handshake'],
    ['below an intermediate', validation, required, as('chained'), true, 'handshake'],
    ['of another authority', validation, {}, as('client-other'), false, 'fail_verify_error'],
    ['expired', validation, {}, as('client-expired'), false, 'fail_verify_error'],
    [
      'expired and allowed',
      { ...validation, allow_expired_certificate: true },
      {},
      as('client-expired'),
      true,
      'handshake',
    ],
    [
      'revoked',
      { ...validation, crl: { filename: path('ca.crl') } },
      {},
      as('client-revoked'),
      false,
      'fail_verify_error',
    ],
    [
      'of another authority, accepted',
      { ...validation, trust_chain_verification: 'ACCEPT_UNTRUSTED' },
      {},
      as('client-other'),
      true,
      'fail_verify_error',
    ],
    ['with the name', names('spiffe://mesh.test/client'), {}, as('client'), true, 'handshake'],
    ['without the name', names('spiffe://mesh.test/other'), {}, as('client'), false, 'fail_verify_san'],
    [
      'with another hash',
      { ...validation, verify_certificate_hash: ['a'.repeat(64)] },
      {},
      as('client'),
      false,
      'fail_verify_cert_hash',
    ],
  ])('%s', async (_what, validation_context, context, client, accepted, stat) => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const server = await serve(
        serverSettings(validation_context === undefined ? {} : { validation_context }, context),
      );
      const result = talk(server.port, { ...client, maxVersion });
      if (accepted) expect(await result).toMatchObject({ reply: expect.stringContaining('hi') });
      else await expect(result).rejects.toThrow();
      await server.until(() => server.secured.length + server.failures.length === 1);
      expect(server.secured.length).toBe(accepted ? 1 : 0);
      expect(server.count(stat)).toBe(1);
      expect(server.count('connection_error')).toBe(0);
    }
  });

  it('are told to whoever asks', async () => {
    const server = await serve(serverSettings({ validation_context: validation }));
    await talk(server.port, { ...as('client'), servername: 'a.test' });
    const info = server.secured[0]?.tls;
    expect(info).toMatchObject({
      version: 'TLSv1.3',
      serverName: 'a.test',
      peerCertificatePresented: true,
      peerCertificateValidated: true,
      resumed: false,
      peerCertificate: {
        uriSans: ['spiffe://mesh.test/client', 'https://mesh.test/second'],
        dnsSans: ['client.test', 'www.client.test'],
      },
      localCertificate: { dnsSans: ['a.test', 'b.test', '*.wild.test'] },
    });
    expect(info?.sessionId).toMatch(/^[0-9a-f]{64}$/);
    await talk(server.port, as('chained'));
    expect(server.secured[1]?.tls.peerCertificate?.chainPem.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });
});
