/** Where a sink sends its datagrams. */
import type { Address } from '@mesh/core';

/** What a parsed `Address` of a sink holds. */
export interface GivenAddress {
  readonly socketAddress?: { readonly address: string; readonly portValue?: number | undefined } | undefined;
}

/** IP and port. The schema has seen to it that they are there. */
export function datagramTarget(address: GivenAddress | undefined): { readonly address: string; readonly port: number } {
  const { socketAddress } = address ?? {};
  return { address: socketAddress?.address ?? '127.0.0.1', port: socketAddress?.portValue ?? 0 } satisfies Address;
}
