/** Commands that print certificates of the client connection; without TLS they have no value. */
import type { PeerCertificate } from '../../api/http-stream.ts';
import { wireText } from '../../regex/wire-text.ts';
import { type OperatorSpec, type OperatorTable, plain } from '../operator.ts';

/** An empty text is none. */
function peer(print: (certificate: PeerCertificate) => string): OperatorSpec {
  return plain(({ connection: { peerCertificate } }) => {
    const text = peerCertificate === undefined ? '' : print(peerCertificate);
    return text === '' ? undefined : wireText(text);
  });
}

export const certificateOperators: OperatorTable = {
  DOWNSTREAM_PEER_SUBJECT: peer(({ subject }) => subject),
  DOWNSTREAM_PEER_URI_SAN: peer(({ uriSans }) => uriSans.join(',')),
  DOWNSTREAM_PEER_DNS_SAN: peer(({ dnsSans }) => dnsSans.join(',')),
  DOWNSTREAM_PEER_FINGERPRINT_256: peer(({ sha256 }) => sha256),
  DOWNSTREAM_PEER_CERT: peer(({ pem }) => encodeURIComponent(pem)),
  DOWNSTREAM_LOCAL_URI_SAN: plain(({ connection }) => connection.localCertificate?.uriSans.join(',') || undefined),
};
