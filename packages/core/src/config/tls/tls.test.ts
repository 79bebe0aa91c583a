import { describe, expect, it } from 'vitest';
import { file, pair, path } from '../../net/tls/fixture.ts';
import { parseZod } from '../extension-config.ts';
import { clientTransportSettings, serverTlsSettings } from './build.ts';
import { transportSocketDownstream, transportSocketUpstream } from './transport-socket.ts';

const types = 'type.googleapis.com/envoy.extensions.transport_sockets';

function problemsOf(schema: typeof transportSocketDownstream, node: unknown): string[] {
  return parseZod(schema, node).issues.map((issue) => issue.message);
}

function downstream(common: object, context: object = {}): object {
  const certificates = 'tls_certificates' in common ? {} : { tls_certificates: [pair('server')] };
  const typed_config = {
    '@type': `${types}.tls.v3.DownstreamTlsContext`,
    common_tls_context: { ...certificates, ...common },
    ...context,
  };
  return { name: 'envoy.transport_sockets.tls', typed_config };
}

function upstream(context: object): object {
  return { name: 'tls', typed_config: { '@type': `${types}.tls.v3.UpstreamTlsContext`, ...context } };
}

function certificate(change: Record<string, unknown>): object {
  const all = { ...pair('server'), ...change };
  return { tls_certificates: [Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))] };
}

const validated = (context: object) => ({ validation_context: context });
const ca = { trusted_ca: { filename: path('ca.pem') } };
const unsupported = (reason: string) => `known to Envoy, not supported here: ${reason}`;
const secret = { inline_string: 'secret' };

