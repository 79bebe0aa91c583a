/** What TLS contexts are built from, for both directions; filled from the config by `config/tls/build.ts`. */
import type { StringMatch } from '../../regex/text-match.ts';

/** Bytes that a context needs: a file that is watched, or bytes that do not change. */
export interface TlsSource {
  /** Absent when the bytes stood in the config or in an environment variable. */
  readonly filename?: string | undefined;
  readonly bytes?: Uint8Array | undefined;
  /** What `/certs` and logs call it: the file, or `<inline>`. */
  readonly label: string;
}

/** One certificate of this side and its key; either `pkcs12`, or `chain` and `key`. */
export interface CertificateSettings {
  readonly chain?: TlsSource | undefined;
  readonly key?: TlsSource | undefined;
  readonly pkcs12?: TlsSource | undefined;
  readonly password?: TlsSource | undefined;
  /** Directory whose change means that the files have changed; default: the directory of each file. */
  readonly watchedDirectory?: string | undefined;
}

/** Envoy `SubjectAltNameMatcher`. */
export interface SanMatch {
  readonly sanType: 'EMAIL' | 'DNS' | 'URI' | 'IP_ADDRESS' | 'OTHER_NAME';
  readonly matcher: StringMatch;
  /** Of other names: the object identifier in dotted form; '' for none. */
  readonly oid: string;
}

/** How the certificate of the peer is verified: Envoy `CertificateValidationContext`. */
export interface ValidationSettings {
  /** Without authorities (and without `systemRootCerts`) the chain is not verified. */
  readonly trustedCa?: TlsSource | undefined;
  readonly crl?: TlsSource | undefined;
  readonly systemRootCerts: boolean;
  readonly watchedDirectory?: string | undefined;
  /** Base64 of the SHA-256 of the public key; one must match, where there are any. */
  readonly verifyCertificateSpki: readonly string[];
  /** SHA-256 of the certificate in lower-case hexadecimal without colons; one must match, where there are any. */
  readonly verifyCertificateHash: readonly string[];
  /** One must match, where there are any. */
  readonly subjectAltNames: readonly SanMatch[];
  readonly allowExpiredCertificate: boolean;
  /** `trust_chain_verification: ACCEPT_UNTRUSTED`: a failure is told, and the connection goes on. */
  readonly acceptUntrusted: boolean;
  /** Intermediate certificates between the peer's and the root. Default: the library's (100). */
  readonly maxVerifyDepth?: number | undefined;
  readonly onlyVerifyLeafCertCrl: boolean;
}

/** A protocol version, by Node's name. */
export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** What both directions share: Envoy `CommonTlsContext`. */
export interface CommonTlsSettings {
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** OpenSSL cipher list for TLS up to 1.2, followed by the suites of TLS 1.3. */
  readonly ciphers: string;
  /** OpenSSL group list: `X25519:P-256`. */
  readonly ecdhCurves: string;
  /** OpenSSL list; absent for the library's default. */
  readonly signatureAlgorithms?: string | undefined;
  readonly certificates: readonly CertificateSettings[];
  /** Absent: nothing is verified. */
  readonly validation?: ValidationSettings | undefined;
  /** Names in order of preference; none are offered or accepted when empty. */
  readonly alpnProtocols: readonly string[];
}

/** TLS of accepted connections: Envoy `DownstreamTlsContext`. */
export interface ServerTlsSettings extends CommonTlsSettings {
  readonly requireClientCertificate: boolean;
  readonly requireSni: boolean;
  /** 80 bytes each, the first one encrypts; empty: keys of this process. */
  readonly sessionTicketKeys: readonly Uint8Array[];
  /** No session tickets are issued. */
  readonly disableStatelessResumption: boolean;
  /** No sessions are kept here (TLS up to 1.2). */
  readonly disableStatefulResumption: boolean;
  /** Seconds. Default of BoringSSL: 7200. */
  readonly sessionTimeoutS: number;
  /** A server name that no certificate has is given the best certificate of all, not the first one. */
  readonly fullScanCertsOnSniMismatch: boolean;
  readonly preferClientCiphers: boolean;
}

/** TLS of connections to upstream hosts: Envoy `UpstreamTlsContext`. */
export interface ClientTlsSettings extends CommonTlsSettings {
  /** Server name to ask for; '' sends none. */
  readonly sni: string;
  /** The host's name, where it has one, in the place of `sni`. */
  readonly autoHostSni: boolean;
  /** The certificate must have the server name that was asked for; replaces `validation.subjectAltNames`. */
  readonly autoSniSanValidation: boolean;
  /** Sessions kept for resumption; 0 for none. */
  readonly maxSessionKeys: number;
  readonly allowRenegotiation: boolean;
}

/** Envoy `ProxyProtocolUpstreamTransport`. */
export interface ProxyProtocolOutSettings {
  readonly version: 'V1' | 'V2';
  /** Type-length-value entries of the client's header that are passed on. */
  readonly passThroughTlvs: 'NONE' | 'ALL' | readonly number[];
  /** Entries of our own. */
  readonly addedTlvs: readonly { readonly type: number; readonly value: Uint8Array }[];
}

/** What an upstream connection goes through, outermost layer first. */
export interface ClientTransportSettings {
  readonly proxyProtocol?: ProxyProtocolOutSettings | undefined;
  readonly tls?: ClientTlsSettings | undefined;
}
