/** Envoy `TlsCertificate`: a certificate of this side and its key, read and checked when the config is loaded. */
import { certificateProblem } from '../../net/tls/check-material.ts';
import type { CertificateSettings, TlsSource } from '../../net/tls/settings.ts';
import { type DataSource, dataSource, readDataSource } from '../data-source.ts';
import { type DeepPartial, fields, type MessageOutput, message, required } from '../message.ts';
import { list, nonEmpty, onlyEmpty } from '../proto-json.ts';
import type { Report } from '../schema-type.ts';

/** Envoy `WatchedDirectory`. */
export const watchedDirectory = message(
  { path: required(nonEmpty()) },
  { name: 'envoy.config.core.v3.WatchedDirectory' },
);

const FIELDS = { chain: 'certificate_chain', key: 'private_key', pkcs12: 'pkcs12' } as const;

const certificateFields = {
  certificate_chain: dataSource,
  private_key: dataSource,
  pkcs12: dataSource,
  password: dataSource,
  watched_directory: watchedDirectory,
  signed_certificate_timestamp: onlyEmpty('list', 'Envoy does not use it either'),
};

/** Envoy `TlsCertificate`. */
const tlsCertificate = message(certificateFields, {
  name: 'envoy.extensions.transport_sockets.tls.v3.TlsCertificate',
  known: {
    private_key_provider: 'keys are used by OpenSSL itself',
    ...fields('ocsp_staple', 'OCSP stapling is not built yet'),
  },
  check: checkCertificate,
});

type Certificate = MessageOutput<typeof certificateFields>;
type Source = DeepPartial<DataSource> | undefined;

function checkCertificate(certificate: DeepPartial<Certificate>, report: Report): void {
  const { certificateChain, privateKey, pkcs12, password } = certificate;
  if (pkcs12 !== undefined && (certificateChain ?? privateKey) !== undefined) {
    const other = privateKey === undefined ? 'certificate_chain' : 'private_key';
    report({ path: [other], at: 'key', message: `Certificate configuration can't have both pkcs12 and ${other}` });
    return;
  }
  if ((certificateChain ?? privateKey ?? pkcs12) === undefined) {
    report({ message: 'Server TlsCertificates must have a certificate specified' });
    return;
  }
  const chain = bytesOf(certificateChain);
  const key = bytesOf(privateKey);
  // What could not be read has been told.
  if (chain === 'unreadable' || key === 'unreadable') return;
  if (pkcs12 === undefined && (chain === undefined || chain.length === 0)) {
    const text = `Failed to load incomplete certificate from ${certificateChain?.filename ?? ''}: certificate chain not set`;
    report({ path: certificateChain === undefined ? [] : ['certificate_chain'], message: text });
    return;
  }
  if (pkcs12 === undefined && (key === undefined || key.length === 0)) {
    const text = `Failed to load incomplete private key from path: ${privateKey?.filename ?? ''}`;
    report({ path: privateKey === undefined ? [] : ['private_key'], message: text });
    return;
  }
  const bundle = bytesOf(pkcs12);
  const secret = bytesOf(password);
  if (bundle === 'unreadable' || secret === 'unreadable') return;
  const sources = { chain: certificateChain, key: privateKey, pkcs12 };
  const problem = certificateProblem({ chain, key, pkcs12: bundle, password: secret?.toString() }, (part) =>
    labelOf(sources[part]),
  );
  if (problem !== undefined) report({ path: [FIELDS[problem.part]], message: problem.message });
}

/** The bytes of a source; its own check tells of one that cannot be read. */
export function bytesOf(source: Source): Buffer | undefined | 'unreadable' {
  if (source === undefined) return undefined;
  return readDataSource(source).bytes ?? 'unreadable';
}

/** What Envoy calls a source. */
export function labelOf(source: Source): string {
  return source?.filename ?? '<inline>';
}

/** A data source as the run time takes it: files are read again when they change. */
export function tlsSource(source: DataSource | undefined): TlsSource | undefined {
  if (source === undefined) return undefined;
  if (source.filename !== undefined) return { filename: source.filename, label: source.filename };
  return { bytes: readDataSource(source).bytes ?? Buffer.alloc(0), label: '<inline>' };
}

/** The settings of a certificate. */
export function certificateSettings(certificate: Certificate): CertificateSettings {
  return {
    chain: tlsSource(certificate.certificateChain),
    key: tlsSource(certificate.privateKey),
    pkcs12: tlsSource(certificate.pkcs12),
    password: tlsSource(certificate.password),
    watchedDirectory: certificate.watchedDirectory?.path,
  };
}

/** `tls_certificates`. */
export const tlsCertificates = list(tlsCertificate);
