/** The certificates that the TLS contexts of a proxy have loaded, for `/certs` and the gauges of expiry. */
import type { X509Certificate } from 'node:crypto';
import type { TlsMaterial } from './material.ts';

/** One certificate of `/certs`. */
export interface CertificateEntry {
  /** File, or `<inline>`. */
  readonly path: string;
  readonly certificate: X509Certificate;
}

/** The certificates of one context. */
export interface ContextCertificates {
  /** The first authority of each file. */
  readonly authorities: readonly CertificateEntry[];
  readonly certificates: readonly CertificateEntry[];
}

const DAY_MS = 86_400_000;

/** Knows the contexts in use. */
export class CertificateRegistry {
  private readonly contexts = new Set<{ readonly current: TlsMaterial }>();

  /** Adds a context, whose certificates may change; the returned function takes it away. */
  add(context: { readonly current: TlsMaterial }): () => void {
    this.contexts.add(context);
    return () => this.contexts.delete(context);
  }

  /** What is in use now. */
  list(): ContextCertificates[] {
    return [...this.contexts].map(({ current }) => contextCertificates(current));
  }

  /** Whole days until the first certificate ends, 0 for one that has; `undefined` without certificates. */
  daysUntilFirstExpiry(nowMs: number): number | undefined {
    let first: number | undefined;
    for (const { authorities, certificates } of this.list()) {
      for (const { certificate } of [...authorities, ...certificates]) {
        const days = daysLeft(certificate, nowMs);
        if (first === undefined || days < first) first = days;
      }
    }
    return first;
  }
}

function contextCertificates({ authorities, authorityLabel, certificates }: TlsMaterial): ContextCertificates {
  const [authority] = authorities;
  return {
    authorities: authority === undefined ? [] : [{ path: authorityLabel, certificate: authority }],
    certificates: certificates.flatMap(({ leaf, label }) =>
      leaf === undefined ? [] : [{ path: label, certificate: leaf }],
    ),
  };
}

/** Whole days that a certificate is still valid, 0 for one that is not. */
export function daysLeft(certificate: X509Certificate, nowMs: number): number {
  return Math.max(0, Math.floor((Date.parse(certificate.validTo) - nowMs) / DAY_MS));
}
