/** OpenSSL's codes for what is wrong with a chain, in the words of BoringSSL. */

const WORDS: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT: 'unable to get issuer certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unable to get local issuer certificate',
  // OpenSSL goes on behind the missing issuer and ends with this one.
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unable to get local issuer certificate',
  CERT_SIGNATURE_FAILURE: 'certificate signature failure',
  CERT_NOT_YET_VALID: 'certificate is not yet valid',
  CERT_HAS_EXPIRED: 'certificate has expired',
  CRL_NOT_YET_VALID: 'CRL is not yet valid',
  CRL_HAS_EXPIRED: 'CRL has expired',
  CRL_SIGNATURE_FAILURE: 'CRL signature failure',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self signed certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'self signed certificate in certificate chain',
  CERT_CHAIN_TOO_LONG: 'certificate chain too long',
  CERT_REVOKED: 'certificate revoked',
  UNABLE_TO_GET_CRL: 'unable to get certificate CRL',
  INVALID_CA: 'invalid CA certificate',
  INVALID_PURPOSE: 'unsupported certificate purpose',
  CERT_UNTRUSTED: 'certificate not trusted',
  CERT_REJECTED: 'certificate rejected',
  PATH_LENGTH_EXCEEDED: 'path length constraint exceeded',
};

/** Errors that Envoy tells to come from lists of revoked certificates. */
const OF_CRL: ReadonlySet<string> = new Set([
  'CERT_REVOKED',
  'UNABLE_TO_GET_CRL',
  'CRL_NOT_YET_VALID',
  'CRL_HAS_EXPIRED',
  'CRL_SIGNATURE_FAILURE',
]);

/** Envoy's text for a chain that is not trusted. The depth is not known here; it is the peer's own certificate mostly. */
export function chainErrorText(code: string): string {
  const crl = OF_CRL.has(code) ? 'certificate revocation check against provided CRLs failed: ' : '';
  const words = WORDS[code] ?? code.toLowerCase().replaceAll('_', ' ');
  return `X509_verify_cert: certificate verification error at depth 0: ${crl}${words}`;
}
