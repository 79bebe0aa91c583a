/** Sets of IP addresses, given as ranges. */
import { BlockList, isIP } from 'node:net';

/** A set of addresses. What is no IP address is in none. */
export type AddressSet = (ip: string) => boolean;

/** A range is about addresses of its own family: one list for both would find an IPv4 address in `::/0`. */
export function addressSet(
  ranges: readonly { readonly addressPrefix: string; readonly prefixLen: number }[],
): AddressSet {
  if (ranges.length === 0) return () => false;
  const v4 = new BlockList();
  const v6 = new BlockList();
  for (const { addressPrefix, prefixLen } of ranges) {
    if (isIP(addressPrefix) === 6) v6.addSubnet(addressPrefix, prefixLen, 'ipv6');
    else v4.addSubnet(addressPrefix, prefixLen, 'ipv4');
  }
  return (ip) => {
    const family = isIP(ip);
    if (family === 4) return v4.check(ip, 'ipv4');
    return family === 6 && v6.check(ip, 'ipv6');
  };
}
