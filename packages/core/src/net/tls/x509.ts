/**
 * What Envoy reads from a certificate. Alternative names are taken from the DER bytes: in the text that Node makes of
 * them a name can pass itself off as several (CVE-2021-44532).
 */
import { type AltName, altNamesOf } from './alt-names.ts';
import { bytesOf, type DerElement, elementAt, elementsOf, integerOf, oidText, Tag, timeOf } from './der.ts';
import { nameText } from './distinguished-name.ts';

/** The parts of a certificate. Names are in RFC 2253 form. */
export interface X509Facts {
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal, lower case, with an even number of digits. */
  readonly serial: string;
  /** Unix milliseconds. */
  readonly validFromMs: number;
  readonly validToMs: number;
  /** DER of the `SubjectPublicKeyInfo`. */
  readonly spki: Uint8Array;
  readonly altNames: readonly AltName[];
  readonly extensions: readonly X509Extension[];
}

/** An extension; `value` is the DER within its octet string. */
export interface X509Extension {
  /** In dotted form. */
  readonly oid: string;
  readonly value: Uint8Array;
}

const SUBJECT_ALT_NAME = '2.5.29.17';

/** @throws RangeError for what is no certificate */
export function x509Facts(der: Uint8Array): X509Facts {
  const [tbs] = elementsOf(der, elementAt(der, 0, der.length));
  if (tbs === undefined) throw new RangeError('malformed certificate');
  const parts = elementsOf(der, tbs);
  if (parts[0]?.tag === Tag.constructed(0)) parts.shift();
  const [serial, , issuer, validity, subject, spki, ...rest] = parts;
  if (serial === undefined || issuer === undefined || validity === undefined)
    throw new RangeError('malformed certificate');
  if (subject === undefined || spki === undefined) throw new RangeError('malformed certificate');
  const [from, to] = elementsOf(der, validity);
  const extensions = extensionsOf(der, rest);
  const altNames = extensions.filter(({ oid }) => oid === SUBJECT_ALT_NAME).flatMap(({ value }) => altNamesOf(value));
  return {
    subject: nameText(der, subject),
    issuer: nameText(der, issuer),
    serial: serialText(integerOf(der, serial)),
    validFromMs: from === undefined ? Number.NaN : timeOf(der, from),
    validToMs: to === undefined ? Number.NaN : timeOf(der, to),
    spki: bytesOf(der, spki.start, spki.end),
    altNames,
    extensions,
  };
}

function extensionsOf(der: Uint8Array, parts: readonly DerElement[]): X509Extension[] {
  const holder = parts.find(({ tag }) => tag === Tag.constructed(3));
  const list = holder === undefined ? undefined : elementsOf(der, holder)[0];
  if (list === undefined) return [];
  return elementsOf(der, list).map((extension) => {
    const [type, ...others] = elementsOf(der, extension);
    const value = others.at(-1);
    if (type === undefined || value === undefined) throw new RangeError('malformed extension');
    return { oid: oidText(der, type), value: bytesOf(der, value.body, value.end) };
  });
}

function serialText(value: bigint): string {
  const digits = (value < 0n ? -value : value).toString(16);
  return `${value < 0n ? '-' : ''}${digits.length % 2 === 0 ? digits : `0${digits}`}`;
}
