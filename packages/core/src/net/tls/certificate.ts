/** Certificates as the rest of the proxy sees them: facts that are worked out when somebody asks. */
import { createHash, type X509Certificate } from 'node:crypto';
import type { PeerCertificate } from '../../api/http-stream.ts';
import type { LocalCertificate } from '../../api/tls.ts';
import type { AltName } from './alt-names.ts';
import { type X509Facts, x509Facts } from './x509.ts';

/** The certificate of the peer, for `x-forwarded-client-cert` and logs. */
export interface PeerCertificateFacts extends PeerCertificate {
  readonly issuer: string;
  /** Hexadecimal, lower case. */
  readonly serial: string;
  /** SHA-1 of the DER form, hexadecimal, lower case. */
  readonly sha1: string;
  readonly emailSans: readonly string[];
  readonly ipSans: readonly string[];
  readonly otherSans: readonly string[];
  /** Unix milliseconds. */
  readonly validFromMs: number;
  readonly validToMs: number;
}

/** What is said of a certificate that cannot be read. OpenSSL has read it before, so that this is for bugs only. */
const UNREADABLE: X509Facts = {
  subject: '',
  issuer: '',
  serial: '',
  validFromMs: 0,
  validToMs: 0,
  spki: new Uint8Array(0),
  altNames: [],
  extensions: [],
};

/** The facts of a certificate; empty ones for what cannot be read. */
export function certificateFacts(certificate: X509Certificate): X509Facts {
  try {
    return x509Facts(certificate.raw);
  } catch {
    return UNREADABLE;
  }
}

/**
 * Facts of the peer's certificate.
 *
 * @param chain the certificates that the peer has sent, its own first
 */
export function peerCertificateOf(
  certificate: X509Certificate,
  chain: readonly X509Certificate[] = [certificate],
): PeerCertificateFacts {
  return new LazyCertificate(certificate, chain);
}

class LazyCertificate implements PeerCertificateFacts {
  private readonly certificate: X509Certificate;
  private readonly chain: readonly X509Certificate[];
  private parsed: X509Facts | undefined = undefined;
  private digest: string | undefined = undefined;
  private text: string | undefined = undefined;
  private chainText: string | undefined = undefined;
  private uris: readonly string[] | undefined = undefined;
  private dns: readonly string[] | undefined = undefined;

  constructor(certificate: X509Certificate, chain: readonly X509Certificate[]) {
    this.certificate = certificate;
    this.chain = chain;
  }

  private get facts(): X509Facts {
    return (this.parsed ??= certificateFacts(this.certificate));
  }

  get subject(): string {
    return this.facts.subject;
  }

  get issuer(): string {
    return this.facts.issuer;
  }

  get serial(): string {
    return this.facts.serial;
  }

  get sha256(): string {
    return (this.digest ??= createHash('sha256').update(this.certificate.raw).digest('hex'));
  }

  get sha1(): string {
    return createHash('sha1').update(this.certificate.raw).digest('hex');
  }

  get pem(): string {
    return (this.text ??= this.certificate.toString());
  }

  get chainPem(): string {
    return (this.chainText ??= this.chain.map((certificate) => certificate.toString()).join(''));
  }

  get uriSans(): readonly string[] {
    return (this.uris ??= printable(this.facts.altNames, 'URI'));
  }

  get dnsSans(): readonly string[] {
    return (this.dns ??= printable(this.facts.altNames, 'DNS'));
  }

  get emailSans(): readonly string[] {
    return printable(this.facts.altNames, 'EMAIL');
  }

  get ipSans(): readonly string[] {
    return printable(this.facts.altNames, 'IP_ADDRESS');
  }

  get otherSans(): readonly string[] {
    return printable(this.facts.altNames, 'OTHER_NAME');
  }

  get validFromMs(): number {
    return this.facts.validFromMs;
  }

  get validToMs(): number {
    return this.facts.validToMs;
  }
}

/** Facts of a certificate of this side. */
export function localCertificateOf(certificate: X509Certificate): LocalCertificate {
  const { subject, altNames } = certificateFacts(certificate);
  return {
    subject,
    uriSans: printable(altNames, 'URI'),
    dnsSans: printable(altNames, 'DNS'),
    emailSans: printable(altNames, 'EMAIL'),
    ipSans: printable(altNames, 'IP_ADDRESS'),
    otherSans: printable(altNames, 'OTHER_NAME'),
  };
}

/**
 * The names of one kind. Whoever asks writes them into header fields and logs, where a control character (a line break
 * above all) would say something else: a name that has one is left out.
 */
function printable(names: readonly AltName[], type: AltName['type']): string[] {
  return names.flatMap((name) => (name.type === type && !/[\0-\x1f\x7f]/.test(name.value) ? name.value : []));
}
