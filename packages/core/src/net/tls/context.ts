/** OpenSSL contexts from settings and material, for both directions. */
import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import type { LoadedCertificate, TlsMaterial } from './material.ts';
import type { CommonTlsSettings } from './settings.ts';

const BASE_OPTIONS = constants.SSL_OP_PRIORITIZE_CHACHA;

/** Renegotiation lets a peer make us work for nothing (and is gone in TLS 1.3). */
const NO_RENEGOTIATION = constants.SSL_OP_NO_RENEGOTIATION;

/** What `tls.createSecureContext` and `tls.Server` are given. `certificates` has at most one per kind of key. */
export function contextOptions(
  settings: CommonTlsSettings,
  material: TlsMaterial,
  certificates: readonly LoadedCertificate[] = material.certificates,
  allowRenegotiation = false,
): SecureContextOptions {
  const { authorityPems, crls } = material;
  const pairs = certificates.filter(({ pkcs12 }) => pkcs12 === undefined);
  const bundles = certificates.filter(({ pkcs12 }) => pkcs12 !== undefined);
  return {
    minVersion: settings.minVersion,
    maxVersion: settings.maxVersion,
    ciphers: settings.ciphers,
    ecdhCurve: settings.ecdhCurves,
    secureOptions: allowRenegotiation ? BASE_OPTIONS : BASE_OPTIONS | NO_RENEGOTIATION,
    // As in Envoy an intermediate authority may be the anchor of trust.
    allowPartialTrustChain: true,
    ...(settings.signatureAlgorithms !== undefined && { sigalgs: settings.signatureAlgorithms }),
    ...(pairs.length > 0 && {
      cert: pairs.map(({ chain }) => chain as Buffer),
      key: pairs.map(({ key, password }) => ({
        pem: key as Buffer,
        ...(password !== undefined && { passphrase: password }),
      })),
    }),
    ...(bundles.length > 0 && {
      pfx: bundles.map(({ pkcs12, password }) => ({
        buf: pkcs12 as Buffer,
        ...(password !== undefined && { passphrase: password }),
      })),
    }),
    // An empty list keeps out the authorities that Node.js brings.
    ...(authorityPems !== undefined && { ca: [...authorityPems] }),
    ...(crls.length > 0 && { crl: [...crls] }),
  };
}
