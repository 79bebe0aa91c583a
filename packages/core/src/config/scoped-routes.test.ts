import { describe, expect, it } from 'vitest';
import {
  type Accepted,
  expectAccepted,
  expectRefused,
  hcmType,
  problems,
  type Refused,
  refusals,
  routerType,
} from './fixture.ts';
import { scopedRoutes } from './scoped-routes.ts';

const scope = (name: string, keys: readonly string[]) => ({
  name,
  key: { fragments: keys.map((string_key) => ({ string_key })) },
  route_configuration: { name },
});
const extractor = (given: object) => ({ fragments: [{ header_value_extractor: { name: 'x', ...given } }] });
const config = (scopes: readonly object[], scope_key_builder: object = extractor({ index: 0 })) => ({
  name: 's',
  scope_key_builder,
  scoped_route_configurations_list: { scoped_route_configurations: scopes },
});
const place = 'scoped_route_configurations_list.scoped_route_configurations';
const builder = 'scope_key_builder.fragments.0.header_value_extractor';

const accepted: readonly Accepted[] = [
  [
    'index',
    scopedRoutes,
    () => config([scope('a', ['1'])]),
    { scopeKeyBuilder: { fragments: [{ headerValueExtractor: { name: 'x', elementSeparator: '', index: 0 } }] } },
  ],
  [
    'element',
    scopedRoutes,
    () => config([scope('a', ['1'])], extractor({ element: { separator: '=', key: 'k' } })),
    { name: 's' },
  ],
  [
    'an empty key, and on_demand',
    scopedRoutes,
    () => config([{ ...scope('a', ['']), on_demand: true }]),
    { scopedRouteConfigurationsList: { scopedRouteConfigurations: [{ key: { fragments: [{ stringKey: '' }] } }] } },
  ],
];

const refused: readonly Refused[] = [
  ['no scope', scopedRoutes, () => config([]), `${place}: needs at least 1 item, got a list`],
  [
    'no fragment',
    scopedRoutes,
    () => config([scope('a', ['1'])], { fragments: [] }),
    'scope_key_builder.fragments: needs at least 1 item, got a list',
  ],
  [
    'no way to extract',
    scopedRoutes,
    () => config([scope('a', ['1'])], extractor({})),
    `${builder}: needs one of index, element`,
  ],
  [
    'an index without separator',
    scopedRoutes,
    () => config([scope('a', ['1'])], extractor({ index: 1 })),
    `${builder}.index: Index > 0 for empty string element separator.`,
  ],
  [
    'a table by name',
    scopedRoutes,
    () => config([{ ...scope('a', ['1']), route_configuration_name: 'r' }]),
    `${place}.0.route_configuration_name: known to Envoy, not supported here: Fetching routes via RDS (route_configuration_name) is not supported with inline scoped routes.`,
  ],
  [
    'a name twice',
    scopedRoutes,
    () => config([scope('a', ['1']), scope('a', ['2'])]),
    `${place}.1.name: duplicate scoped route configuration 'a' found`,
  ],
  [
    'a key twice',
    scopedRoutes,
    () => config([scope('a', ['1']), scope('b', ['1'])]),
    `${place}.1.key: scope key conflict found, first scope is 'a', second scope is 'b'`,
  ],
  [
    'xDS',
    scopedRoutes,
    () => ({ name: 's', scope_key_builder: extractor({ index: 0 }), scoped_rds: {} }),
    'scoped_rds: known to Envoy, not supported here: xDS is not built yet',
  ],
];

describe('scopedRoutes', () => {
  it.each(accepted)('%s is accepted', (_, schema, value, part) => expectAccepted(schema, value(), part));

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});

it('scopedRoutes may only name clusters that exist', () => {
  const told = problems(`static_resources:
  listeners:
  - name: l
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": ${hcmType}
          stat_prefix: in
          http_filters:
          - { name: envoy.filters.http.router, typed_config: { "@type": ${routerType} } }
          scoped_routes:
            name: s
            scope_key_builder: { fragments: [{ header_value_extractor: { name: x, index: 0 } }] }
            scoped_route_configurations_list:
              scoped_route_configurations:
              - name: a
                key: { fragments: [{ string_key: "1" }] }
                route_configuration:
                  virtual_hosts:
                  - name: v
                    domains: ["*"]
                    routes: [{ match: { prefix: / }, route: { cluster: nosuch } }]
`);
  expect(told.filter((line) => line.includes('unknown cluster'))).toHaveLength(1);
  expect(told.join()).toContain("route: unknown cluster 'nosuch'");
});
