/** The DNS cache behind dynamic forward proxies. */
export { readAuthority } from './authority.ts';
export type { CachedName } from './cached-name.ts';
export type { DnsCache } from './dns-cache.ts';
export { type CacheHold, holdCache } from './shared.ts';
