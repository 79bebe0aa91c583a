import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hcmType, parse, problems, routerType } from './fixture.ts';
import { canonicalName } from './v2.ts';

function fixture(name: string): string {
  return readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8');
}

const v2 = `static_resources:
  listeners:
  - address: { socket_address: { address: 0.0.0.0, port_value: 80 } }
    filter_chains:
    - filters:
      - name: envoy.http_connection_manager
        config:
          codec_type: auto
          stat_prefix: in
          idle_timeout: 30s
          http_filters: [{ name: envoy.router, config: { suppress_envoy_headers: true } }]
          route_config:
            virtual_hosts:
            - { name: v, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: c } }] }
  clusters:
  - name: c
    type: strict_dns
    lb_policy: round_robin
    dns_lookup_family: v4_only
    hosts:
    - socket_address: { address: one, port_value: 1 }
    - socket_address: { address: two, port_value: 2 }
`;

const v3 = `static_resources:
  listeners:
  - address: { socket_address: { address: 0.0.0.0, port_value: 80 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": ${hcmType}
          codec_type: AUTO
          stat_prefix: in
          common_http_protocol_options: { idle_timeout: 30s }
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": ${routerType}, suppress_envoy_headers: true }
          route_config:
            virtual_hosts:
            - { name: v, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: c } }] }
  clusters:
  - name: c
    type: STRICT_DNS
    lb_policy: ROUND_ROBIN
    dns_lookup_family: V4_ONLY
    load_assignment:
      cluster_name: c
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: one, port_value: 1 } } }
        - endpoint: { address: { socket_address: { address: two, port_value: 2 } } }
`;

describe('the form of 2018', () => {
  it('comes to the same as its v3 form', () => {
    const [old, now] = [parse(v2), parse(v3)];
    expect(old.config).toEqual(now.config);
    expect(old.raw).toEqual(now.raw);
  });

  it('typed configurations of v2 are read', () => {
    const typed = v2.replace(
      'config:\n          codec_type',
      'typed_config:\n          "@type": type.googleapis.com/envoy.config.filter.network.http_connection_manager.v2.HttpConnectionManager\n          codec_type',
    );
    expect(parse(typed).config).toEqual(parse(v3).config);
  });

  it('the sidecar loads whole', () => {
    const { config } = parse(fixture('service-envoy-v2.yaml'), 'service-envoy-v2.yaml');
    expect(config.staticResources.clusters).toMatchObject([
      {
        name: 'local_service',
        type: 'STRICT_DNS',
        connectTimeoutMs: 250,
        loadAssignment: {
          endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { portValue: 8080 } } } }] }],
        },
      },
    ]);
    expect(config.admin?.address?.socketAddress?.portValue).toBe(8081);
  });

  it('the front proxy is accepted with its HTTP/2 upstreams', () => {
    expect(problems(fixture('front-envoy-v2.yaml'), 'front-envoy-v2.yaml')).toEqual([]);
  });

  it.each([
    [
      'hosts',
      v2.replace('port_value: 2', 'port_value: x'),
      'c.yaml:22:51 static_resources.clusters[0].hosts[1].socket_address.port_value: expected a whole number from 0 to 65535, got "x"',
    ],
    [
      'config',
      v2.replace('stat_prefix: in', 'stat_prefix: 5'),
      'c.yaml:9:24 static_resources.listeners[0].filter_chains[0].filters[0].config.stat_prefix: expected a string, got 5 (put it in quotes: "5")',
    ],
    [
      'idle_timeout',
      v2.replace('30s', '30'),
      'c.yaml:10:25 static_resources.listeners[0].filter_chains[0].filters[0].config.idle_timeout: expected a duration such as "0.25s", got 30 (write "30s")',
    ],
    [
      'filter config',
      v2.replace('suppress_envoy_headers', 'suppress_headers'),
      'unknown field "suppress_headers" of envoy.extensions.filters.http.router.v3.Router',
    ],
    [
      'lower-case enum',
      v2.replace('round_robin', 'maglev'),
      'lb_policy: no extension serves envoy.load_balancing_policies.maglev',
    ],
    [
      'unknown filter',
      v2.replace('envoy.router', 'envoy.gzip'),
      "Didn't find a registered implementation for 'envoy.filters.http.gzip'",
    ],
    [
      'hosts beside load_assignment',
      v2.replace('    hosts:', '    load_assignment: { cluster_name: c }\n    hosts:'),
      'static_resources.clusters[0].hosts: known to Envoy, not supported here: use load_assignment, not both',
    ],
  ])('problems are told where they were written: %s', (_, text, message) => {
    expect(problems(text).join('\n')).toContain(message);
  });

  it.each([
    ['network-filter', 'envoy.http_connection_manager', 'envoy.filters.network.http_connection_manager'],
    ['network-filter', 'envoy.echo', 'envoy.filters.network.echo'],
    ['network-filter', 'envoy.acme', 'envoy.acme'],
    ['http-filter', 'envoy.router', 'envoy.filters.http.router'],
    ['http-filter', 'envoy.rate_limit', 'envoy.filters.http.ratelimit'],
    ['http-filter', 'envoy.http_dynamo_filter', 'envoy.filters.http.dynamo'],
    ['http-filter', 'acme.gate', 'acme.gate'],
    ['http-filter', 'envoy.filters.http.router', 'envoy.filters.http.router'],
    ['listener-filter', 'envoy.listener.tls_inspector', 'envoy.filters.listener.tls_inspector'],
    ['listener-filter', 'envoy.filters.listener.http_inspector', 'envoy.filters.listener.http_inspector'],
  ] as const)('canonicalName %s %s → %s', (kind, name, canonical) => {
    expect(canonicalName(kind, name)).toBe(canonical);
  });
});

