/**
 * Trust in a chain whatever its dates (`allow_expired_certificate`). OpenSSL in Node.js cannot be told to ignore dates, and
 * reports one error only: behind an expired certificate it may hide an untrusted one. So the chain is walked here, more
 * strictly than OpenSSL would: what is not understood is not trusted.
 */
import type { X509Certificate } from 'node:crypto';
import { elementAt, elementsOf, integerOf, Tag } from './der.ts';
import { x509Facts } from './x509.ts';

/** Longest path from the peer's certificate to an authority. */
const MAX_DEPTH = 10;

/** What the peer's certificate must be good for. */
export type Purpose = 'server' | 'client';

const EXTENDED_USE: Readonly<Record<Purpose, string>> = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' };
const ANY_USE = '2.5.29.37.0';
const KEY_USAGE = '2.5.29.15';
const BASIC_CONSTRAINTS = '2.5.29.19';
/** Name constraints and the constraints of policies: nothing here looks at them. */
const NOT_UNDERSTOOD: ReadonlySet<string> = new Set(['2.5.29.30', '2.5.29.33', '2.5.29.36', '2.5.29.54']);
/** Bits of the first byte of a key's usage. */
const DIGITAL_SIGNATURE = 0x80;
const KEY_ENCIPHERMENT = 0x20;
const KEY_AGREEMENT = 0x08;

/**
 * Whether `leaf` leads to one of `authorities`, by way of `presented`.
 * @throws RangeError for certificates that cannot be read
 */
export function trustedWhateverItsDates(
  leaf: X509Certificate,
  presented: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  purpose: Purpose,
): boolean {
  if (!leafUsable(leaf, purpose)) return false;
  const seen = new Set<string>();
  let current = leaf;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (!understood(current, purpose)) return false;
    const subject = current;
    if (authorities.some((anchor) => anchor.raw.equals(subject.raw))) return true;
    if (authorities.some((anchor) => issued(anchor, subject, depth))) return true;
    seen.add(current.fingerprint256);
    const next = presented.find((each) => !seen.has(each.fingerprint256) && issued(each, subject, depth));
    if (next === undefined) return false;
    current = next;
  }
  return false;
}

/** `issuer` may issue certificates, `below` others stand between the one it issued and the leaf, and it did issue it. */
function issued(issuer: X509Certificate, subject: X509Certificate, below: number): boolean {
  return issuer.ca && below <= pathLength(issuer) && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
}

function pathLength(certificate: X509Certificate): number {
  const value = extension(certificate, BASIC_CONSTRAINTS);
  if (value === undefined) return Number.POSITIVE_INFINITY;
  const limit = elementsOf(value, elementAt(value, 0, value.length)).find(({ tag }) => tag === Tag.integer);
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(integerOf(value, limit));
}

function understood(certificate: X509Certificate, purpose: Purpose): boolean {
  const uses = certificate.keyUsage as readonly string[] | undefined;
  if (uses !== undefined && !uses.includes(EXTENDED_USE[purpose]) && !uses.includes(ANY_USE)) return false;
  return !x509Facts(certificate.raw).extensions.some(({ oid }) => NOT_UNDERSTOOD.has(oid));
}

function leafUsable(leaf: X509Certificate, purpose: Purpose): boolean {
  const value = extension(leaf, KEY_USAGE);
  if (value === undefined) return true;
  const { body, end } = elementAt(value, 0, value.length);
  const bits = end - body < 2 ? 0 : (value[body + 1] as number);
  const wanted = DIGITAL_SIGNATURE | KEY_AGREEMENT | (purpose === 'server' ? KEY_ENCIPHERMENT : 0);
  return (bits & wanted) !== 0;
}

function extension(certificate: X509Certificate, wanted: string): Uint8Array | undefined {
  return x509Facts(certificate.raw).extensions.find(({ oid }) => oid === wanted)?.value;
}
