/** Commands that print handshakes and certificates, of the client's connection and of the upstream's; '-' without TLS. */
import type { LogSubject } from '../../api/access-log.ts';
import type { PeerCertificate } from '../../api/http-stream.ts';
import type { LocalCertificate, TlsInfo } from '../../api/tls.ts';
import { wireText } from '../../regex/wire-text.ts';
import { type OperatorSpec, type OperatorTable, plain } from '../operator.ts';

type Text = string | undefined;

/** Prints a text about what `of` finds; an empty one is none. */
function about<Fact>(of: (stream: LogSubject) => Fact | undefined, print: (fact: Fact) => Text): OperatorSpec {
  return plain((stream) => {
    const fact = of(stream);
    const text = fact === undefined ? undefined : print(fact);
    return text === undefined || text === '' ? undefined : wireText(text);
  });
}

const downstream = ({ connection }: LogSubject): TlsInfo | undefined => connection.tls;
const upstream = ({ info }: LogSubject): TlsInfo | undefined => info.upstreamConnection?.tls;

const peer = (print: (certificate: PeerCertificate) => Text) =>
  about(({ connection }) => connection.peerCertificate, print);
const local = (print: (certificate: LocalCertificate) => Text) =>
  about(({ connection }) => connection.localCertificate, print);
const handshake = (print: (tls: TlsInfo) => Text) => about(downstream, print);
const upstreamPeer = (print: (certificate: PeerCertificate) => Text) =>
  about((stream) => upstream(stream)?.peerCertificate, print);
const upstreamLocal = (print: (certificate: LocalCertificate) => Text) =>
  about((stream) => upstream(stream)?.localCertificate, print);
const upstreamHandshake = (print: (tls: TlsInfo) => Text) => about(upstream, print);

export const certificateOperators: OperatorTable = {
  DOWNSTREAM_PEER_SUBJECT: peer(({ subject }) => subject),
  DOWNSTREAM_PEER_URI_SAN: peer(({ uriSans }) => uriSans.join(',')),
  DOWNSTREAM_PEER_DNS_SAN: peer(({ dnsSans }) => dnsSans.join(',')),
  DOWNSTREAM_PEER_EMAIL_SAN: peer(({ emailSans }) => emailSans?.join(',')),
  DOWNSTREAM_PEER_IP_SAN: peer(({ ipSans }) => ipSans?.join(',')),
  DOWNSTREAM_PEER_OTHERNAME_SAN: peer(({ otherSans }) => otherSans?.join(',')),
  DOWNSTREAM_PEER_ISSUER: peer(({ issuer }) => issuer),
  DOWNSTREAM_PEER_SERIAL: peer(({ serial }) => serial),
  DOWNSTREAM_PEER_FINGERPRINT_1: peer(({ sha1 }) => sha1),
  DOWNSTREAM_PEER_FINGERPRINT_256: peer(({ sha256 }) => sha256),
  DOWNSTREAM_PEER_CERT: peer(({ pem }) => encodeURIComponent(pem)),
  DOWNSTREAM_LOCAL_SUBJECT: local(({ subject }) => subject),
  DOWNSTREAM_LOCAL_URI_SAN: local(({ uriSans }) => uriSans.join(',')),
  DOWNSTREAM_LOCAL_DNS_SAN: local(({ dnsSans }) => dnsSans.join(',')),
  DOWNSTREAM_LOCAL_EMAIL_SAN: local(({ emailSans }) => emailSans?.join(',')),
  DOWNSTREAM_LOCAL_IP_SAN: local(({ ipSans }) => ipSans?.join(',')),
  DOWNSTREAM_LOCAL_OTHERNAME_SAN: local(({ otherSans }) => otherSans?.join(',')),
  DOWNSTREAM_TLS_VERSION: handshake(({ version }) => version),
  DOWNSTREAM_TLS_CIPHER: handshake(({ cipher }) => cipher),
  DOWNSTREAM_TLS_SESSION_ID: handshake(({ sessionId }) => sessionId),
  UPSTREAM_PEER_SUBJECT: upstreamPeer(({ subject }) => subject),
  UPSTREAM_PEER_ISSUER: upstreamPeer(({ issuer }) => issuer),
  UPSTREAM_PEER_CERT: upstreamPeer(({ pem }) => encodeURIComponent(pem)),
  UPSTREAM_PEER_URI_SAN: upstreamPeer(({ uriSans }) => uriSans.join(',')),
  UPSTREAM_PEER_DNS_SAN: upstreamPeer(({ dnsSans }) => dnsSans.join(',')),
  UPSTREAM_PEER_IP_SAN: upstreamPeer(({ ipSans }) => ipSans?.join(',')),
  UPSTREAM_LOCAL_URI_SAN: upstreamLocal(({ uriSans }) => uriSans.join(',')),
  UPSTREAM_LOCAL_DNS_SAN: upstreamLocal(({ dnsSans }) => dnsSans.join(',')),
  UPSTREAM_LOCAL_IP_SAN: upstreamLocal(({ ipSans }) => ipSans?.join(',')),
  UPSTREAM_TLS_VERSION: upstreamHandshake(({ version }) => version),
  UPSTREAM_TLS_CIPHER: upstreamHandshake(({ cipher }) => cipher),
  UPSTREAM_TLS_GROUP: upstreamHandshake(({ group }) => group),
  UPSTREAM_TLS_SESSION_ID: upstreamHandshake(({ sessionId }) => sessionId),
  UPSTREAM_SERVER_NAME: upstreamHandshake(({ serverName }) => serverName),
};
