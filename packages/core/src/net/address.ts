/** Addresses to listen on or to connect to, and how they are written. */

/** An IP address and port, or the path of a unix socket (`@name` for the abstract namespace of Linux). */
export type Address = { readonly address: string; readonly port: number } | { readonly path: string };

/** `127.0.0.1:80`, `[::1]:80` or the path. */
export function formatAddress(address: Address): string {
  if ('path' in address) return address.path;
  return address.address.includes(':') ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}
