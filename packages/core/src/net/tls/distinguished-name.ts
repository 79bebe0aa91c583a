/** Names of subjects and issuers in the form of RFC 2253, character for character as BoringSSL prints them for Envoy. */
import { bytesOf, type DerElement, elementsOf, latin1Of, oidText, Tag } from './der.ts';

/** Short names that BoringSSL has; other attributes are told by their object identifier, and their values as DER. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'street',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.13': 'description',
  '2.5.4.15': 'businessCategory',
  '2.5.4.17': 'postalCode',
  '2.5.4.41': 'name',
  '2.5.4.42': 'GN',
  '2.5.4.43': 'initials',
  '2.5.4.44': 'generationQualifier',
  '2.5.4.46': 'dnQualifier',
  '2.5.4.65': 'pseudonym',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
  '1.2.840.113549.1.9.2': 'unstructuredName',
};

/** The name in the element `name` of `der`: the last part first. @throws RangeError for bytes that are no name */
export function nameText(der: Uint8Array, name: DerElement): string {
  const relative = elementsOf(der, name).map((set) =>
    elementsOf(der, set)
      .map((pair) => attributeText(der, pair))
      .reverse()
      .join('+'),
  );
  return relative.reverse().join(',');
}

function attributeText(der: Uint8Array, pair: DerElement): string {
  const [type, value] = elementsOf(der, pair);
  if (type === undefined || value === undefined) throw new RangeError('malformed name');
  const oid = oidText(der, type);
  const known = ATTRIBUTES[oid];
  const text = known === undefined ? undefined : textOf(der, value);
  if (text === undefined)
    return `${known ?? oid}=#${bytesOf(der, value.start, value.end).toString('hex').toUpperCase()}`;
  return `${known}=${escaped(text)}`;
}

/** Types with one byte per character: numeric, printable, T61, IA5, times, visible. */
const NARROW: ReadonlySet<number> = new Set([0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1a]);

/** The text of a string type; `undefined` for what is none. */
export function textOf(der: Uint8Array, value: DerElement): string | undefined {
  if (NARROW.has(value.tag)) return latin1Of(der, value);
  if (value.tag === Tag.utf8String) return bytesOf(der, value.body, value.end).toString('utf8');
  const width = value.tag === Tag.bmpString ? 2 : value.tag === Tag.universalString ? 4 : 0;
  if (width === 0 || (value.end - value.body) % width !== 0) return undefined;
  let text = '';
  for (let at = value.body; at < value.end; at += width) {
    let code = 0;
    for (let i = 0; i < width; i++) code = code * 256 + (der[at + i] as number);
    if (code > 0x10ffff) return undefined;
    text += String.fromCodePoint(code);
  }
  return text;
}

function escaped(text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  let result = '';
  for (let i = 0; i < bytes.length; i++) result += escapedByte(bytes[i] as number, i === 0, i === bytes.length - 1);
  return result;
}

function escapedByte(byte: number, first: boolean, last: boolean): string {
  if (byte < 0x20 || byte >= 0x7f) return `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  const char = String.fromCharCode(byte);
  const special = ',+"\\<>;'.includes(char) || (char === ' ' && (first || last)) || (char === '#' && first);
  return special ? `\\${char}` : char;
}
