/** Addresses as the admin endpoints print them. */
import { isIPv6 } from 'node:net';
import type { AdminAddress } from './context.ts';

/** `envoy.config.core.v3.Address` as JSON. */
export type AddressJson =
  | { readonly socket_address: { readonly address: string; readonly port_value: number } }
  | { readonly pipe: { readonly path: string } };

/** `ip:port`, `[v6]:port` or a path. */
export function addressText(address: AdminAddress): string {
  if ('path' in address) return address.path;
  return isIPv6(address.host) ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** The address as a protobuf message in JSON. */
export function addressJson(address: AdminAddress): AddressJson {
  if ('path' in address) return { pipe: { path: address.path } };
  return { socket_address: { address: address.host, port_value: address.port } };
}
