/** Which alternative names of a certificate satisfy a condition, as Envoy decides it. */
import { compileStringMatcher } from '../../regex/text-match.ts';
import type { AltName } from './alt-names.ts';
import type { SanMatch } from './settings.ts';

/** A condition on one name. */
export type SanTest = (name: AltName) => boolean;

/** Compiles Envoy's `SubjectAltNameMatcher`. @throws SyntaxError for a bad regular expression. */
export function compileSanMatch({ sanType, matcher, oid }: SanMatch): SanTest {
  // An exact DNS name follows the rules of DNS: no case, and wildcards of the certificate.
  const exactName = sanType === 'DNS' ? matcher.exact : undefined;
  const test =
    exactName === undefined ? compileStringMatcher(matcher) : (text: string) => dnsNameMatches(exactName, text);
  return (name) =>
    name.type === sanType && (sanType !== 'OTHER_NAME' || name.oid === oid) && clean(name) && test(name.value);
}

/** The certificate has one of `names`, whatever their type (Envoy's `verifySubjectAltName`). */
export function hasAnyName(certificate: readonly AltName[], names: readonly string[]): boolean {
  return certificate.some(
    (name) =>
      clean(name) &&
      names.some((wanted) => (name.type === 'DNS' ? dnsNameMatches(wanted, name.value) : wanted === name.value)),
  );
}

/** The certificate has `serverName` as a DNS name. */
export function hasDnsName(certificate: readonly AltName[], serverName: string): boolean {
  return certificate.some((name) => name.type === 'DNS' && clean(name) && dnsNameMatches(serverName, name.value));
}

/**
 * Names with a NUL byte, which a text of C ends at, and with bytes that are not ASCII (these types are `IA5String`) match
 * nothing: no honest authority signs them.
 */
function clean({ type, value }: AltName): boolean {
  return type === 'OTHER_NAME' ? !value.includes('\0') : /^[\x01-\x7f]+$/.test(value);
}

/**
 * `name` is covered by `pattern`, a name of a certificate. One `*` may stand for (a part of) the first label, unless that
 * is an A-label; names of a single label match exactly only.
 */
export function dnsNameMatches(name: string, pattern: string): boolean {
  const wanted = name.toLowerCase();
  const given = pattern.toLowerCase();
  if (wanted === given) return true;
  const dotWanted = wanted.indexOf('.');
  const dotGiven = given.indexOf('.');
  if (dotWanted < 0 || dotGiven < 0) return false;
  const label = given.slice(0, dotGiven);
  const star = label.indexOf('*');
  if (star < 0 || label.startsWith('xn--') || label.includes('*', star + 1) || given.includes('*', dotGiven))
    return false;
  if (wanted.slice(dotWanted) !== given.slice(dotGiven)) return false;
  const first = wanted.slice(0, dotWanted);
  const [before, after] = [label.slice(0, star), label.slice(star + 1)];
  // As in Envoy the star may stand for nothing within a label, and a label of its own may even be empty.
  return label.length <= first.length + 1 && first.startsWith(before) && first.endsWith(after);
}
