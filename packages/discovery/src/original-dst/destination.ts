/** Addresses that requests name, and which of them may be dialled. */
import { isIP, SocketAddress } from 'node:net';
import { IpTable, MeshError } from '@mesh/core';

/** Where to connect to. */
export interface Destination {
  readonly ip: string;
  readonly port: number;
}

/** Reads `ip:port` or `[v6]:port`; `undefined` for anything else. */
export function readDestination(text: string): Destination | undefined {
  const parts = /^(?:\[([0-9a-f:.]{2,45})\]|([0-9.]{7,15})):(\d{1,6})$/i.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  const family = isIP(host);
  if (family !== (parts?.[1] === undefined ? 4 : 6)) return undefined;
  return { ip: family === 4 ? host : new SocketAddress({ address: host, family: 'ipv6' }).address, port };
}

/** `ip:port` or `[v6]:port`. */
export function addressOf({ ip, port }: Destination): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Ranges of addresses, as `mesh.original_dst` gives them. */
export class AllowList {
  private readonly table = new IpTable<true>();

  /** @throws MeshError `CONFIG_INVALID` for what is neither an address nor a range. */
  constructor(ranges: readonly string[], clusterName: string) {
    for (const range of ranges) {
      const [addressPrefix = '', length, ...rest] = range.split('/');
      const family = isIP(addressPrefix);
      const most = family === 4 ? 32 : 128;
      const prefixLen = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
      if (family === 0 || rest.length > 0 || !(prefixLen <= most)) {
        const text = `cluster ${clusterName}: ${JSON.stringify(range)} is not a range of IP addresses such as "10.0.0.0/8"`;
        throw new MeshError('CONFIG_INVALID', text);
      }
      this.table.of({ addressPrefix, prefixLen }, () => true);
    }
  }

  /** An IPv4 address in the form of an IPv6 one is the IPv4 address: the kernel connects to that. */
  has(ip: string): boolean {
    return this.table.find(MAPPED.exec(ip)?.[1] ?? ip) === true;
  }
}
