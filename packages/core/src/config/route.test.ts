import { describe, it } from 'vitest';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { redirectAction, routeAction, routeConfigurationSchema, routeSchema } from './route.ts';

const unsupported = (reason: string) => `known to Envoy, not supported here: ${reason}`;
const host = 'a host: ASCII without spaces and control characters';
const target = 'a path: ASCII without spaces and control characters, all else percent-encoded';

const accepted: readonly Accepted[] = [
  ['RouteConfiguration', routeConfigurationSchema, () => ({}), { name: '', validateClusters: true }],
  [
    'Route',
    routeSchema,
    () => ({ match: { prefix: '' }, route: { cluster: 'c' } }),
    { route: { timeoutMs: 15_000, clusterNotFoundResponseCode: 'SERVICE_UNAVAILABLE' } },
  ],
  [
    'RedirectAction',
    redirectAction,
    () => ({ host_redirect: 'example.com:8080', path_redirect: '/a?b=%20' }),
    { responseCode: 'MOVED_PERMANENTLY', stripQuery: false },
  ],
  [
    'RouteAction',
    routeAction,
    () => ({ cluster: 'c', prefix_rewrite: '/a%C3%A9', host_rewrite_literal: '[::1]:80' }),
    {},
  ],
];

const refused: readonly Refused[] = [
  ['no action', routeSchema, () => ({ match: { prefix: '/' } }), 'needs one of route, redirect, direct_response'],
  [
    'two actions',
    routeSchema,
    () => ({ match: { prefix: '/' }, route: { cluster: 'c' }, redirect: {} }),
    'redirect: only one of route, redirect may be given',
  ],
  ['empty cluster', routeAction, () => ({ cluster: '' }), 'cluster: expected a non-empty string, got ""'],
  [
    'weighted',
    routeAction,
    () => ({ weighted_clusters: {} }),
    `weighted_clusters: ${unsupported('weighted clusters are not built yet')}`,
  ],
  [
    'host rewrite',
    routeAction,
    () => ({ cluster: 'c', host_rewrite_literal: 'a b' }),
    `host_rewrite_literal: expected ${host}, got "a b"`,
  ],
  [
    'host rewrite',
    routeAction,
    () => ({ cluster: 'c', host_rewrite_literal: 'é' }),
    `host_rewrite_literal: expected ${host}, got "é"`,
  ],
  [
    'prefix rewrite',
    routeAction,
    () => ({ cluster: 'c', prefix_rewrite: '/a\r\nb' }),
    `prefix_rewrite: expected ${target}, got "/a\\r\\nb"`,
  ],
  [
    'redirect',
    redirectAction,
    () => ({ path_redirect: '/a b', host_redirect: 'ü', scheme_redirect: 'a:b' }),
    'scheme_redirect: expected a URI scheme, got "a:b"',
    `host_redirect: expected ${host}, got "ü"`,
    `path_redirect: expected ${target}, got "/a b"`,
  ],
  [
    'redirect twice',
    redirectAction,
    () => ({ https_redirect: true, scheme_redirect: 'http' }),
    'scheme_redirect: only one of https_redirect, scheme_redirect may be given',
  ],
  [
    'two virtual hosts',
    routeConfigurationSchema,
    () => ({
      name: 'r',
      virtual_hosts: [
        { name: 'v', domains: ['*', 'A.com'] },
        { name: 'v', domains: ['*', 'a.com'] },
      ],
    }),
    'virtual_hosts.1.name: Only unique names for virtual hosts are permitted. Duplicate entry of v',
    'virtual_hosts.1.domains.0: Only a single wildcard domain is permitted in route r',
    'virtual_hosts.1.domains.1: Only unique values for domains are permitted. Duplicate entry of domain a.com in route r, virtual host v',
  ],
  [
    'no domains',
    routeConfigurationSchema,
    () => ({ virtual_hosts: [{ name: 'v', domains: [] }, { name: 'w' }] }),
    'virtual_hosts.0.domains: needs at least 1 item, got a list',
    'virtual_hosts.1.domains: is required',
  ],
];

describe('route schemas', () => {
  it.each(accepted)('%s: the valid minimum is accepted', (_, schema, value, part) =>
    expectAccepted(schema, value(), part),
  );

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});
