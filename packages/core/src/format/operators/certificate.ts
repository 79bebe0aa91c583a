/** Commands that print the handshake and the certificates of the client connection; without TLS they have no value. */
import type { PeerCertificate } from '../../api/http-stream.ts';
import type { LocalCertificate, TlsInfo } from '../../api/tls.ts';
import { wireText } from '../../regex/wire-text.ts';
import { type OperatorSpec, type OperatorTable, plain } from '../operator.ts';

/** An empty text is none. */
function peer(print: (certificate: PeerCertificate) => string): OperatorSpec {
  return plain(({ connection: { peerCertificate } }) => {
    const text = peerCertificate === undefined ? '' : print(peerCertificate);
    return text === '' ? undefined : wireText(text);
  });
}

function local(print: (certificate: LocalCertificate) => string): OperatorSpec {
  return plain(({ connection: { localCertificate } }) => {
    const text = localCertificate === undefined ? '' : print(localCertificate);
    return text === '' ? undefined : wireText(text);
  });
}

function handshake(print: (tls: TlsInfo) => string): OperatorSpec {
  return plain(({ connection: { tls } }) => (tls === undefined ? undefined : print(tls) || undefined));
}

export const certificateOperators: OperatorTable = {
  DOWNSTREAM_PEER_SUBJECT: peer(({ subject }) => subject),
  DOWNSTREAM_PEER_URI_SAN: peer(({ uriSans }) => uriSans.join(',')),
  DOWNSTREAM_PEER_DNS_SAN: peer(({ dnsSans }) => dnsSans.join(',')),
  DOWNSTREAM_PEER_FINGERPRINT_256: peer(({ sha256 }) => sha256),
  DOWNSTREAM_PEER_CERT: peer(({ pem }) => encodeURIComponent(pem)),
  DOWNSTREAM_LOCAL_SUBJECT: local(({ subject }) => subject),
  DOWNSTREAM_LOCAL_URI_SAN: local(({ uriSans }) => uriSans.join(',')),
  DOWNSTREAM_LOCAL_DNS_SAN: local(({ dnsSans }) => dnsSans.join(',')),
  DOWNSTREAM_TLS_VERSION: handshake(({ version }) => version),
  DOWNSTREAM_TLS_CIPHER: handshake(({ cipher }) => cipher),
  DOWNSTREAM_TLS_SESSION_ID: handshake(({ sessionId }) => sessionId),
};
