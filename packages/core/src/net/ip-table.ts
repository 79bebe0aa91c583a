/** IP ranges to values, the longest prefix first. A lookup allocates nothing. */

/** A range of addresses, as Envoy's `CidrRange` writes it. */
export interface IpRange {
  readonly addressPrefix: string;
  readonly prefixLen: number;
}

/** The address that was read last: one word for IPv4, four for IPv6. */
const words = new Uint32Array(4);

interface Entry<T> {
  readonly family: 4 | 6;
  readonly length: number;
  readonly words: Uint32Array;
  readonly value: T;
}

/** Filled while the config is read; looked up by every connection. */
export class IpTable<T> {
  private readonly entries = new Map<string, Entry<T>>();
  /** Longest prefixes first. */
  private sorted: readonly Entry<T>[] = [];

  /**
   * The value of a range, made by `create` when it is new. `undefined` is every address, of either family and of none;
   * a range of length 0 is narrower than that.
   */
  of(range: IpRange | undefined, create: () => T): T {
    const key = range === undefined ? '' : rangeKey(range);
    const known = this.entries.get(key);
    if (known !== undefined) return known.value;
    const family = range === undefined ? 4 : (readIp(range.addressPrefix) as 4 | 6);
    const length = Math.min(range?.prefixLen ?? 0, family === 4 ? 32 : 128);
    if (range !== undefined) mask(length, family);
    const entry = { family, length: range === undefined ? -1 : length, words: words.slice(), value: create() };
    this.entries.set(key, entry);
    this.sorted = [...this.entries.values()].sort((a, b) => b.length - a.length);
    return entry.value;
  }

  values(): T[] {
    return this.sorted.map(({ value }) => value);
  }

  /** The value of the narrowest range that holds `ip`; '' (a unix socket) is in no range but every address. */
  find(ip: string): T | undefined {
    const { sorted } = this;
    const first = sorted[0];
    if (first === undefined || first.length < 0) return first?.value;
    const family = readIp(ip === '' ? NOWHERE : ip);
    for (let i = 0; i < sorted.length; i++) {
      const entry = sorted[i] as Entry<T>;
      if (entry.length < 0 || (entry.family === family && contains(entry))) return entry.value;
    }
    return undefined;
  }
}

/** As in Envoy, a unix socket is looked up as an address that only the widest range holds. */
const NOWHERE = '255.255.255.255';

/** Two ranges with the same key hold the same addresses. */
function rangeKey({ addressPrefix, prefixLen }: IpRange): string {
  const family = readIp(addressPrefix);
  const length = Math.min(prefixLen, family === 4 ? 32 : 128);
  mask(length, family);
  return `${family} ${words.join('.')} ${length}`;
}

function mask(length: number, family: number): void {
  const count = family === 4 ? 1 : 4;
  for (let i = 0; i < 4; i++) words[i] = i < count ? (words[i] as number) & bits(length - 32 * i) : 0;
}

/** The first `length` bits of a word. */
function bits(length: number): number {
  return length >= 32 ? -1 : length <= 0 ? 0 : -1 << (32 - length);
}

function contains({ family, length, words: prefix }: Entry<unknown>): boolean {
  const count = family === 4 ? 1 : 4;
  for (let i = 0; i < count && 32 * i < length; i++) {
    const differing = (words[i] as number) ^ (prefix[i] as number);
    if ((differing & bits(length - 32 * i)) !== 0) return false;
  }
  return true;
}

const DOT = 46;
const COLON = 58;

/** Reads an address into `words`; 0 for what is no address. IPv4 inside IPv6 stays IPv6, as in Envoy. */
function readIp(text: string): 4 | 6 | 0 {
  if (!text.includes(':')) return readV4(text, 0, text.length, 0) ? 4 : 0;
  const zone = text.indexOf('%');
  return readV6(text, zone < 0 ? text.length : zone) ? 6 : 0;
}

function readV4(text: string, from: number, end: number, word: number): boolean {
  let value = 0;
  let part = 0;
  let parts = 1;
  for (let i = from; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      value = (value << 8) | part;
      part = 0;
      parts++;
    } else if (code >= 48 && code <= 57) part = part * 10 + code - 48;
    else return false;
    if (part > 255) return false;
  }
  words[word] = (value << 8) | part;
  return parts === 4;
}

/** Groups before `::` go to the front, those behind it to the end. */
function readV6(text: string, end: number): boolean {
  words.fill(0);
  let group = 0;
  let gapAt = -1;
  let count = 0;
  let digits = 0;
  for (let i = 0; i <= end; i++) {
    const code = i < end ? text.charCodeAt(i) : COLON;
    if (code === COLON) {
      if (digits > 0) put(count++, group);
      else if (i > 0 && i < end && text.charCodeAt(i - 1) === COLON) gapAt = count;
      group = 0;
      digits = 0;
      continue;
    }
    const digit = hexDigit(code);
    if (digit < 0) {
      // The last four bytes may be written as IPv4: move what stands before them to its place first.
      if (code !== DOT || !readV4(text, i - digits, end, 3)) return false;
      const tail = words[3] as number;
      words[3] = 0;
      put(count++, tail >>> 16);
      put(count++, tail & 0xffff);
      digits = 0;
      break;
    }
    group = (group << 4) | digit;
    if (++digits > 4) return false;
  }
  if (count > 8 || (gapAt < 0 && count !== 8)) return false;
  if (gapAt >= 0) spread(gapAt, count);
  return true;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

function put(index: number, group: number): void {
  const at = index >> 1;
  if (at > 3) return;
  words[at] = (index & 1) === 0 ? group << 16 : (words[at] as number) | group;
}

function take(index: number): number {
  const word = words[index >> 1] as number;
  return (index & 1) === 0 ? word >>> 16 : word & 0xffff;
}

/** Moves the groups from `gapAt` on to the end; what lies between becomes 0. */
function spread(gapAt: number, count: number): void {
  for (let i = count - 1, to = 7; to >= gapAt; i--, to--) {
    const group = i >= gapAt ? take(i) : 0;
    const word = words[to >> 1] as number;
    words[to >> 1] = (to & 1) === 0 ? (word & 0xffff) | (group << 16) : (word & 0xffff_0000) | group;
  }
}
