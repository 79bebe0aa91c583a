/** TLS towards clients: certificates by name, ALPN, versions, client certificates and x-forwarded-client-cert. */
import { dial } from '../dial.ts';
import { ask } from '../h2-ask.ts';
import { answers, brief, certificate, fixture, PLEASE, pairOf, serverTls, TLS_INSPECTOR, trusting } from '../pieces.ts';
import { type Scenario, TO_A, type Yaml } from '../scenario.ts';
import type { Talk } from '../talk.ts';

type Options = NonNullable<Parameters<typeof dial>[1]>['secure'];
/** TLS with these options; what the chain says is read to its end. */
const tls =
  (secure: Options, send = PLEASE): Talk =>
  async ({ port, received }) => {
    const { text, ...rest } = await dial(port, { secure: secure as object, send });
    return { text: brief(text), ...rest, upstream: received() };
  };
const chain = (name: string, filter_chain_match: Yaml, socket: Yaml): Yaml => ({
  name,
  filter_chain_match,
  filters: [answers(name)],
  ...socket,
});
const scenario = (
  name: string,
  why: string,
  talks: readonly Talk[],
  chains: readonly Yaml[],
  rest: Partial<Scenario> = {},
): Scenario => ({
  name: `tls-${name}`,
  why,
  requests: [],
  routes: [TO_A],
  talks,
  listener: { listener_filters: [TLS_INSPECTOR], filter_chains: chains },
  ...rest,
});
const one = (name: string, why: string, common: Yaml, context: Yaml, ...talks: readonly Talk[]): Scenario =>
  scenario(name, why, talks, [chain('one', {}, serverTls(common, context))]);
const GET = 'GET /x HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n';
/** Requests to a connection manager behind TLS. */
const http = (
  name: string,
  why: string,
  common: Yaml,
  context: Yaml,
  talks: readonly Talk[],
  manager: Yaml = {},
): Scenario => scenario(name, why, talks, [{ filters: ['<manager>'], ...serverTls(common, context) }], { manager });

const CLIENT = pairOf('client');
const V12: Options = { maxVersion: 'TLSv1.2' };

