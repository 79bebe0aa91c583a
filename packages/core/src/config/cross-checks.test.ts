import { describe, expect, it } from 'vitest';
import { bootstrap, problems, registry, routerType } from './fixture.ts';
import { loadConfigText } from './load.ts';
import { parseBootstrap } from './parse.ts';

const router = `{ name: envoy.filters.http.router, typed_config: { "@type": ${routerType} } }`;
const echo =
  '- { name: e, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo } }';
const chain = 'static_resources.listeners[0].filter_chains[0].filters';
const http = `${chain}[0].typed_config.http_filters`;
const type = 'envoy.filters.http.router';

describe('checkReferences', () => {
  it('accepts what fits together', () => {
    expect(problems(bootstrap())).toEqual([]);
    expect(problems(bootstrap({ networkFilters: `      - name: acme.filters.network.tap\n      ${echo}` }))).toEqual(
      [],
    );
  });

  it.each([
    [
      'duplicate cluster',
      { clusters: '{ name: c }\n  - { name: d }\n  - { name: c }' },
      "c.yaml:22:13 static_resources.clusters[2].name: cluster manager: duplicate cluster 'c'",
    ],
    [
      'unknown cluster',
      { routes: '{ match: { prefix: / }, route: { cluster: cc } }' },
      `c.yaml:18:59 ${chain}[0].typed_config.route_config.virtual_hosts[0].routes[0].route.cluster: route: unknown cluster 'cc' (did you mean "c"?)`,
    ],
    [
      'unknown weighted cluster',
      {
        routes:
          '{ match: { prefix: / }, route: { weighted_clusters: { clusters: [{ name: c, weight: 1 }, { name: d, weight: 1 }, { cluster_header: x, weight: 1 }] } } }',
      },
      `c.yaml:18:114 ${chain}[0].typed_config.route_config.virtual_hosts[0].routes[0].route.weighted_clusters.clusters[1].name: route: unknown weighted cluster 'd' (did you mean "c"?)`,
    ],
    [
      'unknown shadow cluster of a route',
      {
        routes:
          '{ match: { prefix: / }, route: { cluster: c, request_mirror_policies: [{ cluster_header: x }, { cluster: shadow }] } }',
      },
      `c.yaml:18:122 ${chain}[0].typed_config.route_config.virtual_hosts[0].routes[0].route.request_mirror_policies[1].cluster: route: unknown shadow cluster 'shadow'`,
    ],
    [
      'unknown shadow cluster of a virtual host',
      { virtualHost: 'domains: ["*"]\n              request_mirror_policies: [{ cluster: shadow }]' },
      `c.yaml:17:52 ${chain}[0].typed_config.route_config.virtual_hosts[0].request_mirror_policies[0].cluster: route: unknown shadow cluster 'shadow'`,
    ],
    [
      'type without discovery',
      {
        clusters:
          '{ name: c, type: LOGICAL_DNS, load_assignment: { cluster_name: c, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: a.example, port_value: 80 } } } }] }] } }',
      },
      'c.yaml:20:22 static_resources.clusters[0].type: no extension serves clusters of type LOGICAL_DNS (pass extensions: [...standard])',
    ],
    [
      'non-terminal last',
      { filters: '{ name: acme.filters.http.gate }' },
      `c.yaml:12:21 ${http}[0].name: Error: non-terminal filter named acme.filters.http.gate of type acme.filters.http.gate is the last filter in a http filter chain.`,
    ],
    [
      'terminal not last',
      { filters: `${router}\n          - ${router.replace(type, 'r2')}` },
      `c.yaml:12:21 ${http}[0].name: Error: terminal filter named ${type} of type ${type} must be the last filter in a http filter chain.`,
    ],
    [
      'disabled router',
      { filters: router.replace('{ name', '{ disabled: true, name') },
      `c.yaml:12:37 ${http}[0].name: Error: the last (terminal) filter (${type}) in the chain cannot be disabled by default.`,
    ],
    [
      'network non-terminal',
      { networkFilters: '      - name: acme.filters.network.tap' },
      `c.yaml:7:15 ${chain}[0].name: Error: non-terminal filter named acme.filters.network.tap of type acme.filters.network.tap is the last filter in a network filter chain.`,
    ],
    [
      'network terminal',
      { networkFilters: `      ${echo}\n      ${echo}` },
      `c.yaml:7:17 ${chain}[0].name: Error: terminal filter named e of type envoy.filters.network.echo must be the last filter in a network filter chain.`,
    ],
  ])('%s', (_, parts, message) => {
    expect(problems(bootstrap(parts))).toEqual([message]);
  });

  it('a chain without network filters is none: it closes its connections', () => {
    expect(problems(bootstrap({ networkFilters: ' ' }))).toEqual([]);
  });

  it('duplicate listeners', () => {
    const text = bootstrap().replace(
      '  clusters:',
      `  - name: l\n    address: { pipe: { path: /p } }\n    filter_chains: [{ filters: [${echo.slice(2)}] }]\n  clusters:`,
    );
    expect(problems(text)).toEqual([
      "c.yaml:19:11 static_resources.listeners[1].name: error adding listener: duplicate listener name 'l'",
    ]);
  });

  it('listeners without names are no duplicates', () => {
    const one = `{ address: { pipe: { path: /p } }, filter_chains: [{ filters: [${echo.slice(2)}] }] }`;
    expect(problems(`static_resources: { listeners: [${one}, ${one}] }`)).toEqual([]);
  });

  it('an empty list of HTTP filters', () => {
    const text = bootstrap().replace(/http_filters:\n.*\n/, 'http_filters: []\n');
    expect(problems(text)).toEqual([
      `c.yaml:11:25 ${http}: needs a terminal filter: a http filter chain without one serves nobody`,
    ]);
  });

  it('the default filter chain is checked as well', () => {
    const text = bootstrap()
      .replace('filter_chains:\n    - filters:', 'default_filter_chain:\n      filters:')
      .replace('cluster: c', 'cluster: d');
    expect(problems(text)).toEqual([
      expect.stringContaining(
        "default_filter_chain.filters[0].typed_config.route_config.virtual_hosts[0].routes[0].route.cluster: route: unknown cluster 'd'",
      ),
    ]);
  });

  it('validate_clusters: false allows clusters that are not there', () => {
    const parts = { routes: '{ match: { prefix: / }, route: { cluster: later } }' };
    const text = bootstrap(parts).replace('route_config:\n', 'route_config:\n            validate_clusters: false\n');
    expect(problems(text)).toEqual([]);
  });

  it('clusters may stand elsewhere', () => {
    const text = bootstrap({ routes: '{ match: { prefix: / }, route: { cluster: built } }' });
    const loaded = loadConfigText(text, 'c.yaml');
    expect(() => parseBootstrap(loaded, { extensions: registry, otherClusters: ['built'] })).not.toThrow();
  });

  it('a type that no discovery serves', () => {
    const names = {
      find: registry.find.bind(registry),
      names: (kind: string) => (kind === 'discovery' ? [] : registry.names(kind)),
    };
    const loaded = loadConfigText('static_resources: { clusters: [{ name: c, type: STRICT_DNS }] }', 'c.yaml');
    expect(() => parseBootstrap(loaded, { extensions: names })).toThrow(
      'c.yaml:1:49 static_resources.clusters[0].type: no extension serves clusters of type STRICT_DNS (pass extensions: [...standard])',
    );
  });

  it('a filter inside a TypedStruct keeps its place', () => {
    const text = bootstrap({ routes: '{ match: { prefix: / }, route: { cluster: d } }' })
      .replace(
        /"@type": (\S+HttpConnectionManager)\n/,
        '"@type": type.googleapis.com/xds.type.v3.TypedStruct\n          type_url: $1\n          value:\n',
      )
      .replace(
        /(value:\n)([\s\S]*?)(\n {2}clusters:)/,
        (_, head, body, tail) => head + body.replace(/^/gm, '  ') + tail,
      );
    expect(problems(text)).toEqual([
      expect.stringMatching(/^c\.yaml:20:61 .*typed_config\.value\.route_config\..*unknown cluster 'd'/),
    ]);
  });

  it('a filter that could not be read is not blamed for its place', () => {
    expect(problems(bootstrap({ filters: '{ name: acme.unknown }' }))).toHaveLength(1);
  });
});
