/** `x-forwarded-client-cert`: what the next hop is told about the client's certificate. */
import type { StreamConnection } from '../api/http-stream.ts';
import { type RequestHead, Seen } from '../headers/header-map.ts';
import type { ClientCertPolicy } from './settings.ts';

const FIELD = 'x-forwarded-client-cert';

/** Applies the policy to a request head. */
export function applyClientCert(head: RequestHead, connection: StreamConnection, policy: ClientCertPolicy): void {
  const { mode } = policy;
  if (mode === 'ALWAYS_FORWARD_ONLY') return;
  if (mode === 'SANITIZE' || connection.peerCertificatePresented !== true) {
    if ((head.seen & Seen.clientCert) !== 0) head.drop(FIELD);
    return;
  }
  if (mode === 'FORWARD_ONLY') return;
  const element = clientCertElement(connection, policy);
  if (mode === 'SANITIZE_SET' || (head.seen & Seen.clientCert) === 0) head.put(FIELD, element);
  else head.put(FIELD, `${head.getAll(FIELD).join(',')},${element}`);
}

/** `By=…;Hash=…;Subject="…"`: one element of the field, for this connection. */
function clientCertElement(connection: StreamConnection, policy: ClientCertPolicy): string {
  const parts: string[] = [];
  const { peerCertificate: peer } = connection;
  for (const uri of connection.localCertificate?.uriSans ?? []) parts.push(`By=${uri}`);
  if (peer === undefined) return parts.join(';');
  if (peer.sha256 !== '') parts.push(`Hash=${peer.sha256}`);
  if (policy.cert && peer.pem !== '') parts.push(`Cert="${encodePem(peer.pem)}"`);
  if (policy.chain && peer.chainPem !== '') parts.push(`Chain="${encodePem(peer.chainPem)}"`);
  // The keys are there even when the certificate has no subject or URI.
  if (policy.subject) parts.push(`Subject="${peer.subject}"`);
  if (policy.uri) for (const uri of peer.uriSans.length === 0 ? [''] : peer.uriSans) parts.push(`URI=${uri}`);
  if (policy.dns) for (const name of peer.dnsSans) parts.push(`DNS=${name}`);
  return parts.join(';');
}

const PEM_ESCAPES: Readonly<Record<string, string>> = {
  '\n': '%0A',
  ' ': '%20',
  '+': '%2B',
  '/': '%2F',
  '=': '%3D',
};

/** The characters of PEM that mean something in a header field or a URL. */
function encodePem(pem: string): string {
  return pem.replace(/[\n +/=]/g, (char) => PEM_ESCAPES[char] as string);
}
