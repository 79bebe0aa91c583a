/** The DNS cache of dynamic forward proxies: filters and clusters that name the same one share it. */
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { cidrRange } from './common.ts';
import { refreshRate } from './dns.ts';
import { dnsResolutionConfig, typedDnsResolverConfig } from './dns-resolver.ts';
import type { ConfigPath, SchemaIssue } from './issues.ts';
import { message, required, withDefault } from './message.ts';
import { bool, duration, enumOf, list, nonEmpty, uint32 } from './proto-json.ts';

const type = 'envoy.extensions.common.dynamic_forward_proxy.v3';

const circuitBreakers = message(
  { max_pending_requests: withDefault(uint32(), 1024) },
  { name: `${type}.DnsCacheCircuitBreakers` },
);

const addressMatcher = message(
  { ranges: list(cidrRange), invert_match: withDefault(bool(), false) },
  { name: 'envoy.type.matcher.v3.AddressMatcher' },
);

/** A name that is looked up before anyone asks for it. */
const hostname = message(
  {
    address: required(nonEmpty()),
    port_value: uint32({ max: 65535 }),
    protocol: withDefault(enumOf(['TCP', 'UDP']), 'TCP'),
    ipv4_compat: withDefault(bool(), false),
  },
  {
    name: 'envoy.config.core.v3.SocketAddress',
    known: {
      named_port: 'named ports need a service resolver',
      resolver_name: 'names are looked up by the resolver of the cache',
      network_namespace_filepath: 'Node.js cannot enter a network namespace',
    },
    oneofs: [{ fields: ['port_value', 'named_port'], required: true }],
  },
);

/** Envoy `DnsCacheConfig`. */
export const dnsCacheConfig = message(
  {
    name: required(nonEmpty()),
    dns_lookup_family: withDefault(enumOf(['AUTO', 'V4_ONLY', 'V6_ONLY', 'V4_PREFERRED', 'ALL']), 'AUTO'),
    dns_refresh_rate: withDefault(duration({ minMs: 1 }), 60_000),
    dns_min_refresh_rate: withDefault(duration({ minMs: 1000 }), 5000),
    host_ttl: withDefault(duration({ aboveMs: 0 }), 300_000),
    max_hosts: withDefault(uint32({ min: 1 }), 1024),
    disable_dns_refresh_on_failure: withDefault(bool(), false),
    dns_failure_refresh_rate: refreshRate('envoy.config.cluster.v3.Cluster.RefreshRate'),
    dns_cache_circuit_breaker: circuitBreakers,
    use_tcp_for_dns_lookups: withDefault(bool(), false),
    dns_resolution_config: dnsResolutionConfig,
    typed_dns_resolver_config: typedDnsResolverConfig,
    preresolve_hostnames: list(hostname),
    dns_query_timeout: withDefault(duration(), 5000),
    resolved_address_filter: addressMatcher,
  },
  {
    name: `${type}.DnsCacheConfig`,
    known: { key_value_config: 'the cache is not kept beyond the process' },
    check({ name = '', maxHosts = 1024, preresolveHostnames = [] }, report) {
      const count = preresolveHostnames.length;
      if (count <= maxHosts) return;
      const message = `DNS Cache [${name}] configured with preresolve_hostnames=${count} larger than max_hosts=${maxHosts}`;
      report({ path: ['preresolve_hostnames'], message });
    },
  },
);

/** A DNS cache with all defaults filled in. */
export type DnsCacheConfig = z.output<typeof dnsCacheConfig>;

/** The config of an extension that may have a DNS cache, and where it stands. */
export interface CacheUser {
  readonly config: unknown;
  readonly path: ConfigPath;
}

/** Who names a cache must mean the same one; Envoy's words. */
export function checkDnsCaches(users: readonly CacheUser[]): SchemaIssue[] {
  const byName = new Map<string, DnsCacheConfig>();
  return users.flatMap(({ config, path }) => {
    const cache = (config as { readonly dnsCacheConfig?: DnsCacheConfig } | undefined)?.dnsCacheConfig;
    if (typeof cache?.name !== 'string') return [];
    const known = byName.get(cache.name);
    byName.set(cache.name, known ?? cache);
    if (known === undefined || isDeepStrictEqual(known, cache)) return [];
    const message = `config specified DNS cache '${cache.name}' with different settings`;
    return [{ path: [...path, 'dns_cache_config'], message }];
  });
}
