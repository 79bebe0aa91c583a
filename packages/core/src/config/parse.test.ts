import { describe, expect, it } from 'vitest';
import { bootstrap, hcmType, parse, problems, registry, routerType } from './fixture.ts';
import { loadConfigText } from './load.ts';
import { mergeConfig } from './merge.ts';
import { parseBootstrap } from './parse.ts';

describe('parseBootstrap', () => {
  it('accepts an empty configuration', () => {
    expect(parse('{}').config.staticResources).toEqual({ listeners: [], clusters: [] });
  });

  it('freezes what it yields, at every depth', () => {
    const { config } = parse(bootstrap());
    const manager = config.staticResources.listeners[0]?.filterChains[0]?.filters[0];
    const deep = (manager?.config as { routeConfig: { virtualHosts: object[] } } | undefined)?.routeConfig
      .virtualHosts[0];
    expect([config, manager, manager?.config, deep].map(Object.isFrozen)).toEqual([true, true, true, true]);
  });

  it('tells every problem of every part, sorted by place', () => {
    const text = bootstrap({
      manager: 'stat_prefx: in',
      filters: '{ name: acme.unknown }',
      routes: '{ match: { prefix: / }, route: { cluster: d, timeout: 5 } }',
      clusters: '{ name: c, lb_policy: RANDM, hosts2: [] }',
    });
    expect(problems(text)).toEqual([
      `c.yaml:9:11 static_resources.listeners[0].filter_chains[0].filters[0].typed_config.stat_prefix: is required`,
      `c.yaml:10:11 static_resources.listeners[0].filter_chains[0].filters[0].typed_config.stat_prefx: unknown field "stat_prefx" of envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager (did you mean "stat_prefix"?)`,
      `c.yaml:12:21 static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[0].name: Didn't find a registered implementation for 'acme.unknown' with type URL: ''`,
      `c.yaml:18:59 static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[0].route.cluster: route: unknown cluster 'd' (did you mean "c"?)`,
      `c.yaml:18:71 static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[0].route.timeout: expected a duration such as "0.25s", got 5 (write "5s")`,
      `c.yaml:20:27 static_resources.clusters[0].lb_policy: expected one of ROUND_ROBIN, LEAST_REQUEST, RING_HASH, RANDOM, MAGLEV, CLUSTER_PROVIDED, LOAD_BALANCING_POLICY_CONFIG, got "RANDM" (did you mean "RANDOM"?)`,
      `c.yaml:20:34 static_resources.clusters[0].hosts2: unknown field "hosts2" of envoy.config.cluster.v3.Cluster (did you mean "hosts"?)`,
    ]);
  });

  it('adds problems of the text to those of its meaning', () => {
    expect(problems('admin: {}\nadmin: {}\nbogus: 1')).toEqual([
      'c.yaml:2:1 admin: the key "admin" is given twice',
      'c.yaml:3:1 bogus: unknown field "bogus" of envoy.config.bootstrap.v3.Bootstrap',
    ]);
  });

  it('tells places of a merged configuration in the file they stand in', () => {
    const loaded = mergeConfig(
      loadConfigText(bootstrap({ clusters: '{ name: c, bogus: 1 }' }), 'base.yaml'),
      loadConfigText('static_resources: { clusters: [{ name: d, type: NO }, { name: c }] }', '--config-yaml'),
    );
    expect(() => parseBootstrap(loaded, { extensions: registry })).toThrow(
      [
        'base.yaml:20:16 static_resources.clusters[0].bogus: unknown field "bogus" of envoy.config.cluster.v3.Cluster',
        '--config-yaml:1:49 static_resources.clusters[0].type: expected one of STATIC, STRICT_DNS, LOGICAL_DNS, ORIGINAL_DST, got "NO"',
        "--config-yaml:1:63 static_resources.clusters[1].name: cluster manager: duplicate cluster 'c'",
      ].join('\n'),
    );
  });

  it('reads JSON and camelCase alike', () => {
    const camel = {
      staticResources: {
        listeners: [
          {
            name: 'l',
            address: { socketAddress: { address: '127.0.0.1', portValue: 0 } },
            filterChains: [
              {
                filters: [
                  {
                    name: 'envoy.filters.network.http_connection_manager',
                    typedConfig: {
                      '@type': hcmType,
                      statPrefix: 'in',
                      httpFilters: [{ name: 'envoy.filters.http.router', typedConfig: { '@type': routerType } }],
                      routeConfig: {
                        virtualHosts: [
                          { name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'c' } }] },
                        ],
                      },
                    },
                  },
                ],
              },
            ],
          },
        ],
        clusters: [{ name: 'c' }],
      },
    };
    const parsed = parse(JSON.stringify(camel), 'c.json');
    expect(parsed).toEqual(parse(bootstrap()));
  });

  it('yields the raw form under proto names, with canonical scalars', () => {
    const text = `adminn: null
statsFlushInterval: { seconds: 2 }
static_resources:
  clusters:
  - { name: c, type: 1, connectTimeout: 1s, altStatName: null, perConnectionBufferLimitBytes: "5", metadata: { filterMetadata: { aB: { cD: 1 } } } }`;
    expect(parse(text.replace('adminn: null\n', '')).raw).toEqual({
      stats_flush_interval: '2s',
      static_resources: {
        clusters: [
          {
            name: 'c',
            type: 'STRICT_DNS',
            connect_timeout: '1s',
            per_connection_buffer_limit_bytes: 5,
            metadata: { filter_metadata: { aB: { cD: 1 } } },
          },
        ],
      },
    });
  });
});
