/** Addresses with only their leading bits left, as text. */

/** The network of an address: `10.1.2.3`, 8 → `10.0.0.0/8`. IPv6 is written in its short form (RFC 5952). */
export function maskedAddress(ip: string, bits: number): string {
  return ip.includes(':') ? `${maskedV6(ip, bits)}/${bits}` : `${maskedV4(ip, bits)}/${bits}`;
}

function maskedV4(ip: string, bits: number): string {
  return masked(ip.split('.').map(Number), 8, bits).join('.');
}

function maskedV6(ip: string, bits: number): string {
  const groups = masked(groupsOf(ip), 16, bits);
  // The URL parser knows how to shorten.
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(':')}]`).hostname.slice(1, -1);
}

function groupsOf(ip: string): number[] {
  const [before = '', after] = ip.split('::');
  const head = parts(before);
  const tail = after === undefined ? [] : parts(after);
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

/** An address may end in the form of IPv4. */
function parts(text: string): number[] {
  return text.split(':').flatMap((part) => {
    if (part === '') return [];
    const [a, b, c, d] = part.split('.').map(Number) as [number, number, number, number];
    return part.includes('.') ? [a * 256 + b, c * 256 + d] : [Number.parseInt(part, 16)];
  });
}

function masked(units: readonly number[], width: number, bits: number): number[] {
  return units.map((unit, index) => {
    const kept = Math.min(Math.max(bits - index * width, 0), width);
    return unit - (unit % 2 ** (width - kept));
  });
}
