/** Checks certificates, keys and lists before they are used; the words are Envoy's. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

/** The parts of a certificate of this side. */
export interface CertificateBytes {
  readonly chain?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  readonly pkcs12?: Buffer | undefined;
  readonly password?: string | undefined;
}

/** The part that is wrong, and why. */
export interface MaterialProblem {
  readonly part: 'chain' | 'key' | 'pkcs12';
  /** `NAME` stands for the name of the part's source. */
  readonly message: string;
}

const PEM_CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** The certificates in PEM text, in their order; `undefined` when there is none, or one that cannot be read. */
export function parseCertificates(pem: Buffer): X509Certificate[] | undefined {
  try {
    const found =
      pem
        .toString('latin1')
        .match(PEM_CERTIFICATE)
        ?.map((text) => new X509Certificate(text)) ?? [];
    return found.length > 0 ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Why a certificate and its key cannot be used; `name` tells where a part comes from. */
export function certificateProblem(
  { chain, key, pkcs12, password }: CertificateBytes,
  name: (part: MaterialProblem['part']) => string,
): MaterialProblem | undefined {
  if (pkcs12 !== undefined) {
    const usable = succeeds(() =>
      createSecureContext({ pfx: pkcs12, ...(password !== undefined && { passphrase: password }) }),
    );
    return usable ? undefined : { part: 'pkcs12', message: `Failed to load pkcs12 from ${name('pkcs12')}` };
  }
  const leaf = chain === undefined ? undefined : parseCertificates(chain)?.[0];
  if (leaf === undefined) return { part: 'chain', message: `Failed to load certificate chain from ${name('chain')}` };
  const weak = weakKey(leaf.publicKey);
  if (weak !== undefined) {
    return { part: 'chain', message: `Failed to load certificate chain from ${name('chain')}, ${weak}` };
  }
  const cause = keyProblem(leaf, key ?? Buffer.alloc(0), password);
  if (cause === undefined) return undefined;
  return { part: 'key', message: `Failed to load private key from ${name('key')}, Cause: ${cause}` };
}

/** BoringSSL's text for what is wrong with a key. */
function keyProblem(leaf: X509Certificate, pem: Buffer, password: string | undefined): string | undefined {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, ...(password !== undefined && { passphrase: password }) });
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    if (code === 'ERR_MISSING_PASSPHRASE' || /INTERRUPTED_OR_CANCELLED/.test(code))
      return 'error:09000068:PEM routines:OPENSSL_internal:BAD_PASSWORD_READ';
    if (/BAD_DECRYPT/.test(code)) return 'error:1e000065:Cipher functions:OPENSSL_internal:BAD_DECRYPT';
    return 'error:0900006e:PEM routines:OPENSSL_internal:NO_START_LINE';
  }
  if (leaf.checkPrivateKey(key)) return undefined;
  return key.asymmetricKeyType === leaf.publicKey.asymmetricKeyType
    ? 'error:0b000074:X.509 certificate routines:OPENSSL_internal:KEY_VALUES_MISMATCH'
    : 'error:0b000073:X.509 certificate routines:OPENSSL_internal:KEY_TYPE_MISMATCH';
}

function weakKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) < 2048) {
    return 'only RSA certificates with 2048-bit or larger keys are supported';
  }
  const curve = asymmetricKeyDetails?.namedCurve ?? '';
  if (asymmetricKeyType === 'ec' && !['prime256v1', 'secp384r1', 'secp521r1'].includes(curve)) {
    return 'only P-256, P-384 or P-521 ECDSA certificates are supported';
  }
  return undefined;
}

/** Whether a list of revoked certificates can be read. Unlike Envoy, which ignores one that cannot. */
export function crlIsUsable(pem: Buffer): boolean {
  return succeeds(() => createSecureContext({ crl: pem }));
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}
