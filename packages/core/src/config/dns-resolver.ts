/** Which DNS resolver a cluster, a DNS cache or the whole proxy uses. */
import { isIP } from 'node:net';
import type { z } from 'zod';
import type { DnsResolverSettings, ServerResolverSettings } from '../api/dns.ts';
import { address } from './common.ts';
import { type DeepPartial, fields, type MessageOutput, message, withDefault } from './message.ts';
import { bool, duration, list, uint32, uint64 } from './proto-json.ts';
import type { Report } from './schema-type.ts';
import { type TypedExtension, typedExtension } from './typed-extension.ts';

type AddressConfig = z.output<typeof address>;

/** Envoy `DnsResolverOptions`. */
const dnsResolverOptions = message(
  { use_tcp_for_dns_lookups: withDefault(bool(), false), no_default_search_domain: withDefault(bool(), false) },
  { name: 'envoy.config.core.v3.DnsResolverOptions' },
);

/** Envoy `DnsResolutionConfig`: the form before `typed_dns_resolver_config`. */
export const dnsResolutionConfig = message(
  { resolvers: list(address), dns_resolver_options: dnsResolverOptions },
  {
    name: 'envoy.config.core.v3.DnsResolutionConfig',
    check({ resolvers }, report) {
      if (resolvers?.length === 0) report({ path: ['resolvers'], message: 'needs at least 1 item' });
      checkResolvers('resolvers', resolvers, report);
    },
  },
);

/**
 * Envoy `CaresDnsResolverConfig`. What concerns c-ares' channel (its socket, its cache) holds here without being asked:
 * every question has a socket of its own, and no answer is kept.
 */
const caresDnsResolver = message(
  {
    resolvers: list(address),
    dns_resolver_options: dnsResolverOptions,
    use_resolvers_as_fallback: withDefault(bool(), false),
    filter_unroutable_families: withDefault(bool(), false),
    udp_max_queries: uint32(),
    query_timeout_seconds: uint64({ min: 1 }),
    query_tries: uint32({ min: 1 }),
    rotate_nameservers: withDefault(bool(), false),
    edns0_max_payload_size: uint32({ min: 512, max: 4096 }),
    max_udp_channel_duration: duration(),
    reinit_channel_on_timeout: withDefault(bool(), false),
    qcache_max_ttl: uint32(),
  },
  {
    name: 'envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
    check: ({ resolvers }, report) => checkResolvers('resolvers', resolvers, report),
  },
);

/** Envoy `GetAddrInfoDnsResolverConfig`. */
const getAddrInfoDnsResolver = message(
  { num_retries: uint32() },
  {
    name: 'envoy.extensions.network.dns_resolver.getaddrinfo.v3.GetAddrInfoDnsResolverConfig',
    known: fields('num_resolver_threads', 'Node.js has one pool of threads, see UV_THREADPOOL_SIZE'),
  },
);

const CARES = 'envoy.network.dns_resolver.cares';
const GETADDRINFO = 'envoy.network.dns_resolver.getaddrinfo';

/** A `typed_dns_resolver_config` field. */
export const typedDnsResolverConfig = typedExtension('envoy.config.core.v3.TypedExtensionConfig', [
  { name: CARES, schema: caresDnsResolver as never },
  { name: GETADDRINFO, schema: getAddrInfoDnsResolver as never },
  {
    name: 'envoy.network.dns_resolver.apple',
    schema: undefined,
    type: 'envoy.extensions.network.dns_resolver.apple.v3.AppleDnsResolverConfig',
    reason: 'use envoy.network.dns_resolver.getaddrinfo',
  },
]);

/** @internal Nothing could look up the name of a resolver. */
export function checkResolvers(
  field: string,
  resolvers: readonly (DeepPartial<AddressConfig> | undefined)[] | undefined,
  report: Report,
): void {
  for (const [index, resolver] of (resolvers ?? []).entries()) {
    const { pipe, socketAddress } = resolver ?? {};
    if (pipe !== undefined) {
      report({ path: [field, index], message: `DNS resolver '${pipe.path}' is not an IP address` });
    }
    if (socketAddress?.address === undefined || isIP(socketAddress.address) !== 0) continue;
    const message = `malformed IP address: ${socketAddress.address}`;
    report({ path: [field, index, 'socket_address', 'address'], message });
  }
}

/** The DNS fields of a cluster, of a DNS cache or of the bootstrap. */
export interface DnsResolverFields {
  readonly typedDnsResolverConfig?: TypedExtension | undefined;
  readonly dnsResolutionConfig?: MessageOutput<(typeof dnsResolutionConfig)['info']['fields']> | undefined;
  readonly dnsResolvers?: readonly AddressConfig[] | undefined;
  readonly useTcpForDnsLookups?: boolean | undefined;
}

/** The resolver that fields ask for, the newest form first; `undefined` when they ask for none. */
export function dnsResolverSettings(config: DnsResolverFields): DnsResolverSettings | undefined {
  const { typedDnsResolverConfig: typed, dnsResolutionConfig: older, dnsResolvers = [], useTcpForDnsLookups } = config;
  if (typed?.name === GETADDRINFO) {
    const { numRetries } = typed.config as MessageOutput<(typeof getAddrInfoDnsResolver)['info']['fields']>;
    return { kind: 'system', retries: numRetries };
  }
  if (typed !== undefined) return cares(typed.config as Cares);
  if (older !== undefined) return servers(older.resolvers, older.dnsResolverOptions);
  if (dnsResolvers.length === 0 && useTcpForDnsLookups !== true) return undefined;
  return servers(dnsResolvers, { useTcpForDnsLookups: useTcpForDnsLookups ?? false, noDefaultSearchDomain: false });
}

type Cares = MessageOutput<(typeof caresDnsResolver)['info']['fields']>;
type Options = MessageOutput<(typeof dnsResolverOptions)['info']['fields']>;

/** Without anything in it c-ares is only Envoy's word for the usual way. */
function cares(config: Cares): DnsResolverSettings {
  const { resolvers, dnsResolverOptions: options, queryTimeoutSeconds, queryTries, edns0MaxPayloadSize } = config;
  const { useResolversAsFallback, filterUnroutableFamilies, rotateNameservers } = config;
  const set = [options, queryTimeoutSeconds, queryTries, edns0MaxPayloadSize].some((field) => field !== undefined);
  if (!set && resolvers.length === 0 && !filterUnroutableFamilies && !rotateNameservers) return { kind: 'system' };
  return {
    ...servers(resolvers, options),
    fallback: useResolversAsFallback,
    ...(queryTimeoutSeconds !== undefined && { timeoutMs: queryTimeoutSeconds * 1000 }),
    ...(queryTries !== undefined && { tries: queryTries }),
    ...(edns0MaxPayloadSize !== undefined && { udpBytes: edns0MaxPayloadSize }),
    rotate: rotateNameservers,
    routableOnly: filterUnroutableFamilies,
  };
}

/** Timeout, rounds and size where nothing is said: those of c-ares. */
function servers(addresses: readonly AddressConfig[], options: Options | undefined): ServerResolverSettings {
  return {
    kind: 'servers',
    servers: addresses.map(({ socketAddress }) => {
      return { ip: socketAddress?.address ?? '', port: socketAddress?.portValue || 53 };
    }),
    fallback: false,
    tcp: options?.useTcpForDnsLookups ?? false,
    search: !(options?.noDefaultSearchDomain ?? false),
    timeoutMs: 2000,
    tries: 3,
    rotate: false,
    udpBytes: 1232,
    routableOnly: false,
  };
}
