import { describe, it } from 'vitest';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { routeConfigurationSchema } from './route.ts';

const withHost = (given: object) => ({ name: 'r', virtual_hosts: [{ name: 'v', domains: ['*'], ...given }] });
const domains = (...lists: readonly (readonly string[])[]) => ({
  name: 'r',
  virtual_hosts: lists.map((list, index) => ({ name: `v${index}`, domains: list })),
});

const accepted: readonly Accepted[] = [
  [
    'the defaults',
    routeConfigurationSchema,
    () => withHost({}),
    {
      ignorePortInHostMatching: false,
      ignorePathParametersInPathMatching: false,
      virtualHosts: [{ requireTls: 'NONE', virtualClusters: [] }],
    },
  ],
  [
    'all fields',
    routeConfigurationSchema,
    () => ({
      ...withHost({
        require_tls: 'EXTERNAL_ONLY',
        virtual_clusters: [{ name: 'a', headers: [{ name: ':path', string_match: { prefix: '/a' } }] }],
      }),
      ignore_port_in_host_matching: true,
      vhost_header: 'x-vh',
      ignore_path_parameters_in_path_matching: true,
    }),
    {
      ignorePortInHostMatching: true,
      vhostHeader: 'x-vh',
      ignorePathParametersInPathMatching: true,
      virtualHosts: [{ requireTls: 'EXTERNAL_ONLY', virtualClusters: [{ name: 'a', headers: [{ name: ':path' }] }] }],
    },
  ],
  // A `*` that is neither first nor last is no wildcard, as in Envoy.
  ['odd domains', routeConfigurationSchema, () => domains(['x.*.y', '*a*', '**', '']), {}],
];

// The texts about domains and virtual clusters are those of Envoy 1.40.
const refused: readonly Refused[] = [
  [
    'two wildcards',
    routeConfigurationSchema,
    () => domains(['*'], ['*']),
    'virtual_hosts.1.domains.0: Only a single wildcard domain is permitted in route r',
  ],
  [
    'a suffix twice',
    routeConfigurationSchema,
    () => domains(['*.x'], ['*.X']),
    'virtual_hosts.1.domains.0: Only unique values for domains are permitted. Duplicate entry of domain *.x in route r',
  ],
  [
    'a domain twice in one host',
    routeConfigurationSchema,
    () => domains(['x', 'x']),
    'virtual_hosts.0.domains.1: Only unique values for domains are permitted. Duplicate entry of domain x in route r',
  ],
  [
    'a virtual cluster without headers',
    routeConfigurationSchema,
    () => withHost({ virtual_clusters: [{ name: 'a' }] }),
    "virtual_hosts.0.virtual_clusters.0: virtual clusters must define 'headers'",
  ],
  [
    'a virtual cluster of 2018',
    routeConfigurationSchema,
    () => withHost({ virtual_clusters: [{ name: 'a', headers: [{ name: 'x' }], pattern: '/a' }] }),
    'virtual_hosts.0.virtual_clusters.0.pattern: known to Envoy, not supported here: use headers with :path',
  ],
  [
    'a matcher tree',
    routeConfigurationSchema,
    () => withHost({ matcher: {} }),
    'virtual_hosts.0.matcher: known to Envoy, not supported here: matcher trees are not built yet',
  ],
];

describe('virtual host match schemas', () => {
  it.each(accepted)('%s: accepted', (_, schema, value, part) => expectAccepted(schema, value(), part));

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});
