/** Where clusters get their endpoints from. */

export { aggregate } from './aggregate/index.ts';
export { dnsCluster, dnsClusterWith } from './dns-cluster/index.ts';
export { dynamicForwardProxyCluster, dynamicForwardProxyClusterWith } from './dynamic-forward-proxy/index.ts';
export { logicalDns, logicalDnsWith } from './logical-dns/index.ts';
export { originalDstCluster } from './original-dst/index.ts';
export type { DnsLookup, DnsQuery, DnsRecord, LookupFamily } from './resolver/index.ts';
export { strictDns, strictDnsWith } from './strict-dns/index.ts';
