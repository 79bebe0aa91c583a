/**
 * Reads a PROXY protocol header (HAProxy's `proxy-protocol.txt`), version 1 or 2. Judged as Envoy judges: what it refuses
 * is refused, what it lets pass is let pass, and each verdict names the version for its counters.
 */
import { formatV6, isUnicast, readIpText } from './address.ts';

/** A version as the counters name it. */
export type Version = 'v1' | 'v2';

/** One type-length-value entry of version 2. */
export interface Tlv {
  readonly type: number;
  readonly value: Buffer;
}

/** A header that was understood. */
export interface ProxyHeader {
  readonly version: Version;
  /** Bytes that it takes. */
  readonly size: number;
  /** `undefined`: the connection's own addresses count (LOCAL, UNKNOWN). */
  readonly addresses: Addresses | undefined;
  readonly tlvs: readonly Tlv[];
}

/** Whose connection it is. */
export interface Addresses {
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
}

/** What the bytes are: `absent` is anything that is no header, `v1` and `v2` a broken one of that version. */
export type HeaderVerdict = 'more' | 'absent' | { readonly broken: Version } | ProxyHeader;

const V1_SIGNATURE = Buffer.from('PROXY ');
const V2_SIGNATURE = Buffer.from('0D0A0D0A000D0A515549540A', 'hex');
const V2_HEADER = 16;
/** With its CR LF. The specification says 107; Envoy takes one more. */
const V1_MAX = 108;
const NO_TLVS: readonly Tlv[] = [];
const BROKEN = { v1: { broken: 'v1' }, v2: { broken: 'v2' } } as const;

/** Longest header of version 2. */
export const MAX_HEADER = V2_HEADER + 0xffff;

/** Whether the bytes so far may become a header of a version. */
export function mayBe(version: Version, bytes: Buffer): boolean {
  const signature = version === 'v1' ? V1_SIGNATURE : V2_SIGNATURE;
  const length = Math.min(bytes.length, signature.length);
  return bytes.compare(signature, 0, length, 0, length) === 0;
}

/** Judges what has arrived so far. */
export function readHeader(bytes: Buffer): HeaderVerdict {
  if (bytes.length >= V2_HEADER) {
    if (mayBe('v2', bytes)) return readV2(bytes);
    if (!mayBe('v1', bytes)) return 'absent';
  }
  return readV1(bytes);
}

function readV1(bytes: Buffer): HeaderVerdict {
  const end = bytes.indexOf('\r\n', 0, 'latin1');
  // A CR LF at the start is how version 2 begins.
  if (end === 0) return 'more';
  if (end < 0) return bytes.length > V1_MAX ? 'absent' : 'more';
  const size = end + 2;
  if (size > V1_MAX) return BROKEN.v1;
  const [word, family, ...rest] = bytes.toString('latin1', 0, end).trimEnd().split(' ');
  if (word !== 'PROXY' || family === undefined) return BROKEN.v1;
  if (family === 'UNKNOWN') return { version: 'v1', size, addresses: undefined, tlvs: NO_TLVS };
  const addresses = readAddresses(family, rest);
  return addresses === undefined ? BROKEN.v1 : { version: 'v1', size, addresses, tlvs: NO_TLVS };
}

function readAddresses(family: string, rest: readonly string[]): Addresses | undefined {
  if ((family !== 'TCP4' && family !== 'TCP6') || rest.length !== 4) return undefined;
  const number = family === 'TCP4' ? 4 : 6;
  const remoteIp = readIpText(rest[0] as string, number);
  const localIp = readIpText(rest[1] as string, number);
  const remotePort = readPort(rest[2] as string);
  const localPort = readPort(rest[3] as string);
  if (remoteIp === undefined || localIp === undefined || remotePort < 0 || localPort < 0) return undefined;
  return unicast({ remoteIp, remotePort, localIp, localPort });
}

function readPort(text: string): number {
  if (!/^\+?\d{1,10}$/.test(text)) return -1;
  const port = Number(text);
  return port <= 65_535 ? port : -1;
}

function unicast(addresses: Addresses): Addresses | undefined {
  return isUnicast(addresses.remoteIp) && isUnicast(addresses.localIp) ? addresses : undefined;
}

const LOCAL = 0;
const PROXY = 1;
const INET = 1;
const INET6 = 2;
const STREAM = 1;
const DATAGRAM = 2;

function readV2(bytes: Buffer): HeaderVerdict {
  const versionAndCommand = bytes[12] as number;
  const familyAndProtocol = bytes[13] as number;
  const length = bytes.readUInt16BE(14);
  const command = versionAndCommand & 15;
  if (versionAndCommand >> 4 !== 2) return BROKEN.v2;
  const size = V2_HEADER + length;
  if (command === LOCAL) {
    // Health checks of the balancer: whatever else it says does not count.
    return bytes.length < size ? 'more' : { version: 'v2', size, addresses: undefined, tlvs: NO_TLVS };
  }
  const family = familyAndProtocol >> 4;
  const protocol = familyAndProtocol & 15;
  const addressBytes = family === INET ? 12 : family === INET6 ? 36 : -1;
  const understood = command === PROXY && (protocol === STREAM || protocol === DATAGRAM) && addressBytes > 0;
  if (!understood || length < addressBytes) return BROKEN.v2;
  if (bytes.length < size) return 'more';
  const addresses = unicast(family === INET ? inet(bytes) : inet6(bytes));
  const tlvs = readTlvs(bytes, V2_HEADER + addressBytes, size);
  return addresses === undefined || tlvs === undefined ? BROKEN.v2 : { version: 'v2', size, addresses, tlvs };
}

function inet(bytes: Buffer): Addresses {
  return {
    remoteIp: bytes.subarray(16, 20).join('.'),
    remotePort: bytes.readUInt16BE(24),
    localIp: bytes.subarray(20, 24).join('.'),
    localPort: bytes.readUInt16BE(26),
  };
}

function inet6(bytes: Buffer): Addresses {
  return {
    remoteIp: formatV6(bytes.subarray(16, 32)),
    remotePort: bytes.readUInt16BE(48),
    localIp: formatV6(bytes.subarray(32, 48)),
    localPort: bytes.readUInt16BE(50),
  };
}

function readTlvs(bytes: Buffer, from: number, end: number): readonly Tlv[] | undefined {
  if (from === end) return NO_TLVS;
  const tlvs: Tlv[] = [];
  for (let at = from; at < end; ) {
    if (at + 3 > end) return undefined;
    const length = bytes.readUInt16BE(at + 1);
    const next = at + 3 + length;
    if (next > end) return undefined;
    tlvs.push({ type: bytes[at] as number, value: bytes.subarray(at + 3, next) });
    at = next;
  }
  return tlvs;
}
