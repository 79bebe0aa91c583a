/** The same for clusters that are found by DNS. */
import type { Edge } from './refusals.ts';
import { TO_A, type Yaml } from './scenario.ts';

const CARES = 'network.dns_resolver.cares.v3.CaresDnsResolverConfig';
const GETADDRINFO = 'network.dns_resolver.getaddrinfo.v3.GetAddrInfoDnsResolverConfig';

const at = (address: string, port_value = 53): Yaml => ({ socket_address: { address, port_value } });
const host = (address: string): Yaml => ({ endpoint: { address: at(address, 80) } });
const group = (...addresses: readonly string[]): Yaml => ({ lb_endpoints: addresses.map(host) });
const assignment = (...endpoints: readonly Yaml[]): Yaml => ({ cluster_name: 'a', endpoints });
const ONE = assignment(group('a.example'));
const typed = (message: string, config: Yaml): Yaml => ({
  name: 'typed',
  typed_config: { '@type': `type.googleapis.com/envoy.extensions.${message}`, ...config },
});
const resolver = (message: string, config: Yaml): Yaml => ({ typed_dns_resolver_config: typed(message, config) });

const cluster = (name: string, why: string, fields: Yaml): Edge => ({
  name: `dns-${name}`,
  why,
  routes: [TO_A],
  clusters: { a: { load_assignment: ONE, ...fields } },
});
const strict = (name: string, why: string, fields: Yaml): Edge => cluster(name, why, { type: 'STRICT_DNS', ...fields });
const logical = (name: string, why: string, ...groups: readonly Yaml[]): Edge =>
  cluster(`logical-${name}`, why, { type: 'LOGICAL_DNS', load_assignment: assignment(...groups) });
const newer = (name: string, why: string, config: Yaml, fields: Yaml = {}): Edge =>
  cluster(`cluster-${name}`, why, {
    cluster_type: {
      name: 'envoy.clusters.dns',
      typed_config: typed('clusters.dns.v3.DnsCluster', config).typed_config,
    },
    ...fields,
  });

export const dnsEdges: readonly Edge[] = [
  logical('one', 'one endpoint', group('a.example')),
  logical('two-endpoints', 'one host cannot be two', group('a.example', 'b.example')),
  logical('two-groups', 'nor in two places', group('a.example'), group('b.example')),
  logical('none', 'nor none'),
  logical('address', 'an address is a name that needs no lookup', group('127.0.0.1')),
  strict('many', 'as many names as wanted', {
    load_assignment: assignment(group('a.example', 'b.example'), group('127.0.0.1')),
  }),
  strict('rate', 'a refresh of a millisecond', { dns_refresh_rate: '0.001s' }),
  strict('rate-more', 'a little more than that', { dns_refresh_rate: '0.002s' }),
  strict('jitter', 'jitter back in time', { dns_jitter: '-1s' }),
  strict('failure-no-base', 'a failure rate without a base', { dns_failure_refresh_rate: { max_interval: '1s' } }),
  strict('failure-max', 'less at most than at least', {
    dns_failure_refresh_rate: { base_interval: '2s', max_interval: '1s' },
  }),
  strict('family', 'a family that is none', { dns_lookup_family: 'V5_ONLY' }),
  strict('servers', 'servers in the oldest form', { dns_resolvers: [at('192.0.2.53')], use_tcp_for_dns_lookups: true }),
  strict('servers-name', 'a server by name', { dns_resolvers: [at('dns.example')] }),
  strict('resolution', 'servers in the older form', {
    dns_resolution_config: { resolvers: [at('192.0.2.53')], dns_resolver_options: { no_default_search_domain: true } },
  }),
  strict('resolution-none', 'the older form without any', { dns_resolution_config: {} }),
  strict('resolution-name', 'a server by name in the older form', {
    dns_resolution_config: { resolvers: [at('dns.example')] },
  }),
  strict('cares', 'c-ares with nothing', resolver(CARES, {})),
  strict('cares-all', 'c-ares with all that it has', {
    ...resolver(CARES, {
      resolvers: [at('192.0.2.53')],
      dns_resolver_options: { use_tcp_for_dns_lookups: true, no_default_search_domain: true },
      use_resolvers_as_fallback: true,
      filter_unroutable_families: true,
      udp_max_queries: 10,
      query_timeout_seconds: 1,
      query_tries: 2,
      rotate_nameservers: true,
      edns0_max_payload_size: 4096,
      max_udp_channel_duration: '1s',
      reinit_channel_on_timeout: true,
      qcache_max_ttl: 0,
    }),
  }),
  strict('cares-pipe', 'a server behind a Unix socket', resolver(CARES, { resolvers: [{ pipe: { path: '/dns' } }] })),
  strict('getaddrinfo', 'the resolver of the system', resolver(GETADDRINFO, { num_retries: 2 })),
  strict('unknown', 'a resolver that nobody knows', resolver('network.dns_resolver.acme.v3.Acme', {})),
  strict('two-forms', 'two forms at once', {
    dns_resolvers: [at('192.0.2.53')],
    ...resolver(GETADDRINFO, {}),
  }),
  newer('plain', 'the newer form', {}),
  newer('one-host', 'as one host', { all_addresses_in_single_endpoint: true }),
  newer(
    'one-host-of-two',
    'one host cannot be two in the newer form either',
    { all_addresses_in_single_endpoint: true },
    { load_assignment: assignment(group('a.example', 'b.example')) },
  ),
  newer('rate', 'a refresh of a millisecond in the newer form', { dns_refresh_rate: '0.001s' }),
  newer('min-rate', 'less than a second at least', { dns_min_refresh_rate: '0.9s' }),
  newer('both-types', 'type beside cluster_type', {}, { type: 'STRICT_DNS' }),
  cluster('type-name', 'the older types by their factory names', {
    cluster_type: { name: 'envoy.cluster.strict_dns' },
  }),
];
