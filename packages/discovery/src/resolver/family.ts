/** `dns_lookup_family`: which addresses to ask for, and which of them to use. */
import { isIP } from 'node:net';
import type { DnsRecord } from './lookup.ts';

/** Envoy `Cluster.DnsLookupFamily`. */
export type LookupFamily = 'AUTO' | 'V4_ONLY' | 'V6_ONLY' | 'V4_PREFERRED' | 'ALL';

/** The family to ask for; the preferences of AUTO and V4_PREFERRED need both, and one question gets both. */
export function askedFamily(family: LookupFamily): 0 | 4 | 6 {
  if (family === 'V4_ONLY') return 4;
  return family === 'V6_ONLY' ? 6 : 0;
}

/** The records to use. AUTO takes IPv6 alone when there is any, V4_PREFERRED the reverse. Doubles are dropped. */
export function chooseRecords(records: readonly DnsRecord[], family: LookupFamily): DnsRecord[] {
  const v4 = distinct(records, 4);
  const v6 = distinct(records, 6);
  switch (family) {
    case 'V4_ONLY':
      return v4;
    case 'V6_ONLY':
      return v6;
    case 'V4_PREFERRED':
      return v4.length > 0 ? v4 : v6;
    case 'AUTO':
      return v6.length > 0 ? v6 : v4;
    case 'ALL':
      // In the order in which Envoy has them.
      return [...v4, ...v6];
  }
}

function distinct(records: readonly DnsRecord[], version: 4 | 6): DnsRecord[] {
  const byAddress = new Map<string, DnsRecord>();
  for (const record of records) {
    if (isIP(record.address) === version && !byAddress.has(record.address)) byAddress.set(record.address, record);
  }
  return [...byAddress.values()];
}
