/** Envoy `CertificateValidationContext`: how the certificate of the peer is verified. */
import { crlIsUsable, parseCertificates } from '../../net/tls/check-material.ts';
import type { SanMatch, ValidationSettings } from '../../net/tls/settings.ts';
import { stringMatcher } from '../common.ts';
import { dataSource } from '../data-source.ts';
import {
  type DeepPartial,
  fields,
  type MessageOutput,
  message,
  notSupported,
  required,
  withDefault,
} from '../message.ts';
import { bool, enumOf, list, only, string, uint32 } from '../proto-json.ts';
import type { Report } from '../schema-type.ts';
import { bytesOf, labelOf, tlsSource, watchedDirectory } from './certificate.ts';

const sanType = enumOf(['EMAIL', 'DNS', 'URI', 'IP_ADDRESS', 'OTHER_NAME'], {}, [1, 2, 3, 4, 5]);

/** Envoy `SubjectAltNameMatcher`. */
const subjectAltNameMatcher = message(
  { san_type: required(sanType), matcher: required(stringMatcher), oid: withDefault(string(), '') },
  {
    name: 'envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher',
    check({ sanType, oid = '' }, report) {
      if (sanType !== 'OTHER_NAME' || /^[0-2](?:\.(?:0|[1-9]\d*))+$/.test(oid)) return;
      report({ path: ['oid'], message: `Failed to create SAN matcher for OTHER_NAME with OID: ${oid}` });
    },
  },
);

const validationFields = {
  trusted_ca: dataSource,
  system_root_certs: message(
    {},
    { name: 'envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext.SystemRootCerts' },
  ),
  watched_directory: watchedDirectory,
  verify_certificate_spki: list(string({ pattern: /^.{44}$/, expected: '44 characters of base64' })),
  verify_certificate_hash: list(
    string({ pattern: /^.{64,95}$/, expected: '64 hexadecimal digits, or 32 pairs of them with colons between' }),
  ),
  match_typed_subject_alt_names: list(subjectAltNameMatcher),
  match_subject_alt_names: list(stringMatcher),
  require_signed_certificate_timestamp: withDefault(only(bool(), false, 'Envoy does not look at it either'), false),
  crl: dataSource,
  allow_expired_certificate: withDefault(bool(), false),
  trust_chain_verification: withDefault(enumOf(['VERIFY_TRUST_CHAIN', 'ACCEPT_UNTRUSTED']), 'VERIFY_TRUST_CHAIN'),
  only_verify_leaf_cert_crl: withDefault(bool(), false),
  max_verify_depth: uint32({ max: 100 }),
};

/** Envoy `CertificateValidationContext`. */
export const validationContext = message(validationFields, {
  name: 'envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext',
  known: {
    ...fields('ca_certificate_provider_instance', 'certificate providers are part of xDS, which is not built yet'),
    custom_validator_config: 'custom validators are not built yet',
  },
  check: checkValidation,
});

/** A checked validation context. */
export type ValidationContext = MessageOutput<typeof validationFields>;

function checkValidation(context: DeepPartial<ValidationContext>, report: Report): void {
  checkAuthorities(context, report);
  checkList(context.verifyCertificateSpki, 'verify_certificate_spki', isSpki, 'Invalid base64-encoded SHA-256', report);
  checkList(context.verifyCertificateHash, 'verify_certificate_hash', isHash, 'Invalid hex-encoded SHA-256', report);
  if ((context.trustedCa ?? context.systemRootCerts) !== undefined) return;
  const names = [...(context.matchTypedSubjectAltNames ?? []), ...(context.matchSubjectAltNames ?? [])];
  if (names.length > 0) {
    report({ message: 'SAN-based verification of peer certificates without trusted CA is insecure and not allowed' });
  }
  if (context.allowExpiredCertificate) {
    const message = 'Certificate validity period is always ignored without trusted CA';
    report({ path: ['allow_expired_certificate'], message });
  }
}

/** Node.js tells the last problem of a chain only, and checks the lists of every authority in it. */
const CRL_LIMITS = 'with a CRL, the OpenSSL of Node.js checks the whole chain';

function checkAuthorities(context: DeepPartial<ValidationContext>, report: Report): void {
  const { trustedCa, systemRootCerts, crl } = context;
  const authorities = bytesOf(trustedCa);
  if (authorities !== undefined && authorities !== 'unreadable') {
    const path = ['trusted_ca'];
    if (authorities.length === 0) report({ path, message: 'DataSource cannot be empty' });
    else if (parseCertificates(authorities) === undefined)
      report({ path, message: `Failed to load trusted CA certificates from ${labelOf(trustedCa)}` });
  }
  for (const field of ['allow_expired_certificate', 'only_verify_leaf_cert_crl'] as const) {
    const set = field === 'allow_expired_certificate' ? context.allowExpiredCertificate : context.onlyVerifyLeafCertCrl;
    if (set && crl !== undefined) report({ path: [field], at: 'key', message: notSupported(CRL_LIMITS) });
  }
  const list = bytesOf(crl);
  if (list === undefined || list === 'unreadable') return;
  if ((trustedCa ?? systemRootCerts) === undefined) {
    report({ path: ['crl'], message: `Failed to load CRL from ${labelOf(crl)} without trusted CA` });
  } else if (!crlIsUsable(list)) {
    report({ path: ['crl'], message: `Failed to load CRL from ${labelOf(crl)}` });
  }
}

function checkList(
  texts: readonly (string | undefined)[] | undefined,
  field: string,
  valid: (text: string) => boolean,
  words: string,
  report: Report,
): void {
  for (const [index, text] of (texts ?? []).entries()) {
    if (text !== undefined && !valid(text)) report({ path: [field, index], message: `${words} ${text}` });
  }
}

function isSpki(text: string): boolean {
  return /^[A-Za-z0-9+/]{43}=$/.test(text);
}

function isHash(text: string): boolean {
  return /^[0-9a-fA-F]{64}$/.test(text) || /^[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){31}$/.test(text);
}

/** The settings of a validation context. */
export function validationSettings(context: ValidationContext): ValidationSettings {
  return {
    trustedCa: tlsSource(context.trustedCa),
    crl: tlsSource(context.crl),
    systemRootCerts: context.systemRootCerts !== undefined,
    watchedDirectory: context.watchedDirectory?.path,
    verifyCertificateSpki: context.verifyCertificateSpki,
    verifyCertificateHash: context.verifyCertificateHash.map((hash) => hash.replaceAll(':', '').toLowerCase()),
    subjectAltNames: sanMatches(context),
    allowExpiredCertificate: context.allowExpiredCertificate,
    acceptUntrusted: context.trustChainVerification === 'ACCEPT_UNTRUSTED',
    maxVerifyDepth: context.maxVerifyDepth,
    onlyVerifyLeafCertCrl: context.onlyVerifyLeafCertCrl,
  };
}

/** As in Envoy the older matchers count when there are no typed ones, and look at four kinds of names. */
function sanMatches({
  matchTypedSubjectAltNames: typed,
  matchSubjectAltNames: untyped,
}: ValidationContext): SanMatch[] {
  if (typed.length > 0) return [...typed];
  return untyped.flatMap((matcher) =>
    (['DNS', 'URI', 'EMAIL', 'IP_ADDRESS'] as const).map((sanType) => ({ sanType, matcher, oid: '' })),
  );
}