/** Each of these was put to Envoy 1.40. */
describe('DownstreamTlsContext', () => {
  it.each([
    ['a pair', {}, {}],
    [
      'an encrypted key',
      certificate({ private_key: { filename: path('server-encrypted.key') }, password: secret }),
      {},
    ],
    ['PKCS #12', { tls_certificates: [{ pkcs12: { filename: path('server.p12') }, password: secret }] }, {}],
    ['an expired certificate', { tls_certificates: [pair('server-expired')] }, {}],
    ['the same name twice', { tls_certificates: [pair('server'), pair('server')] }, {}],
    ['IANA names of ciphers', { tls_params: { cipher_suites: ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'] } }, {}],
    [
      'equal ciphers',
      { tls_params: { cipher_suites: ['[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]', 'AES128-SHA'] } },
      {},
    ],
    ['rules of ciphers', { tls_params: { cipher_suites: ['-ALL:ECDHE-RSA-AES128-GCM-SHA256'] } }, {}],
    [
      'a minimum above the maximum',
      { tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_2' } },
      {},
    ],
    ['no protocol in the list', { alpn_protocols: [''] }, {}],
    ['a certificate without authority to verify it', {}, { require_client_certificate: true }],
  ])('%s is accepted', (_what, common, context) => {
    expect(problemsOf(transportSocketDownstream, downstream(common, context))).toEqual([]);
  });

  it.each([
    ['no certificate', { tls_certificates: [] }, {}, 'No TLS certificates found for server context'],
    ['an empty one', { tls_certificates: [{}] }, {}, 'Server TlsCertificates must have a certificate specified'],
    ['no key', certificate({ private_key: undefined }), {}, 'Failed to load incomplete private key from path: '],
    [
      'no chain',
      certificate({ certificate_chain: undefined }),
      {},
      'Failed to load incomplete certificate from : certificate chain not set',
    ],
    [
      'an empty chain',
      certificate({ certificate_chain: { inline_string: '' } }),
      {},
      'Failed to load incomplete certificate from : certificate chain not set',
    ],
    ['a missing file', certificate({ certificate_chain: { filename: '/nope' } }), {}, 'file /nope does not exist'],
    [
      'a key of another kind',
      certificate({ private_key: { filename: path('server-ecdsa.key') } }),
      {},
      `Failed to load private key from ${path('server-ecdsa.key')}, Cause: error:0b000073:X.509 certificate routines:OPENSSL_internal:KEY_TYPE_MISMATCH`,
    ],
    [
      'another key',
      certificate({ private_key: { filename: path('client-plain.key') } }),
      {},
      `Failed to load private key from ${path('client-plain.key')}, Cause: error:0b000074:X.509 certificate routines:OPENSSL_internal:KEY_VALUES_MISMATCH`,
    ],
    [
      'no certificate in the file',
      certificate({ certificate_chain: { inline_string: 'hello' } }),
      {},
      'Failed to load certificate chain from <inline>',
    ],
    [
      'no key in the file',
      certificate({ private_key: { inline_string: 'hello' } }),
      {},
      'Failed to load private key from <inline>, Cause: error:0900006e:PEM routines:OPENSSL_internal:NO_START_LINE',
    ],
    [
      'no password',
      certificate({ private_key: { filename: path('server-encrypted.key') } }),
      {},
      `Failed to load private key from ${path('server-encrypted.key')}, Cause: error:09000068:PEM routines:OPENSSL_internal:BAD_PASSWORD_READ`,
    ],
    [
      'a wrong password',
      certificate({ private_key: { filename: path('server-encrypted.key') }, password: { inline_string: 'x' } }),
      {},
      `Failed to load private key from ${path('server-encrypted.key')}, Cause: error:1e000065:Cipher functions:OPENSSL_internal:BAD_DECRYPT`,
    ],
    [
      'a wrong password of a bundle',
      { tls_certificates: [{ pkcs12: { filename: path('server.p12') }, password: { inline_string: 'x' } }] },
      {},
      `Failed to load pkcs12 from ${path('server.p12')}`,
    ],
    [
      'bundle and key',
      certificate({ certificate_chain: undefined, pkcs12: { filename: path('server.p12') } }),
      {},
      "Certificate configuration can't have both pkcs12 and private_key",
    ],
    [
      'bundle and chain',
      certificate({ private_key: undefined, pkcs12: { filename: path('server.p12') } }),
      {},
      "Certificate configuration can't have both pkcs12 and certificate_chain",
    ],
    [
      'an unknown cipher',
      { tls_params: { cipher_suites: ['FOO', 'AES128-SHA'] } },
      {},
      'Failed to initialize cipher suites FOO:AES128-SHA. The following ciphers were rejected when tried individually: FOO',
    ],
    [
      'an unknown equal',
      { tls_params: { cipher_suites: ['[AES128-SHA|BAR]'] } },
      {},
      'Failed to initialize cipher suites [AES128-SHA|BAR]. The following ciphers were rejected when tried individually: BAR',
    ],
    [
      'a cipher of TLS 1.3',
      { tls_params: { cipher_suites: ['TLS_AES_128_GCM_SHA256'] } },
      {},
      'Failed to initialize cipher suites TLS_AES_128_GCM_SHA256. The following ciphers were rejected when tried individually: TLS_AES_128_GCM_SHA256',
    ],
    ['an unknown curve', { tls_params: { ecdh_curves: ['P-999'] } }, {}, 'Failed to initialize ECDH curves P-999'],
    [
      'an unknown algorithm',
      { tls_params: { signature_algorithms: ['foo'] } },
      {},
      'Failed to initialize TLS signature algorithms foo',
    ],
    ['a protocol of 256 bytes', { alpn_protocols: ['a'.repeat(256)] }, {}, 'Invalid ALPN protocol string'],
    [
      'protocols of 64 KiB',
      { alpn_protocols: Array.from({ length: 300 }, (_, i) => i + 'a'.repeat(250)) },
      {},
      'Invalid ALPN protocol string',
    ],
    [
      'a short ticket key',
      {},
      { session_ticket_keys: { keys: [{ inline_string: 'x'.repeat(79) }] } },
      'Incorrect TLS session ticket key length. Length 79, expected length 80.',
    ],
    [
      'an authority that is none',
      validated({ trusted_ca: { inline_string: 'hello' } }),
      {},
      'Failed to load trusted CA certificates from <inline>',
    ],
    ['an empty authority', validated({ trusted_ca: { inline_string: '' } }), {}, 'DataSource cannot be empty'],
    [
      'a CRL without authority',
      validated({ crl: { filename: path('ca.crl') } }),
      {},
      `Failed to load CRL from ${path('ca.crl')} without trusted CA`,
    ],
    [
      'a bad SPKI',
      validated({ verify_certificate_spki: ['x'.repeat(44)] }),
      {},
      `Invalid base64-encoded SHA-256 ${'x'.repeat(44)}`,
    ],
    [
      'a bad hash',
      validated({ verify_certificate_hash: ['a'.repeat(70)] }),
      {},
      `Invalid hex-encoded SHA-256 ${'a'.repeat(70)}`,
    ],
    [
      'names without authority',
      validated({ match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'a' } }] }),
      {},
      'SAN-based verification of peer certificates without trusted CA is insecure and not allowed',
    ],
    [
      'old names without authority',
      validated({ match_subject_alt_names: [{ exact: 'a' }] }),
      {},
      'SAN-based verification of peer certificates without trusted CA is insecure and not allowed',
    ],
    [
      'another name without kind',
      validated({
        ...ca,
        match_typed_subject_alt_names: [{ san_type: 'OTHER_NAME', oid: '1.x', matcher: { exact: 'a' } }],
      }),
      {},
      'Failed to create SAN matcher for OTHER_NAME with OID: 1.x',
    ],
    [
      'expired without authority',
      validated({ allow_expired_certificate: true }),
      {},
      'Certificate validity period is always ignored without trusted CA',
    ],
    ['too deep', validated({ ...ca, max_verify_depth: 101 }), {}, 'expected a whole number from 0 to 100, got 101'],
  ])('%s is refused', (_what, common, context, message) => {
    expect(problemsOf(transportSocketDownstream, downstream(common, context))).toContain(message);
  });

  it.each([
    [
      { tls_certificate_sds_secret_configs: [{ name: 'x' }] },
      {},
      unsupported('secrets by xDS (SDS) are not built yet'),
    ],
    [
      { combined_validation_context: {} },
      {},
      unsupported('secrets by xDS (SDS) are not built yet; use validation_context'),
    ],
    [{ key_log: { path: '/x' } }, {}, unsupported('logs of session keys are not built yet')],
    [certificate({ ocsp_staple: { inline_bytes: 'AA==' } }), {}, unsupported('OCSP stapling is not built yet')],
    [{}, { ocsp_staple_policy: 'MUST_STAPLE' }, `"MUST_STAPLE" is ${unsupported('OCSP stapling is not built yet')}`],
    [
      { tls_params: { ecdh_curves: ['X25519MLKEM768'] } },
      {},
      `X25519MLKEM768 is ${unsupported('the OpenSSL of Node.js 20 has not got it')}`,
    ],
    [
      validated({ ...ca, crl: { filename: path('ca.crl') }, only_verify_leaf_cert_crl: true }),
      {},
      unsupported('with a CRL, the OpenSSL of Node.js checks the whole chain'),
    ],
  ])('%o %o is told as not supported', (common, context, message) => {
    expect(problemsOf(transportSocketDownstream, downstream(common, context))).toContain(message);
  });

  it.each([
    [{ alpn_protocols: 'h2' }],
    [{ alpn_protocols: [1, null] }],
    [{ tls_certificates: 'x' }],
    [{ tls_certificates: [null, 'x', { certificate_chain: 'x', private_key: {}, password: 1, pkcs12: [] }] }],
    [{ tls_params: { cipher_suites: 'x', ecdh_curves: {}, signature_algorithms: 1 } }],
    [{ tls_params: { cipher_suites: [1], ecdh_curves: [null, 1], signature_algorithms: [{}] } }],
    [{ tls_params: [] }],
    [{ validation_context: 'x' }],
    [
      {
        validation_context: {
          trusted_ca: {},
          crl: 'x',
          match_typed_subject_alt_names: 'x',
          verify_certificate_hash: 1,
        },
      },
    ],
    [
      {
        validation_context: {
          match_typed_subject_alt_names: [{}, null],
          verify_certificate_spki: [{}],
          watched_directory: [],
        },
      },
    ],
  ])('%o is told, not stumbled over', (common) => {
    expect(problemsOf(transportSocketDownstream, downstream(common)).length).toBeGreaterThan(0);
    const keys = { session_ticket_keys: { keys: 'x' } };
    expect(problemsOf(transportSocketDownstream, downstream(common, keys)).length).toBeGreaterThan(1);
    expect(
      problemsOf(transportSocketUpstream, upstream({ common_tls_context: common, sni: 1 })).length,
    ).toBeGreaterThan(1);
  });

  it('becomes settings', () => {
    const hash = 'AB:'.repeat(31).concat('AB');
    const socket = transportSocketDownstream.parse(
      downstream(
        {
          alpn_protocols: ['h2,http/1.1', 'x'],
          validation_context: { ...ca, verify_certificate_hash: [hash], match_subject_alt_names: [{ prefix: 'a' }] },
        },
        { require_client_certificate: true, session_timeout: '90.7s' },
      ),
    );
    expect(serverTlsSettings(socket)).toMatchObject({
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ecdhCurves: 'X25519:P-256',
      alpnProtocols: ['h2', 'http/1.1', 'x'],
      certificates: [{ chain: { filename: path('server.pem') }, key: { label: path('server.key') } }],
      requireClientCertificate: true,
      sessionTimeoutS: 90,
      validation: {
        verifyCertificateHash: ['ab'.repeat(32)],
        subjectAltNames: ['DNS', 'URI', 'EMAIL', 'IP_ADDRESS'].map((sanType) => ({
          sanType,
          matcher: { prefix: 'a' },
        })),
      },
    });
  });
});

describe('UpstreamTlsContext', () => {
  it('has the defaults of Envoy', () => {
    const { tls } = clientTransportSettings(transportSocketUpstream.parse(upstream({})));
    expect(tls).toMatchObject({
      minVersion: 'TLSv1.2',
      sni: '',
      maxSessionKeys: 1,
      certificates: [],
      alpnProtocols: [],
    });
    expect(tls?.validation).toBeUndefined();
  });

  it.each([
    [
      'two certificates',
      { common_tls_context: { tls_certificates: [pair('server'), pair('client')] } },
      'Multiple TLS certificates are not supported for client contexts',
    ],
    ['a name with NUL', { sni: 'a\0b' }, 'SNI names containing NULL-byte are not allowed'],
    ['a long name', { sni: 'a'.repeat(256) }, `expected at most 255 bytes, got "${'a'.repeat(256)}"`],
    [
      'a check of names without validation',
      { auto_sni_san_validation: true },
      "'auto_sni_san_validation' was configured without a validation context",
    ],
  ])('%s: refused', (_what, context, message) => {
    const problems = problemsOf(transportSocketUpstream, upstream(context));
    expect(problems.some((problem) => problem.startsWith(message.slice(0, 40)))).toBe(true);
  });
});

describe('TransportSocket', () => {
  const raw = {
    name: 'envoy.transport_sockets.raw_buffer',
    typed_config: { '@type': `${types}.raw_buffer.v3.RawBuffer` },
  };
  const proxied = (config: object, transport_socket: object = raw) => ({
    name: 'x',
    typed_config: { '@type': `${types}.proxy_protocol.v3.ProxyProtocolUpstreamTransport`, config, transport_socket },
  });

  it('raw_buffer is no transport', () => {
    expect(serverTlsSettings(transportSocketDownstream.parse(raw))).toBeUndefined();
    expect(clientTransportSettings(transportSocketUpstream.parse(raw))).toEqual({});
  });

  it('a PROXY protocol header goes before TLS', () => {
    const config = {
      version: 'V2',
      pass_through_tlvs: { match_type: 'INCLUDE', tlv_type: [2, 5] },
      added_tlvs: [{ type: 1, value: 'YQ==' }],
    };
    expect(
      clientTransportSettings(transportSocketUpstream.parse(proxied(config, upstream({ sni: 'a' })))),
    ).toMatchObject({
      proxyProtocol: { version: 'V2', passThroughTlvs: [2, 5], addedTlvs: [{ type: 1, value: Buffer.from('a') }] },
      tls: { sni: 'a' },
    });
  });

  it.each([
    [
      'downstream TLS for a cluster',
      transportSocketUpstream,
      downstream({}),
      "Didn't find a registered implementation for 'envoy.transport_sockets.tls'",
    ],
    [
      'an entry without value',
      transportSocketUpstream,
      proxied({ added_tlvs: [{ type: 1 }] }),
      "Invalid TLV configuration: one of 'value' or 'format_string' must be set.",
    ],
    [
      'a PROXY protocol of listeners',
      transportSocketDownstream,
      proxied({}),
      "Didn't find a registered implementation for 'x'",
    ],
    [
      'TLS without its message',
      transportSocketDownstream,
      { name: 'envoy.transport_sockets.tls' },
      'No TLS certificates found for server context',
    ],
    [
      'ALTS',
      transportSocketDownstream,
      { name: 'a', typed_config: { '@type': `${types}.alts.v3.Alts` } },
      `envoy.transport_sockets.alts is ${unsupported('not built yet')}`,
    ],
  ])('%s is refused', (_what, schema, node, message) => {
    expect(problemsOf(schema, node).join('\n')).toContain(message);
  });

  it('files are read when the config is', () => {
    const key = file('server.key').toString();
    const inline = downstream(certificate({ private_key: { inline_string: key } }));
    const settings = serverTlsSettings(transportSocketDownstream.parse(inline));
    expect(settings?.certificates[0]?.key).toEqual({ bytes: Buffer.from(key), label: '<inline>' });
  });
});