describe('TLS in the form of 2018', () => {
  const pem = (name: string) => new URL(`../net/tls/fixtures/${name}`, import.meta.url).pathname;
  const pair = `tls_certificates: [{ certificate_chain: { filename: ${pem('server.pem')} }, private_key: { filename: ${pem('server.key')} } }]`;
  const proxy = (chain: string, cluster: string) => `static_resources:
  listeners:
  - address: { socket_address: { address: 0.0.0.0, port_value: 443 } }
    filter_chains:
    - filters: [{ name: envoy.echo }]
      ${chain}
  clusters:
  - name: c
    ${cluster}
`;
  const type = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';
  const now = proxy(
    `transport_socket: { name: envoy.transport_sockets.tls, typed_config: { "@type": ${type}.DownstreamTlsContext, common_tls_context: { ${pair}, alpn_protocols: h2 } } }`,
    `transport_socket: { name: envoy.transport_sockets.tls, typed_config: { "@type": ${type}.UpstreamTlsContext, sni: a, common_tls_context: { validation_context: { trusted_ca: { filename: ${pem('ca.pem')} }, match_subject_alt_names: [{ exact: a }, { exact: b }] } } } }`,
  ).replace('alpn_protocols: h2', 'alpn_protocols: [h2]');
  const validation = `validation_context: { trusted_ca: { filename: ${pem('ca.pem')} }, verify_subject_alt_name: [a, b] }`;

  it.each([
    [
      'tls_context',
      `tls_context: { common_tls_context: { ${pair}, alpn_protocols: [h2] } }`,
      `tls_context: { sni: a, common_tls_context: { ${validation} } }`,
    ],
    [
      'config',
      `transport_socket: { name: tls, config: { common_tls_context: { ${pair}, alpn_protocols: [h2] } } }`,
      `transport_socket: { name: envoy.transport_sockets.tls, config: { sni: a, common_tls_context: { ${validation} } } }`,
    ],
    [
      'types of v2',
      `transport_socket: { name: envoy.transport_sockets.tls, typed_config: { "@type": type.googleapis.com/envoy.api.v2.auth.DownstreamTlsContext, common_tls_context: { ${pair}, alpn_protocols: [h2] } } }`,
      `transport_socket: { name: envoy.transport_sockets.tls, typed_config: { "@type": type.googleapis.com/envoy.api.v2.auth.UpstreamTlsContext, sni: a, common_tls_context: { ${validation} } } }`,
    ],
  ])('%s comes to the same as transport_socket', (_what, chain, cluster) => {
    expect(parse(proxy(chain, cluster)).config).toEqual(parse(now).config);
  });

  it('problems are told where they were written', () => {
    const bad = proxy(`tls_context: { common_tls_context: { ${pair}, alpn_protocol: [h2] } }`, '');
    expect(problems(bad)).toEqual([expect.stringMatching(/^c\.yaml:6:\d+.*unknown field "alpn_protocol"/)]);
  });
});
