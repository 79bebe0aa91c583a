/** The PROXY protocol on the wire: https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, sections 2.1 and 2.2. */
import { isIP } from 'node:net';

/** The first bytes of version 2. */
const PROXY_V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** Longest header of version 2 behind its first 16 bytes. */
const MAX_V2_BODY_BYTES = 0xffff;

/** A connection as a header tells of it. */
export interface ProxiedAddresses {
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
}

/** A type-length-value entry of version 2. */
export interface ProxyTlv {
  readonly type: number;
  readonly value: Uint8Array;
}

/** Version 1. Without IP addresses (a unix socket) the header says `UNKNOWN`. */
export function proxyHeaderV1(addresses: ProxiedAddresses): Buffer {
  const { remotePort, localPort } = addresses;
  const ips = sameFamily(addresses);
  if (ips === undefined) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1');
  const [family, remoteIp, localIp] = ips;
  return Buffer.from(`PROXY TCP${family} ${remoteIp} ${localIp} ${remotePort} ${localPort}\r\n`, 'latin1');
}

/** Version 2 for a connection of our own: the receiver shall look at the socket's addresses. */
export function proxyHeaderV2Local(): Buffer {
  return Buffer.concat([PROXY_V2_SIGNATURE, Buffer.of(0x20, 0, 0, 0)]);
}

/** The header, and whether all entries had room in it. */
export interface ProxyHeaderV2 {
  readonly bytes: Buffer;
  readonly complete: boolean;
}

/** Version 2 on behalf of a client. Entries for which there is no room are left out. */
export function proxyHeaderV2(addresses: ProxiedAddresses, tlvs: readonly ProxyTlv[]): ProxyHeaderV2 {
  const ips = sameFamily(addresses);
  if (ips === undefined) return { bytes: proxyHeaderV2Local(), complete: tlvs.length === 0 };
  const [family, remoteIp, localIp] = ips;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(addresses.remotePort & 0xffff, 0);
  ports.writeUInt16BE(addresses.localPort & 0xffff, 2);
  const parts = [ipBytes(remoteIp), ipBytes(localIp), ports];
  let length = parts.reduce((sum, part) => sum + part.length, 0);
  let complete = true;
  for (const { type, value } of tlvs) {
    if (length + 3 + value.length > MAX_V2_BODY_BYTES) {
      complete = false;
      continue;
    }
    length += 3 + value.length;
    parts.push(Buffer.of(type & 0xff, value.length >> 8, value.length & 0xff), Buffer.from(value));
  }
  const head = Buffer.of(0x21, family === 4 ? 0x11 : 0x21, length >> 8, length & 0xff);
  return { bytes: Buffer.concat([PROXY_V2_SIGNATURE, head, ...parts]), complete };
}

/** Both addresses in one family: with one of each, the IPv4 one is mapped. */
function sameFamily({ remoteIp, localIp }: ProxiedAddresses): [4 | 6, string, string] | undefined {
  const [remote, local] = [isIP(remoteIp), isIP(localIp)];
  if (remote === 0 || local === 0) return undefined;
  if (remote === local) return [remote === 4 ? 4 : 6, remoteIp, localIp];
  return [6, remote === 4 ? `::ffff:${remoteIp}` : remoteIp, local === 4 ? `::ffff:${localIp}` : localIp];
}

function ipBytes(ip: string): Buffer {
  if (isIP(ip) === 4) return Buffer.from(ip.split('.').map(Number));
  const [text = ''] = ip.split('%');
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const dotted = tail?.[2]?.split('.').map(Number) ?? [];
  const [a = 0, b = 0, c = 0, d = 0] = dotted;
  const hex = tail === null ? text : `${tail[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  const [before = '', after] = hex.split('::');
  const front = before === '' ? [] : before.split(':');
  const back = after === undefined || after === '' ? [] : after.split(':');
  const zeros = new Array<string>(Math.max(8 - front.length - back.length, 0)).fill('0');
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...front, ...zeros, ...back].slice(0, 8).entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16) & 0xffff, index * 2);
  }
  return bytes;
}
