import { describe, expect, it } from 'vitest';
import { rawMap, SourceMap } from './source-map.ts';
import { upgradeRoutes } from './v2-routes.ts';

/** Raw data as it is read from a file. */
function raw(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(raw);
  if (value === null || typeof value !== 'object') return value;
  return rawMap(Object.entries(value).map(([key, part]) => [key, raw(part)]));
}

function upgraded(host: object) {
  const table = raw({ virtual_hosts: [host] }) as ReturnType<typeof rawMap>;
  upgradeRoutes(table, new SourceMap('c.yaml'), (name) => name.replace(/^envoy\.(?!filters)/, 'envoy.filters.http.'));
  return JSON.parse(JSON.stringify(table)).virtual_hosts[0];
}

const ofRoute = (route: object) => upgraded({ routes: [{ route }] }).routes[0].route;

describe('upgradeRoutes', () => {
  it.each<[string, object, object]>([
    ['a host header', { auto_host_rewrite_header: 'x' }, { host_rewrite_header: 'x' }],
    ['websocket', { use_websocket: true }, { upgrade_configs: [{ upgrade_type: 'websocket', enabled: true }] }],
    [
      'the one mirror',
      { request_mirror_policy: { cluster: 's', runtime_key: 'k' } },
      {
        request_mirror_policies: [
          { cluster: 's', runtime_fraction: { default_value: { numerator: 0 }, runtime_key: 'k' } },
        ],
      },
    ],
    [
      'the one mirror in camelCase',
      { requestMirrorPolicy: { cluster: 's' } },
      { request_mirror_policies: [{ cluster: 's' }] },
    ],
    [
      'CORS',
      { cors: { allow_origin: ['*', 'a.com'], enabled: false } },
      {
        cors: {
          allow_origin_string_match: [{ exact: '*' }, { exact: 'a.com' }],
          filter_enabled: { default_value: { numerator: 0 } },
        },
      },
    ],
    [
      'filters of weighted clusters',
      { weighted_clusters: { clusters: [{ name: 'c', per_filter_config: { 'envoy.buffer': { a: 1 } } }] } },
      {
        weighted_clusters: {
          clusters: [{ name: 'c', typed_per_filter_config: { 'envoy.filters.http.buffer': { a: 1 } } }],
        },
      },
    ],
    ['what is in the v3 form', { host_rewrite_header: 'x', cors: {} }, { host_rewrite_header: 'x', cors: {} }],
  ])('%s', (_, before, after) => {
    expect(ofRoute(before)).toEqual(after);
  });

  it('filter configurations of routes and virtual hosts, typed and untyped', () => {
    const typed = { typed_per_filter_config: { 'envoy.buffer': { '@type': 't' } } };
    const untyped = { per_filter_config: { 'envoy.buffer': { a: 1 } } };
    expect(upgraded({ ...typed, routes: [untyped] })).toEqual({
      typed_per_filter_config: { 'envoy.filters.http.buffer': { '@type': 't' } },
      routes: [{ typed_per_filter_config: { 'envoy.filters.http.buffer': { a: 1 } } }],
    });
  });
});
