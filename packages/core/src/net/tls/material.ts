/** Certificates, keys and authorities of a TLS context, as read from where they are kept. */
import { X509Certificate as X509, type X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates } from 'node:tls';
import { certificateProblem, crlIsUsable, parseCertificates } from './check-material.ts';
import type { CertificateSettings, CommonTlsSettings, TlsSource } from './settings.ts';

/** A certificate of this side. */
export interface LoadedCertificate {
  /** File, or `<inline>`. */
  readonly label: string;
  readonly chain: Buffer | undefined;
  readonly key: Buffer | undefined;
  readonly pkcs12: Buffer | undefined;
  readonly password: string | undefined;
  /** Absent only where a PKCS #12 bundle keeps it to itself. */
  readonly leaf: X509Certificate | undefined;
}

/** Everything that a context is made of; never changed, only replaced. */
export interface TlsMaterial {
  readonly certificates: readonly LoadedCertificate[];
  /** Authorities of the config; empty when chains are not verified, or against those of the system only. */
  readonly authorities: readonly X509Certificate[];
  readonly authorityLabel: string;
  /** PEM texts for OpenSSL; `undefined` for the authorities that Node.js brings. */
  readonly authorityPems: readonly string[] | undefined;
  readonly crls: readonly string[];
}

/** @throws Error in Envoy's words when a part cannot be read or does not fit. */
export function loadMaterial(settings: CommonTlsSettings): TlsMaterial {
  const { validation } = settings;
  const certificates = settings.certificates.map(loadCertificate);
  const authority = validation?.trustedCa;
  const pem = authority === undefined ? undefined : readSource(authority);
  const authorities = pem === undefined ? [] : parseCertificates(pem);
  if (authorities === undefined) {
    throw new Error(`Failed to load trusted CA certificates from ${authority?.label}`);
  }
  const own = authorities.map((each) => each.toString());
  const system = validation?.systemRootCerts === true;
  return {
    certificates,
    authorities,
    authorityLabel: authority?.label ?? '',
    authorityPems: system ? (own.length > 0 ? [...rootCertificates, ...own] : undefined) : own,
    crls: [...crlsIn(pem), ...loadCrl(validation?.crl)],
  };
}

function loadCertificate(settings: CertificateSettings): LoadedCertificate {
  const [chain, key, pkcs12] = [settings.chain, settings.key, settings.pkcs12].map(
    (source) => source && readSource(source),
  );
  const password = settings.password && readSource(settings.password).toString();
  const labels = { chain: settings.chain?.label, key: settings.key?.label, pkcs12: settings.pkcs12?.label };
  const problem = certificateProblem({ chain, key, pkcs12, password }, (part) => labels[part] ?? '<inline>');
  if (problem !== undefined) throw new Error(problem.message);
  const leaf = chain === undefined ? bundledLeaf(pkcs12, password) : parseCertificates(chain)?.[0];
  return { label: labels.chain ?? labels.pkcs12 ?? '', chain, key, pkcs12, password, leaf };
}

/** Node.js reads bundles for contexts only; the context's own certificate can be asked for where it has that method. */
function bundledLeaf(pfx: Buffer | undefined, passphrase: string | undefined): X509Certificate | undefined {
  const options = { ...(pfx && { pfx }), ...(passphrase !== undefined && { passphrase }) };
  const { context } = createSecureContext(options) as { context?: { getCertificate?(): Buffer | null } };
  const der = context?.getCertificate?.();
  return der ? new X509(der) : undefined;
}

function loadCrl(source: TlsSource | undefined): string[] {
  if (source === undefined) return [];
  const pem = readSource(source);
  if (!crlIsUsable(pem)) throw new Error(`Failed to load CRL from ${source.label}`);
  return crlsIn(pem);
}

/** OpenSSL reads one list per text. */
function crlsIn(pem: Buffer | undefined): string[] {
  return pem?.toString('latin1').match(/-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g) ?? [];
}

function readSource({ filename, bytes }: TlsSource): Buffer {
  return filename === undefined ? Buffer.from(bytes ?? []) : readFileSync(filename);
}

/** The files of a context. */
export function filesOf({ certificates, validation }: CommonTlsSettings): string[] {
  const sources = [
    ...certificates.flatMap(({ chain, key, pkcs12, password }) => [chain, key, pkcs12, password]),
    validation?.trustedCa,
    validation?.crl,
  ];
  return [...new Set(sources.flatMap((source) => source?.filename ?? []))];
}

/** Directories that the config says to watch. */
export function directoriesOf({ certificates, validation }: CommonTlsSettings): string[] {
  const all = [...certificates.map((each) => each.watchedDirectory), validation?.watchedDirectory];
  return [...new Set(all.flatMap((directory) => directory ?? []))];
}
