/** IP addresses as PROXY headers write them, in the one form that the rest of the proxy knows. */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/** The address of that family in its usual form; `undefined` when it is none. */
export function readIpText(text: string, family: 4 | 6): string | undefined {
  if (family === 4) return isIPv4(text) ? text : undefined;
  // A zone says something on the machine that wrote it only.
  return isIPv6(text) && !text.includes('%') ? canonicalV6(text) : undefined;
}

/** Sixteen bytes as text. */
export function formatV6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16));
  return canonicalV6(groups.join(':'));
}

function canonicalV6(text: string): string {
  return new SocketAddress({ address: text, family: 'ipv6' }).address;
}

/** Neither unspecified, nor multicast, nor broadcast: TCP runs between no others. */
export function isUnicast(ip: string): boolean {
  if (ip.includes(':')) return ip !== '::' && !/^ff/.test(ip);
  const first = Number(ip.slice(0, ip.indexOf('.')));
  return ip !== '0.0.0.0' && ip !== '255.255.255.255' && (first < 224 || first > 239);
}
