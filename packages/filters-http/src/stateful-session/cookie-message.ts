/**
 * The content of a session cookie: Envoy's `Cookie { string address = 1; uint64 expires = 2; }` in protobuf's wire format, so
 * that Envoy and this proxy understand each other's cookies.
 */

/** What a cookie says. */
export interface SessionCookie {
  /** `ip:port`. */
  readonly address: string;
  /** Unix seconds; 0 is never. */
  readonly expires: number;
}

const ADDRESS = 0x0a;
const EXPIRES = 0x10;

export function encodeCookie({ address, expires }: SessionCookie): Buffer {
  const text = Buffer.from(address, 'latin1');
  const parts = [Buffer.from([ADDRESS, ...varint(text.length)]), text];
  if (expires > 0) parts.push(Buffer.from([EXPIRES, ...varint(expires)]));
  return Buffer.concat(parts);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

/** `undefined` when the bytes are no message. Fields that it does not know are passed over, as protobuf asks for. */
export function decodeCookie(bytes: Uint8Array): SessionCookie | undefined {
  const reader = new Reader(bytes);
  const wellFormed = reader.message(0, 0);
  return wellFormed ? { address: reader.address, expires: reader.expires } : undefined;
}

/** Groups within groups; what protobuf allows too. */
const MOST_DEPTH = 100;

class Reader {
  address = '';
  expires = 0;
  private readonly bytes: Uint8Array;
  private at = 0;
  /** A length or a number did not fit. */
  private broken = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Reads up to the end, or to the end of group `group`; false when that is no message. */
  message(group: number, depth: number): boolean {
    while (this.at < this.bytes.length) {
      const tag = this.varint();
      const field = Math.floor(tag / 8);
      if (this.broken || field === 0) return false;
      if (tag % 8 === 4) return field === group;
      if (!this.field(field, tag % 8, depth)) return false;
    }
    return group === 0;
  }

  private field(field: number, type: number, depth: number): boolean {
    const own = depth === 0;
    switch (type) {
      case 0: {
        const value = this.varint();
        if (own && field === 2) this.expires = value;
        return !this.broken;
      }
      case 1:
        return this.skip(8);
      case 2: {
        const length = this.varint();
        const start = this.at;
        if (this.broken || !this.skip(length)) return false;
        if (own && field === 1) this.address = Buffer.from(this.bytes.subarray(start, this.at)).toString('latin1');
        return true;
      }
      case 3:
        return depth < MOST_DEPTH && this.message(field, depth + 1);
      case 5:
        return this.skip(4);
      default:
        return false;
    }
  }

  private skip(count: number): boolean {
    this.at += count;
    return this.at <= this.bytes.length;
  }

  /** At most ten bytes. Beyond 2^53 it is not exact, and need not be: times are far below. */
  private varint(): number {
    let value = 0;
    for (let i = 0, scale = 1; i < 10; i++, scale *= 0x80) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    this.broken = true;
    return 0;
  }
}
