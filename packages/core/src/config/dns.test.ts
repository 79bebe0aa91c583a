import { describe, expect, it } from 'vitest';
import { clusterSchema } from './cluster.ts';
import { dnsResolverSettings } from './dns-resolver.ts';

const CARES = 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig';
const GETADDRINFO =
  'type.googleapis.com/envoy.extensions.network.dns_resolver.getaddrinfo.v3.GetAddrInfoDnsResolverConfig';
const APPLE = 'type.googleapis.com/envoy.extensions.network.dns_resolver.apple.v3.AppleDnsResolverConfig';

const at = (address: string, port = 53) => ({ socket_address: { address, port_value: port } });
const typed = (type: string, config: object = {}) => ({
  typed_dns_resolver_config: { name: 'envoy.network.dns_resolver.any', typed_config: { '@type': type, ...config } },
});

function parse(fields: object) {
  const result = clusterSchema.safeParse({ name: 'c', type: 'STRICT_DNS', ...fields });
  return {
    cluster: result.data,
    problems: result.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [],
  };
}

function settings(fields: object) {
  const { cluster, problems } = parse(fields);
  expect(problems).toEqual([]);
  return cluster && dnsResolverSettings(cluster);
}

const plain = {
  kind: 'servers',
  servers: [{ ip: '192.0.2.53', port: 53 }],
  fallback: false,
  tcp: false,
  search: true,
  timeoutMs: 2000,
  tries: 3,
  rotate: false,
  udpBytes: 1232,
  routableOnly: false,
};

describe('dnsResolverSettings', () => {
  it.each([
    ['nothing', {}, undefined],
    ['dns_resolvers', { dns_resolvers: [at('192.0.2.53')] }, plain],
    ['a server without a port', { dns_resolvers: [at('192.0.2.53', 0)] }, plain],
    ['use_tcp_for_dns_lookups', { use_tcp_for_dns_lookups: true }, { ...plain, servers: [], tcp: true }],
    [
      'dns_resolution_config',
      {
        dns_resolution_config: {
          resolvers: [at('192.0.2.53')],
          dns_resolver_options: { no_default_search_domain: true },
        },
      },
      { ...plain, search: false },
    ],
    ['c-ares as it is', typed(CARES), { kind: 'system' }],
    [
      'c-ares with everything',
      typed(CARES, {
        resolvers: [at('192.0.2.53'), at('2001:db8::53', 5353)],
        dns_resolver_options: { use_tcp_for_dns_lookups: true },
        use_resolvers_as_fallback: true,
        filter_unroutable_families: true,
        udp_max_queries: 100,
        query_timeout_seconds: '5',
        query_tries: 4,
        rotate_nameservers: true,
        edns0_max_payload_size: 4096,
        max_udp_channel_duration: '10s',
        reinit_channel_on_timeout: true,
        qcache_max_ttl: 5,
      }),
      {
        kind: 'servers',
        servers: [
          { ip: '192.0.2.53', port: 53 },
          { ip: '2001:db8::53', port: 5353 },
        ],
        fallback: true,
        tcp: true,
        search: true,
        timeoutMs: 5000,
        tries: 4,
        rotate: true,
        udpBytes: 4096,
        routableOnly: true,
      },
    ],
    ['getaddrinfo', typed(GETADDRINFO, { num_retries: 3 }), { kind: 'system', retries: 3 }],
    [
      'the newest form first',
      { ...typed(GETADDRINFO), dns_resolvers: [at('192.0.2.53')] },
      { kind: 'system', retries: undefined },
    ],
  ])('reads %s', (_title, fields, expected) => {
    expect(settings(fields)).toEqual(expected);
  });

  it.each([
    ['a name', { dns_resolution_config: { resolvers: [at('dns.example')] } }, 'malformed IP address: dns.example'],
    ['a pipe', typed(CARES, { resolvers: [{ pipe: { path: '/dns' } }] }), "DNS resolver '/dns' is not an IP address"],
    ['no server at all', { dns_resolution_config: { resolvers: [] } }, 'needs at least 1 item'],
    ['no server, not even none', { dns_resolution_config: {} }, 'needs at least 1 item'],
    ['a name in the oldest form', { dns_resolvers: [at('dns.example')] }, 'malformed IP address: dns.example'],
    ['no round', typed(CARES, { query_tries: 0 }), 'query_tries'],
    ['small datagrams', typed(CARES, { edns0_max_payload_size: 511 }), 'edns0_max_payload_size'],
    ['threads', typed(GETADDRINFO, { num_resolver_threads: 2 }), 'UV_THREADPOOL_SIZE'],
    ["Apple's", typed(APPLE), 'use envoy.network.dns_resolver.getaddrinfo'],
    ['an unknown one', typed('type.googleapis.com/acme.Resolver'), "Didn't find a registered implementation"],
  ])('refuses %s', (_title, fields, problem) => {
    expect(parse(fields).problems.join('\n')).toContain(problem);
  });
});

describe('LOGICAL_DNS', () => {
  const endpoint = { endpoint: { address: at('a.example', 80) } };
  const group = { lb_endpoints: [endpoint] };
  const one = 'LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint';

  it.each([
    [[group], []],
    [[{ lb_endpoints: [endpoint, endpoint] }], [`load_assignment: ${one}`]],
    [[group, group], [`load_assignment: ${one}`]],
    [[], [`load_assignment: ${one}`]],
  ])('%# has exactly one endpoint', (endpoints, problems) => {
    const cluster = { type: 'LOGICAL_DNS', load_assignment: { cluster_name: 'c', endpoints } };
    expect(parse(cluster).problems).toEqual(problems);
  });
});
