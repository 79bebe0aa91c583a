/** The same for TLS, both ways. */
import { certificate, clientTls, fixture, says, serverTls, trusting } from './pieces.ts';
import type { Edge } from './refusals.ts';
import { TO_A, type Yaml } from './scenario.ts';

const edge = (name: string, why: string, rest: Partial<Edge>): Edge => ({ name, why, routes: [TO_A], ...rest });
const listener = (name: string, why: string, fields: Yaml): Edge => edge(`listener-${name}`, why, { listener: fields });
const tls = (name: string, why: string, common: Yaml, context: Yaml = {}): Edge =>
  listener(`tls-${name}`, why, { filter_chains: [{ filters: [says('x')], ...serverTls(common, context) }] });
const upstreamTls = (name: string, why: string, common: Yaml, context: Yaml = {}): Edge =>
  edge(`upstream-tls-${name}`, why, { clusters: { a: clientTls(common, context) } });
const inline = (text: string): Yaml => ({ inline_string: text });
const file = (name: string): Yaml => ({ filename: fixture(name) });

/** All of them. */
export const tlsEdges: readonly Edge[] = [
  tls('no-certificate', 'no certificate', { tls_certificates: [] }),
  tls('no-key', 'a certificate without a key', { tls_certificates: [{ certificate_chain: file('server.pem') }] }),
  tls('no-chain', 'a key without a certificate', { tls_certificates: [{ private_key: file('server.key') }] }),
  tls('other-key', 'a key of another certificate', {
    tls_certificates: [{ certificate_chain: file('server.pem'), private_key: file('other-server.key') }],
  }),
  tls('bad-pem', 'a certificate that is none', {
    tls_certificates: [{ ...certificate('server'), certificate_chain: inline('nonsense') }],
  }),
  tls('empty-pem', 'an empty certificate', {
    tls_certificates: [{ ...certificate('server'), certificate_chain: inline('') }],
  }),
  tls('no-file', 'a file that is not there', {
    tls_certificates: [{ ...certificate('server'), certificate_chain: { filename: '/nonexistent' } }],
  }),
  tls('expired', 'a certificate that has ended', { tls_certificates: [certificate('server-expired')] }),
  tls('encrypted-no-password', 'an encrypted key without its password', {
    tls_certificates: [{ certificate_chain: file('server.pem'), private_key: file('server-encrypted.key') }],
  }),
  tls('encrypted-bad-password', 'with a wrong one', {
    tls_certificates: [
      { certificate_chain: file('server.pem'), private_key: file('server-encrypted.key'), password: inline('wrong') },
    ],
  }),
  tls('encrypted', 'with the right one', {
    tls_certificates: [
      { certificate_chain: file('server.pem'), private_key: file('server-encrypted.key'), password: inline('secret') },
    ],
  }),
  tls('pkcs12', 'a PKCS #12 file', { tls_certificates: [{ pkcs12: file('server.p12'), password: inline('secret') }] }),
  tls('pkcs12-and-pem', 'and PEM files beside it', {
    tls_certificates: [{ ...certificate('server'), pkcs12: file('server.p12') }],
  }),
  tls('two-of-a-kind', 'two RSA certificates of the same names', {
    tls_certificates: [certificate('server'), certificate('server-expired')],
  }),
  tls('cipher', 'a cipher that nobody knows', { tls_params: { cipher_suites: ['NONSENSE'] } }),
  tls('cipher-some', 'one among others', {
    tls_params: { cipher_suites: ['ECDHE-RSA-AES128-GCM-SHA256', 'NONSENSE'] },
  }),
  tls('cipher-group', 'ciphers of equal rank', {
    tls_params: { cipher_suites: ['[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]'] },
  }),
  tls('curve', 'a curve that nobody knows', { tls_params: { ecdh_curves: ['NONSENSE'] } }),
  tls('curves', 'curves', { tls_params: { ecdh_curves: ['X25519', 'P-256', 'P-384'] } }),
  tls('signature', 'a signature algorithm that nobody knows', { tls_params: { signature_algorithms: ['NONSENSE'] } }),
  tls('versions', 'a lowest version over the highest', {
    tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_2' },
  }),
  tls('version', 'a version that is none', { tls_params: { tls_minimum_protocol_version: 'TLSv1_4' } }),
  tls('alpn-long', 'an ALPN of 256 bytes', { alpn_protocols: ['x'.repeat(256)] }),
  tls('alpn-empty', 'an ALPN of none', { alpn_protocols: [''] }),
  tls('alpn-comma', 'two ALPNs in a text', { alpn_protocols: ['h2,http/1.1'] }),
  tls('require-without-ca', 'client certificates without an authority', {}, { require_client_certificate: true }),
  tls('no-ca-file', 'an authority that is not there', {
    validation_context: { trusted_ca: { filename: '/nonexistent' } },
  }),
  tls('bad-ca', 'an authority that is none', { validation_context: { trusted_ca: inline('nonsense') } }),
  tls('hash', 'a hash that is none', trusting('ca', { verify_certificate_hash: ['abc'] })),
  tls(
    'hash-colons',
    'a hash with colons',
    trusting('ca', { verify_certificate_hash: [Array(32).fill('ab').join(':')] }),
  ),
  tls('spki', 'a key hash that is none', trusting('ca', { verify_certificate_spki: ['abc'] })),
  tls('san-without-ca', 'names without an authority', {
    validation_context: { match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'a' } }] },
  }),
  tls(
    'san-no-type',
    'a name without its kind',
    trusting('ca', { match_typed_subject_alt_names: [{ matcher: { exact: 'a' } }] }),
  ),
  tls(
    'san-no-matcher',
    'a kind without a matcher',
    trusting('ca', { match_typed_subject_alt_names: [{ san_type: 'DNS' }] }),
  ),
  tls(
    'san-regex',
    'a regular expression that is none',
    trusting('ca', { match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { safe_regex: { regex: '(' } } }] }),
  ),
  tls('crl-without-ca', 'a revocation list without an authority', { validation_context: { crl: file('ca.crl') } }),
  tls('bad-crl', 'a revocation list that is none', trusting('ca', { crl: inline('nonsense') })),
  tls('depth', 'a depth over 100', trusting('ca', { max_verify_depth: 101 })),
  tls('ticket-keys', 'session tickets with a short key', {}, { session_ticket_keys: { keys: [inline('short')] } }),
  tls(
    'ticket-both',
    'keys of tickets, and no tickets',
    {},
    {
      session_ticket_keys: { keys: [{ inline_bytes: Buffer.alloc(80, 1).toString('base64') }] },
      disable_stateless_session_resumption: true,
    },
  ),
  tls('ocsp', 'an OCSP policy that is none', {}, { ocsp_staple_policy: 'NEVER' }),
  tls('ocsp-must', 'MUST_STAPLE without a response', {}, { ocsp_staple_policy: 'MUST_STAPLE' }),
  tls('timeout', 'a session timeout that is negative', {}, { session_timeout: '-1s' }),
  listener('tls-no-config', 'a transport socket without its configuration', {
    filter_chains: [{ filters: [says('x')], transport_socket: { name: 'envoy.transport_sockets.tls' } }],
  }),
  listener('tls-unknown', 'a transport socket that nobody knows', {
    filter_chains: [{ filters: [says('x')], transport_socket: { name: 'nonsense' } }],
  }),
  listener('tls-upstream-type', 'the context of the other side', {
    filter_chains: [{ filters: [says('x')], ...clientTls() }],
  }),
  upstreamTls('none', 'nothing is asked for', {}),
  upstreamTls('sni-long', 'a name of 256 bytes', {}, { sni: 'x'.repeat(256) }),
  upstreamTls('two-certificates', 'two certificates of a client', {
    tls_certificates: [certificate('client'), certificate('client-plain')],
  }),
  upstreamTls('certificate', 'one certificate', { tls_certificates: [certificate('client')] }),
  upstreamTls('san-without-ca', 'names without an authority', {
    validation_context: { match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'a' } }] },
  }),
  upstreamTls(
    'auto-san',
    'auto_sni_san_validation without an authority',
    {},
    { auto_sni_san_validation: true, auto_host_sni: true },
  ),
];
