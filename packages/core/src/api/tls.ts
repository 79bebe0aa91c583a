/** What is known of a TLS connection once its handshake is over; for filters, logs and `x-forwarded-client-cert`. */
import type { PeerCertificate } from './http-stream.ts';

/** Facts of one handshake. Texts are empty where there is nothing to say. */
export interface TlsInfo {
  /** `TLSv1.2`, `TLSv1.3`. */
  readonly version: string;
  /** OpenSSL's name of the cipher suite. */
  readonly cipher: string;
  /** The server name that the client asked for (SNI). */
  readonly serverName: string;
  /** The protocol that was agreed on (ALPN). */
  readonly alpn: string;
  /** Group of the key exchange, e.g. `X25519`; absent where Node.js does not tell it, as on the server's side. */
  readonly group?: string | undefined;
  /** Hexadecimal. */
  readonly sessionId: string;
  /** The handshake took up an earlier session. */
  readonly resumed: boolean;
  readonly peerCertificatePresented: boolean;
  /** The peer's certificate was verified against the configured authorities. */
  readonly peerCertificateValidated: boolean;
  /** The certificate that the peer showed; `undefined` without one. */
  readonly peerCertificate: PeerCertificate | undefined;
  /** The certificate that this side showed. */
  readonly localCertificate: LocalCertificate | undefined;
}

/** The certificate of this side. */
export interface LocalCertificate {
  /** RFC 2253 form. */
  readonly subject: string;
  readonly uriSans: readonly string[];
  readonly dnsSans: readonly string[];
  readonly emailSans?: readonly string[];
  readonly ipSans?: readonly string[];
  /** Texts of other names. */
  readonly otherSans?: readonly string[];
}
