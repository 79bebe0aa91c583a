/** Names of cipher suites, groups and signature schemes: what BoringSSL takes, in OpenSSL's words. */

/** OpenSSL name → IANA name of the suites for TLS up to 1.2 that BoringSSL has. */
const SUITES: Readonly<Record<string, string>> = {
  'ECDHE-ECDSA-AES128-GCM-SHA256': 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256': 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384': 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384': 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305': 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'ECDHE-RSA-CHACHA20-POLY1305': 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-SHA': 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
  'ECDHE-RSA-AES128-SHA': 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
  'ECDHE-ECDSA-AES256-SHA': 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA',
  'ECDHE-RSA-AES256-SHA': 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
  'ECDHE-RSA-AES128-SHA256': 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256',
  'AES128-GCM-SHA256': 'TLS_RSA_WITH_AES_128_GCM_SHA256',
  'AES256-GCM-SHA384': 'TLS_RSA_WITH_AES_256_GCM_SHA384',
  'AES128-SHA': 'TLS_RSA_WITH_AES_128_CBC_SHA',
  'AES256-SHA': 'TLS_RSA_WITH_AES_256_CBC_SHA',
};

const BY_IANA_NAME = new Map(Object.entries(SUITES).map(([name, iana]) => [iana, name]));

/** BoringSSL's names of groups of suites; OpenSSL has them too. */
const ALIASES = new Set(
  'ALL HIGH FIPS kRSA kECDHE kEECDH aRSA aECDSA ECDSA RSA ECDHE EECDH AES AES128 AES256 AESGCM CHACHA20 SHA SHA1 SHA256 SHA384 TLSv1 TLSv1.2'.split(
    ' ',
  ),
);

/** Envoy's list for both directions. */
export const DEFAULT_CIPHERS = [
  '[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]',
  '[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
] as const;

/** The suites of TLS 1.3 cannot be configured in Envoy. */
const TLS13_SUITES = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

/**
 * Envoy's `cipher_suites` as an OpenSSL list with the suites of TLS 1.3. `[A|B]` (the client decides between equals) becomes `A:B`:
 * OpenSSL has no such groups, and is told to prefer ChaCha20 where the client does.
 *
 * @param legacy TLS 1.0 or 1.1 is allowed, which OpenSSL's default level of security forbids
 */
export function opensslCiphers(suites: readonly string[], legacy: boolean): string {
  const rules = suites.flatMap(tokensOf).map(([sign, name]) => sign + (BY_IANA_NAME.get(name) ?? name));
  return [TLS13_SUITES, ...rules, ...(legacy ? ['@SECLEVEL=0'] : [])].join(':');
}

/** The names in Envoy's `cipher_suites` that are no suites or groups of suites. */
export function unknownCiphers(suites: readonly string[]): string[] {
  return suites.flatMap(tokensOf).flatMap(([sign, name]) => {
    const known =
      Object.hasOwn(SUITES, name) || BY_IANA_NAME.has(name) || name.split('+').every((part) => ALIASES.has(part));
    return known || (sign === '@' && name === 'STRENGTH') ? [] : [name];
  });
}

/** Sign (`-`, `+`, `!`, `@` or none) and name of each rule. */
function tokensOf(text: string): [string, string][] {
  return text
    .split(/[:\s,[\]|]+/)
    .filter((token) => token !== '')
    .map((token) => {
      const sign = /^[-+!@]/.exec(token)?.[0] ?? '';
      return [sign, token.slice(sign.length)];
    });
}

/** BoringSSL's names of groups; the values are OpenSSL's, '' where the OpenSSL of Node 20 has not got it. */
export const CURVES: Readonly<Record<string, string>> = {
  X25519: 'X25519',
  'P-256': 'P-256',
  'P-384': 'P-384',
  'P-521': 'P-521',
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
  x25519: 'X25519',
  X25519MLKEM768: '',
  X25519Kyber768Draft00: '',
};

/** Envoy's groups. */
export const DEFAULT_CURVES = ['X25519', 'P-256'] as const;

/** Signature schemes that BoringSSL and OpenSSL both have. */
export const SIGNATURE_ALGORITHMS: readonly string[] = [
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ecdsa_secp521r1_sha512',
  'ed25519',
  'rsa_pkcs1_sha1',
  'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512',
  'rsa_pss_rsae_sha256',
  'rsa_pss_rsae_sha384',
  'rsa_pss_rsae_sha512',
];