const names: readonly Scenario[] = [
  one(
    'certificates',
    'a certificate is chosen by its names',
    {
      tls_certificates: [certificate('server'), certificate('other-server'), certificate('cn-only')],
    },
    {},
    ...['a.test', 'x.wild.test', 'wild.test', 'x.y.wild.test', 'other.test', 'cn.test', 'A.TEST', 'none.test'].map(
      (servername) => tls({ servername }),
    ),
    tls({}),
  ),
  one(
    'certificates-no-match',
    'full_scan_certs_on_sni_mismatch',
    {
      tls_certificates: [certificate('server'), certificate('other-server')],
    },
    { full_scan_certs_on_sni_mismatch: true },
    tls({ servername: 'none.test' }),
    tls({ servername: 'other.test' }),
  ),
  one(
    'key-types',
    'by the kind of key that a client takes',
    {
      tls_certificates: [certificate('server'), certificate('server-ecdsa')],
    },
    {},
    tls({ servername: 'a.test', ...V12, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }),
    tls({ servername: 'a.test', ...V12, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }),
  ),
  one('require-sni', 'require_sni', {}, { require_sni: true }, tls({ servername: 'a.test' }), tls({})),
  one(
    'versions',
    'tls_params',
    {
      tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
    },
    {},
    tls({}),
    tls(V12),
  ),
  one(
    'default-versions',
    'TLS 1.2 and 1.3',
    {},
    {},
    tls({}),
    tls(V12),
    tls({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  ),
  one(
    'ciphers',
    'cipher_suites',
    { tls_params: { cipher_suites: ['ECDHE-RSA-AES256-GCM-SHA384'] } },
    {},
    tls(V12),
    tls({ ...V12, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }),
  ),
];

const alpn: readonly Scenario[] = [
  one(
    'alpn',
    'the order of the server decides',
    { alpn_protocols: ['h2', 'http/1.1'] },
    {},
    tls({ ALPNProtocols: ['http/1.1', 'h2'] }),
    tls({ ALPNProtocols: ['http/1.1'] }),
    tls({ ALPNProtocols: ['x'] }),
    tls({}),
  ),
  one('alpn-none', 'a server without ALPN', {}, {}, tls({ ALPNProtocols: ['h2'] })),
  http('codec', 'the codec follows ALPN', { alpn_protocols: ['h2', 'http/1.1'] }, {}, [
    ask({ secure: { servername: 'a.test' } }),
    tls({ ALPNProtocols: ['http/1.1'] }, GET),
    tls({}, GET),
  ]),
  http('codec-preface', 'without ALPN the preface decides', {}, {}, [ask({ secure: { servername: 'a.test' } })]),
  http(
    'scheme',
    'TLS says https',
    { alpn_protocols: ['h2'] },
    {},
    [
      ask({ secure: { servername: 'a.test' }, pseudo: { ':scheme': 'http' } }),
      tls({}, 'GET / HTTP/1.1\r\nhost: a.test\r\nx-forwarded-proto: http\r\nconnection: close\r\n\r\n'),
    ],
    { use_remote_address: true },
  ),
];

const details = (...names: readonly string[]): Yaml => Object.fromEntries(names.map((name) => [name, true]));
const withCert: Options = { ...CLIENT, servername: 'a.test' };
const XFCC =
  'GET /x HTTP/1.1\r\nhost: a.test\r\nx-forwarded-client-cert: By=http://x.test;Hash=abc\r\nconnection: close\r\n\r\n';
const ALL: Yaml = { set_current_client_cert_details: { ...details('subject', 'cert', 'chain', 'dns', 'uri') } };
const requiring = trusting('ca');

const clients: readonly Scenario[] = [
  one(
    'client-required',
    'require_client_certificate',
    requiring,
    { require_client_certificate: true },
    tls({ ...withCert, ...V12 }),
    tls(V12),
    tls({ ...V12, ...pairOf('client-other') }),
    tls({ ...V12, ...pairOf('client-expired') }),
    tls(withCert),
  ),
  one(
    'client-optional',
    'a certificate that may be left out',
    requiring,
    {},
    tls(V12),
    tls({ ...V12, ...CLIENT }),
    tls({ ...V12, ...pairOf('client-other') }),
  ),
  one(
    'client-untrusted',
    'ACCEPT_UNTRUSTED',
    trusting('ca', { trust_chain_verification: 'ACCEPT_UNTRUSTED' }),
    {},
    tls({ ...V12, ...pairOf('client-other') }),
    tls({ ...V12, ...CLIENT }),
  ),
  one(
    'client-san',
    'a certificate of other names',
    trusting('ca', { match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'nobody.test' } }] }),
    {},
    tls({ ...V12, ...CLIENT }),
  ),
  one(
    'client-revoked',
    'a certificate that was revoked',
    trusting('ca', { crl: { filename: fixture('ca.crl') } }),
    {},
    tls({ ...V12, ...pairOf('client-revoked') }),
    tls({ ...V12, ...CLIENT }),
  ),
  ...['SANITIZE', 'FORWARD_ONLY', 'APPEND_FORWARD', 'SANITIZE_SET', 'ALWAYS_FORWARD_ONLY'].flatMap((mode) => [
    http(
      `xfcc-${mode.toLowerCase().replaceAll('_', '-')}`,
      `${mode}: with a certificate, then without`,
      trusting('ca'),
      {},
      [
        tls(withCert, XFCC),
        tls({ servername: 'a.test' }, XFCC),
        ask({ secure: { ...withCert, ALPNProtocols: [] }, fields: [['x-forwarded-client-cert', 'Hash=abc']] }),
      ],
      { forward_client_cert_details: mode, ...ALL },
    ),
  ]),
  http('xfcc-bare', 'no details are asked for', trusting('ca'), {}, [tls(withCert, XFCC)], {
    forward_client_cert_details: 'SANITIZE_SET',
  }),
  http(
    'xfcc-plain-client',
    'a certificate without names',
    trusting('ca'),
    {},
    [tls({ ...pairOf('client-plain') }, XFCC)],
    { forward_client_cert_details: 'SANITIZE_SET', ...ALL },
  ),
  http(
    'xfcc-untrusted',
    'a certificate that was not verified',
    trusting('ca', { trust_chain_verification: 'ACCEPT_UNTRUSTED' }),
    {},
    [tls(pairOf('client-other'), XFCC)],
    { forward_client_cert_details: 'APPEND_FORWARD', ...ALL },
  ),
  http(
    'operators',
    'facts of TLS in request fields',
    trusting('ca'),
    {},
    [tls({ ...withCert, ...V12 }, GET), tls({ servername: 'b.test', ...V12 }, GET)],
    {},
  ),
].map((each) =>
  each.name === 'tls-operators'
    ? {
        ...each,
        table: {
          request_headers_to_add: [
            'DOWNSTREAM_TLS_VERSION',
            'DOWNSTREAM_TLS_CIPHER',
            'DOWNSTREAM_PEER_SUBJECT',
            'DOWNSTREAM_PEER_ISSUER',
            'DOWNSTREAM_PEER_SERIAL',
            'DOWNSTREAM_PEER_FINGERPRINT_256',
            'DOWNSTREAM_PEER_FINGERPRINT_1',
            'DOWNSTREAM_PEER_URI_SAN',
            'DOWNSTREAM_PEER_DNS_SAN',
            'DOWNSTREAM_PEER_EMAIL_SAN',
            'DOWNSTREAM_PEER_IP_SAN',
            'DOWNSTREAM_LOCAL_SUBJECT',
            'DOWNSTREAM_LOCAL_URI_SAN',
            'DOWNSTREAM_LOCAL_DNS_SAN',
            'REQUESTED_SERVER_NAME',
            'DOWNSTREAM_PEER_CERT_V_START',
            'DOWNSTREAM_PEER_CERT_V_END',
          ].map((name) => ({ header: { key: `x-${name.toLowerCase().replaceAll('_', '-')}`, value: `%${name}%` } })),
        },
      }
    : each,
);

/** Certificates, ALPN, clients. */
export const tlsServer: readonly Scenario[] = [...names, ...alpn, ...clients];
