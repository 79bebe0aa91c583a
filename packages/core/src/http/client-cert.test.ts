import { describe, expect, it } from 'vitest';
import type { PeerCertificate, StreamConnection } from '../api/http-stream.ts';
import { RequestHead, Seen } from '../headers/header-map.ts';
import { applyClientCert } from './client-cert.ts';
import type { ClientCertPolicy } from './settings.ts';

const CERTIFICATE: PeerCertificate = {
  subject: 'CN=client,O=Mesh',
  uriSans: ['spiffe://a/b', 'spiffe://c'],
  dnsSans: ['a.test', 'b.test'],
  sha256: '0a1b',
  pem: '-----BEGIN CERTIFICATE-----\na+/=\n',
  chainPem: 'x y',
};
const TLS: StreamConnection = {
  id: 1,
  remoteIp: '192.0.2.1',
  remotePort: 1,
  localIp: '192.0.2.2',
  localPort: 443,
  secure: true,
  peerCertificatePresented: true,
  peerCertificate: CERTIFICATE,
  localCertificate: { subject: '', uriSans: ['spiffe://here'], dnsSans: [] },
};
const PLAIN: StreamConnection = { ...TLS, secure: false, peerCertificatePresented: false };

const NOTHING = { cert: false, chain: false, subject: false, uri: false, dns: false };

function field(
  mode: ClientCertPolicy['mode'],
  given: readonly string[],
  connection = TLS,
  details: Partial<ClientCertPolicy> = {},
): string[] {
  const head = new RequestHead();
  for (const value of given) head.append('x-forwarded-client-cert', value);
  if (given.length > 0) head.seen |= Seen.clientCert;
  applyClientCert(head, connection, { ...NOTHING, mode, ...details });
  return head.getAll('x-forwarded-client-cert');
}

describe('applyClientCert', () => {
  it.each([
    ['SANITIZE', [], []],
    ['FORWARD_ONLY', ['old'], []],
    ['APPEND_FORWARD', ['old,By=spiffe://here;Hash=0a1b'], []],
    ['SANITIZE_SET', ['By=spiffe://here;Hash=0a1b'], []],
    ['ALWAYS_FORWARD_ONLY', ['old'], ['old']],
  ] as const)('%s with a client certificate gives %j, without one %j', (mode, secure, plain) => {
    expect(field(mode, ['old'])).toEqual(secure);
    expect(field(mode, ['old'], PLAIN)).toEqual(plain);
  });

  it('appends to nothing as if it were set', () => {
    expect(field('APPEND_FORWARD', [])).toEqual(['By=spiffe://here;Hash=0a1b']);
  });

  it('lists what is asked for in the order of Envoy, PEM escaped', () => {
    const all = { cert: true, chain: true, subject: true, uri: true, dns: true };
    expect(field('SANITIZE_SET', [], TLS, all)).toEqual([
      'By=spiffe://here;Hash=0a1b;Cert="-----BEGIN%20CERTIFICATE-----%0Aa%2B%2F%3D%0A";Chain="x%20y";' +
        'Subject="CN=client,O=Mesh";URI=spiffe://a/b;URI=spiffe://c;DNS=a.test;DNS=b.test',
    ]);
  });

  it('names subject and URI even when they are empty', () => {
    const bare = { ...CERTIFICATE, subject: '', uriSans: [], dnsSans: [], pem: '' };
    const connection = { ...TLS, peerCertificate: bare, localCertificate: { subject: '', uriSans: [], dnsSans: [] } };
    const asked = { cert: true, subject: true, uri: true, dns: true };
    expect(field('SANITIZE_SET', [], connection, asked)).toEqual(['Hash=0a1b;Subject="";URI=']);
  });
});
