/** Where clusters get their endpoints from. */

export { strictDns, strictDnsWith } from './strict-dns/index.ts';
export type { DnsLookup, DnsQuery, DnsRecord } from './strict-dns/lookup.ts';
