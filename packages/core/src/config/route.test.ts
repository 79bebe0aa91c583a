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

const regex = (pattern: string, substitution: string) => ({ pattern: { regex: pattern }, substitution });
const weighted = (...clusters: readonly object[]) => ({ weighted_clusters: { clusters } });
const forward = (fields: object) => ({ cluster: 'c', ...fields });
const extension = (type: string, fields: object = {}) => ({
  name: 'any',
  typed_config: { '@type': `type.googleapis.com/envoy.extensions.${type}`, ...fields },
});
const templates = (match: string, action: object) => ({
  match: {
    path_match_policy: extension('path.match.uri_template.v3.UriTemplateMatchConfig', { path_template: match }),
  },
  ...action,
});
const templateRewrite = (path_template_rewrite: string) =>
  extension('path.rewrite.uri_template.v3.UriTemplateRewriteConfig', { path_template_rewrite });

// The words are those of Envoy 1.40 where it has any.
const weightedRefusals: readonly Refused[] = [
  [
    'no weighted clusters',
    routeAction,
    () => weighted(),
    'weighted_clusters.clusters: needs at least 1 item, got a list',
  ],
  ['no weight', routeAction, () => weighted({ name: 'c' }), 'weighted_clusters.clusters.0.weight: is required'],
  [
    'a sum of 0',
    routeAction,
    () => weighted({ name: 'c', weight: 0 }),
    'weighted_clusters: Sum of weights in the weighted_cluster must be greater than 0.',
  ],
  [
    'too large a sum',
    routeAction,
    () => weighted({ name: 'c', weight: 0xffff_ffff }, { name: 'd', weight: 1 }),
    'weighted_clusters: The sum of weights of all weighted clusters exceeds 4294967295',
  ],
  [
    'a weighted cluster without name',
    routeAction,
    () => weighted({ weight: 1 }),
    'weighted_clusters.clusters.0: At least one of name or cluster_header need to be specified',
  ],
  [
    'a weighted cluster with two names',
    routeAction,
    () => weighted({ name: 'c', cluster_header: 'x', weight: 1 }),
    'weighted_clusters.clusters.0: Only one of name or cluster_header can be specified',
  ],
  [
    'two sources of the weighted draw',
    routeAction,
    () => ({ weighted_clusters: { clusters: [{ name: 'c', weight: 1 }], header_name: 'x', use_hash_policy: true } }),
    'weighted_clusters.use_hash_policy: only one of header_name, use_hash_policy may be given',
  ],
];

const policyRefusals: readonly Refused[] = [
  [
    'back-off',
    routeAction,
    () => forward({ retry_policy: { retry_back_off: { base_interval: '1s', max_interval: '0.5s' } } }),
    'retry_policy.retry_back_off.max_interval: retry_policy.max_interval must greater than or equal to the base_interval',
  ],
  [
    'no back-off base',
    routeAction,
    () => forward({ retry_policy: { retry_back_off: { base_interval: '0s' } } }),
    'retry_policy.retry_back_off.base_interval: must be greater than 0s, got 0s',
  ],
  [
    'no reset headers',
    routeAction,
    () => forward({ retry_policy: { rate_limited_retry_back_off: {} } }),
    'retry_policy.rate_limited_retry_back_off.reset_headers: is required',
  ],
  [
    'an unknown host predicate',
    routeAction,
    () => forward({ retry_policy: { retry_host_predicate: [{ name: 'x' }, extension('a.B')] } }),
    "retry_policy.retry_host_predicate.0.name: Didn't find a registered implementation for 'x' with type URL: ''",
    "retry_policy.retry_host_predicate.1.typed_config.@type: Didn't find a registered implementation for 'any' with type URL: 'type.googleapis.com/envoy.extensions.a.B'",
  ],
  [
    'a host predicate with a wrong field',
    routeAction,
    () =>
      forward({
        retry_policy: {
          retry_host_predicate: [extension('retry.host.previous_hosts.v3.PreviousHostsPredicate', { x: 1 })],
        },
      }),
    'retry_policy.retry_host_predicate.0.typed_config.x: unknown field "x" of envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
  ],
  [
    'a retry policy of an extension',
    routeAction,
    () => forward({ retry_policy_typed_config: {} }),
    `retry_policy_typed_config: ${unsupported('Envoy does not implement it')}`,
  ],
  [
    'a mirror without cluster',
    routeAction,
    () => forward({ request_mirror_policies: [{}] }),
    'request_mirror_policies.0: Exactly one of cluster or cluster_header in request mirror policy need to be specified',
  ],
  [
    'a mirror with two',
    routeAction,
    () => forward({ request_mirror_policies: [{ cluster: 'c', cluster_header: 'x' }] }),
    "request_mirror_policies.0.cluster_header: Only one of cluster 'c' or cluster_header 'x' in request mirror policy can be specified",
  ],
  [
    'internal redirects',
    routeAction,
    () =>
      forward({
        internal_redirect_policy: {
          redirect_response_codes: [1, 2, 3, 4, 5, 6],
          response_headers_to_copy: ['Host', ':x'],
        },
      }),
    'internal_redirect_policy.redirect_response_codes: at most 5 items, got 6',
    'internal_redirect_policy.response_headers_to_copy.0: :-prefixed headers or Hosts may not be specified here.',
    'internal_redirect_policy.response_headers_to_copy.1: :-prefixed headers or Hosts may not be specified here.',
  ],
  [
    'upgrades',
    routeAction,
    () =>
      forward({
        upgrade_configs: [
          { upgrade_type: 'websocket' },
          { upgrade_type: 'WebSocket', connect_config: {} },
          { upgrade_type: '' },
        ],
      }),
    'upgrade_configs.1.connect_config: Non-CONNECT upgrade type WebSocket has ConnectConfig',
    'upgrade_configs.2.upgrade_type: expected an upgrade type, got ""',
    'upgrade_configs.1.upgrade_type: Duplicate upgrade WebSocket',
  ],
  [
    'a hash policy of nothing',
    routeAction,
    () => forward({ hash_policy: [{ terminal: true }, { cookie: { name: 'a b', ttl: '0s', path: '/;x' } }] }),
    'hash_policy.0: needs one of header, cookie, connection_properties, query_parameter, filter_state',
    'hash_policy.1.cookie.path: expected text without ";" and control characters, got "/;x"',
    'hash_policy.1.cookie.name: expected a cookie name, got "a b"',
  ],
  [
    'rate limits',
    routeAction,
    () =>
      forward({
        rate_limits: [
          { stage: 11, actions: [{}] },
          { actions: [], hits_addend: { number: 1, format: 'x' } },
        ],
      }),
    'rate_limits.0.stage: expected a whole number from 0 to 10, got 11',
    'rate_limits.0.actions.0: needs one of source_cluster, destination_cluster, request_headers, query_parameters, remote_address, generic_key, header_value_match, dynamic_metadata, metadata, masked_remote_address, query_parameter_value_match, remote_address_match',
    'rate_limits.1.actions: needs at least 1 item, got a list',
    'rate_limits.1.hits_addend.format: expected a format that begins and ends with %, got "x"',
  ],
];

