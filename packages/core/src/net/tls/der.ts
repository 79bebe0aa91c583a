/** Reads DER (ITU-T X.690), as far as certificates need it. Whatever is odd throws: what cannot be read is not trusted. */

/** One element; `body` and `end` enclose its contents, `start` is where its tag stands. */
export interface DerElement {
  readonly tag: number;
  readonly start: number;
  readonly body: number;
  readonly end: number;
}

/** Tags by the names of X.680. `context(n)` is `[n]` primitive, `constructed(n)` is `[n]` with elements within. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  universalString: 0x1c,
  bmpString: 0x1e,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  context: (n: number): number => 0x80 | n,
  constructed: (n: number): number => 0xa0 | n,
} as const;

/** The element at `at`, which must end at `limit` or before. @throws RangeError */
export function elementAt(bytes: Uint8Array, at: number, limit: number): DerElement {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || at + 2 > limit || (tag & 0x1f) === 0x1f) throw malformed();
  let body = at + 2;
  let length = first;
  if (first >= 0x80) {
    const count = first & 0x7f;
    // Lengths of indefinite form are not DER; four bytes are more than any certificate has.
    if (count === 0 || count > 4) throw malformed();
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[body + i] ?? 0);
    body += count;
  }
  if (body + length > limit) throw malformed();
  return { tag, start: at, body, end: body + length };
}

/** The elements within another one. @throws RangeError */
export function elementsOf(bytes: Uint8Array, { body, end }: Pick<DerElement, 'body' | 'end'>): DerElement[] {
  const found: DerElement[] = [];
  for (let at = body; at < end; ) {
    const element = elementAt(bytes, at, end);
    found.push(element);
    at = element.end;
  }
  return found;
}

/** An object identifier in dotted form. @throws RangeError */
export function oidText(bytes: Uint8Array, { body, end }: DerElement): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (let i = body; i < end; i++) {
    const byte = bytes[i] as number;
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    if (byte >= 0x80) continue;
    if (arcs.length === 0) {
      const top = arc < 80n ? arc / 40n : 2n;
      arcs.push(top, arc - top * 40n);
    } else {
      arcs.push(arc);
    }
    arc = 0n;
  }
  if (end === body || (bytes[end - 1] as number) >= 0x80) throw malformed();
  return arcs.join('.');
}

/** An integer, which may be negative. */
export function integerOf(bytes: Uint8Array, { body, end }: DerElement): bigint {
  if (end === body) return 0n;
  const value = BigInt(`0x${bytesOf(bytes, body, end).toString('hex')}`);
  return (bytes[body] as number) < 0x80 ? value : value - (1n << BigInt(8 * (end - body)));
}

/** `UTCTime` or `GeneralizedTime` as Unix milliseconds. @throws RangeError */
export function timeOf(bytes: Uint8Array, element: DerElement): number {
  const text = bytesOf(bytes, element.body, element.end).toString('latin1');
  const short = /^\d{12}Z$/.test(text);
  if (!short && !/^\d{14}Z$/.test(text)) throw malformed();
  // RFC 5280 section 4.1.2.5.1: two digits from 50 on are of the last century.
  const full = short ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
  const [year, month, day, hour, minute, second] = [0, 4, 6, 8, 10, 12].map((at) =>
    Number(full.slice(at, at === 0 ? 4 : at + 2)),
  ) as [number, number, number, number, number, number];
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Bytes of a range, without a copy. */
export function bytesOf(bytes: Uint8Array, from: number, to: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from);
}

/** The contents of an element as text with one character per byte. */
export function latin1Of(bytes: Uint8Array, { body, end }: DerElement): string {
  return bytesOf(bytes, body, end).toString('latin1');
}

function malformed(): RangeError {
  return new RangeError('malformed DER');
}
