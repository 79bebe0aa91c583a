/** Subject alternative names (RFC 5280 section 4.2.1.6) as Envoy turns them into text. */
import { type DerElement, elementAt, elementsOf, integerOf, latin1Of, oidText, Tag } from './der.ts';
import { textOf } from './distinguished-name.ts';

/** One name. Texts hold one character per byte. */
export interface AltName {
  readonly type: 'EMAIL' | 'DNS' | 'URI' | 'IP_ADDRESS' | 'OTHER_NAME';
  readonly value: string;
  /** Of other names: what the value is, in dotted form; '' otherwise. */
  readonly oid: string;
}

/** The names in the value of the extension; kinds that Envoy does not know are left out. @throws RangeError */
export function altNamesOf(der: Uint8Array): AltName[] {
  const list = elementAt(der, 0, der.length);
  return elementsOf(der, list).flatMap((name) => altName(der, name) ?? []);
}

function altName(der: Uint8Array, name: DerElement): AltName | undefined {
  if (name.tag === Tag.constructed(0)) return otherName(der, name);
  if (name.tag === Tag.context(1)) return { type: 'EMAIL', value: latin1Of(der, name), oid: '' };
  if (name.tag === Tag.context(2)) return { type: 'DNS', value: latin1Of(der, name), oid: '' };
  if (name.tag === Tag.context(6)) return { type: 'URI', value: latin1Of(der, name), oid: '' };
  if (name.tag === Tag.context(7)) return { type: 'IP_ADDRESS', value: ipText(der, name), oid: '' };
  return undefined;
}

function otherName(der: Uint8Array, name: DerElement): AltName | undefined {
  const [type, holder] = elementsOf(der, name);
  if (type === undefined || holder === undefined) return undefined;
  const value = elementAt(der, holder.body, holder.end);
  return { type: 'OTHER_NAME', value: otherText(der, value), oid: oidText(der, type) };
}

function otherText(der: Uint8Array, value: DerElement): string {
  switch (value.tag) {
    case Tag.null:
      return '';
    case Tag.boolean:
      return der[value.body] === 0 ? 'false' : 'true';
    case Tag.integer:
    case Tag.enumerated:
      return integerOf(der, value).toString();
    case Tag.oid:
      return oidText(der, value);
    case Tag.bitString:
      // The first byte says how many bits of the last one are unused.
      return latin1Of(der, { ...value, body: value.body + 1 });
    case Tag.bmpString:
    case Tag.universalString:
      return Buffer.from(textOf(der, value) ?? '', 'utf8').toString('latin1');
    case Tag.sequence:
    case Tag.set:
      return latin1Of(der, { ...value, body: value.start });
    default:
      return latin1Of(der, value);
  }
}

/** An address as `inet_ntop` writes it; '' for a length that no address has. */
function ipText(der: Uint8Array, { body, end }: DerElement): string {
  if (end - body === 4) return der.subarray(body, end).join('.');
  if (end - body !== 16) return '';
  const groups: string[] = [];
  for (let at = body; at < end; at += 2)
    groups.push((((der[at] as number) << 8) | (der[at + 1] as number)).toString(16));
  return ipv6Text(groups);
}

/** RFC 5952: the longest run of zeros, of at least two, is left out. */
function ipv6Text(groups: readonly string[]): string {
  let best = { at: 0, length: 1 };
  for (let at = 0; at < groups.length; at++) {
    let length = 0;
    while (groups[at + length] === '0') length++;
    if (length > best.length) best = { at, length };
  }
  const mapped = best.at === 0 && (best.length === 6 || (best.length === 5 && groups[5] === 'ffff'));
  if (mapped) {
    const bytes = groups
      .slice(6)
      .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
    return `::${best.length === 5 ? 'ffff:' : ''}${bytes.join('.')}`;
  }
  if (best.length < 2) return groups.join(':');
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`;
}