const rewriteRefusals: readonly Refused[] = [
  [
    'two path rewrites',
    routeAction,
    () => forward({ prefix_rewrite: '/a', path_rewrite: '/b' }),
    'path_rewrite: Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy',
  ],
  [
    'two host rewrites',
    routeAction,
    () => forward({ auto_host_rewrite: true, host_rewrite_header: 'x' }),
    'host_rewrite_header: only one of auto_host_rewrite, host_rewrite_header may be given',
  ],
  [
    'a bad pattern',
    routeAction,
    () => forward({ regex_rewrite: regex('(a)\\1', '') }),
    "regex_rewrite.pattern.regex: Invalid regex '(a)\\1': invalid escape sequence: \\1",
  ],
  [
    'a group that is not there',
    routeAction,
    () => forward({ regex_rewrite: regex('a', '\\1') }),
    'regex_rewrite.substitution: Rewrite schema requests 1 matches, but the regexp only has 0 parenthesized subexpressions.',
  ],
  [
    'a space in the path',
    routeAction,
    () => forward({ regex_rewrite: regex('a', 'b c') }),
    'regex_rewrite.substitution: expected ASCII without spaces and control characters, all else percent-encoded',
  ],
  [
    'a bad format',
    routeAction,
    () => forward({ path_rewrite: '/%NONE%' }),
    'path_rewrite: Not supported field in StreamInfo: NONE',
  ],
  [
    'a bad format of a redirect',
    redirectAction,
    () => ({ path_rewrite: '/%' }),
    "path_rewrite: Incorrect configuration: /%. Couldn't find valid command at position 1",
  ],
  [
    'a rewrite template without a match template',
    routeSchema,
    () => ({ match: { prefix: '/' }, route: forward({ path_rewrite_policy: templateRewrite('/{a}') }) }),
    'route.path_rewrite_policy: unable to use envoy.path.rewrite.uri_template.uri_template_rewriter extension without envoy.path.match.uri_template.uri_template_matcher extension',
  ],
  [
    'a rewrite template with other variables',
    routeSchema,
    () => templates('/x/{a}', { route: forward({ path_rewrite_policy: templateRewrite('/{b}') }) }),
    'route.path_rewrite_policy: mismatch between variables in path_match_policy /x/{a} and path_rewrite_policy /{b}',
  ],
  [
    'a bad rewrite template',
    routeSchema,
    () => templates('/x/{a}', { route: forward({ path_rewrite_policy: templateRewrite('/{a=*}') }) }),
    'route.path_rewrite_policy.typed_config.path_template_rewrite: path_rewrite_policy.path_template_rewrite /{a=*} is invalid',
  ],
  [
    'a prefix rewrite behind a template',
    routeSchema,
    () => templates('/x/{a}', { route: forward({ prefix_rewrite: '/a' }) }),
    'route.prefix_rewrite: Cannot use prefix_rewrite with matcher extension',
  ],
  [
    'a prefix redirect behind a template',
    routeSchema,
    () => templates('/x/{a}', { redirect: { prefix_rewrite: '/a' } }),
    'redirect.prefix_rewrite: Cannot use redirect.prefix_rewrite with path_match_policy',
  ],
  [
    'filter_action',
    routeSchema,
    () => ({ match: { prefix: '/' }, filter_action: {} }),
    `filter_action: ${unsupported('Envoy does not implement it')}`,
  ],
];

const refused: readonly Refused[] = [
  [
    'no action',
    routeSchema,
    () => ({ match: { prefix: '/' } }),
    'needs one of route, redirect, direct_response, non_forwarding_action',
  ],
  [
    'two actions',
    routeSchema,
    () => ({ match: { prefix: '/' }, route: { cluster: 'c' }, redirect: {} }),
    'redirect: only one of route, redirect may be given',
  ],
  ['empty cluster', routeAction, () => ({ cluster: '' }), 'cluster: expected a non-empty string, got ""'],
  ...weightedRefusals,
  ...policyRefusals,
  ...rewriteRefusals,
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
    'virtual_hosts.1.domains.0: Only a single wildcard domain is permitted in route r',
    'virtual_hosts.1.domains.1: Only unique values for domains are permitted. Duplicate entry of domain a.com in route r',
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
