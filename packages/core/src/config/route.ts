/** Route configuration: virtual hosts, routes and what they do. */
import { isUtf8 } from 'node:buffer';
import type { z } from 'zod';
import { hostText, metadata, pathText } from './common.ts';
import { dataSource, readDataSource } from './data-source.ts';
import { checkRemovals, headerMutationFields } from './header-mutation.ts';
import { type DeepPartial, fields, message, required, withDefault } from './message.ts';
import { bool, duration, enumOf, list, nonEmpty, string, uint32 } from './proto-json.ts';
import { perFilterConfig } from './route-filter-config.ts';
import { routeMatch } from './route-match.ts';
import type { Report } from './schema-type.ts';

const retries = 'retries are not built yet';
const mirroring = 'request mirroring is not built yet';
const rateLimiting = 'rate limiting is not built yet';
const rewriting = 'not built yet';

const priority = enumOf(['DEFAULT'], { HIGH: { number: 1, reason: 'routing priorities are not built yet' } });

/** Envoy `RouteAction`: forward to a cluster. `timeout` 0 is off. */
export const routeAction = message(
  {
    cluster: nonEmpty(),
    cluster_not_found_response_code: withDefault(
      enumOf(['SERVICE_UNAVAILABLE', 'NOT_FOUND', 'INTERNAL_SERVER_ERROR']),
      'SERVICE_UNAVAILABLE',
    ),
    prefix_rewrite: pathText(),
    host_rewrite_literal: hostText(),
    timeout: withDefault(duration(), 15_000),
    idle_timeout: duration(),
    priority: withDefault(priority, 'DEFAULT'),
  },
  {
    name: 'envoy.config.route.v3.RouteAction',
    known: {
      cluster_header: 'not built yet',
      weighted_clusters: 'weighted clusters are not built yet',
      ...fields(
        'cluster_specifier_plugin inline_cluster_specifier_plugin',
        'cluster specifier plugins are not built yet',
      ),
      metadata_match: 'subset load balancing is not built yet',
      ...fields('regex_rewrite path_rewrite_policy path_rewrite', rewriting),
      ...fields('auto_host_rewrite host_rewrite_header host_rewrite_path_regex host_rewrite', rewriting),
      append_x_forwarded_host: rewriting,
      flush_timeout: 'not built yet',
      early_data_policy: 'TLS is not built yet',
      ...fields('retry_policy retry_policy_typed_config hedge_policy', retries),
      ...fields('request_mirror_policies request_mirror_policy', mirroring),
      ...fields('rate_limits include_vh_rate_limits', rateLimiting),
      hash_policy: 'hashing load balancers are not built yet',
      cors: 'CORS is not built yet',
      ...fields('max_grpc_timeout grpc_timeout_offset max_stream_duration', 'not built yet'),
      upgrade_configs: 'upgrades are not built yet',
      ...fields(
        'internal_redirect_policy internal_redirect_action max_internal_redirects',
        'internal redirects are not built yet',
      ),
    },
    oneofs: [
      {
        fields: [
          'cluster',
          'cluster_header',
          'weighted_clusters',
          'cluster_specifier_plugin',
          'inline_cluster_specifier_plugin',
        ],
        required: true,
      },
    ],
  },
);

/** Envoy `RedirectAction`. */
export const redirectAction = message(
  {
    https_redirect: bool(),
    scheme_redirect: string({ pattern: /^([A-Za-z][A-Za-z0-9+.-]*)?$/, expected: 'a URI scheme' }),
    host_redirect: hostText(),
    port_redirect: uint32({ max: 65535 }),
    path_redirect: pathText(),
    prefix_rewrite: pathText(),
    response_code: withDefault(
      enumOf(['MOVED_PERMANENTLY', 'FOUND', 'SEE_OTHER', 'TEMPORARY_REDIRECT', 'PERMANENT_REDIRECT']),
      'MOVED_PERMANENTLY',
    ),
    strip_query: withDefault(bool(), false),
  },
  {
    name: 'envoy.config.route.v3.RedirectAction',
    known: fields('regex_rewrite path_rewrite', rewriting),
    oneofs: [
      { fields: ['https_redirect', 'scheme_redirect'] },
      { fields: ['path_redirect', 'prefix_rewrite', 'regex_rewrite', 'path_rewrite'] },
    ],
  },
);

/** Longest body of a direct response, in bytes; Envoy's default of `max_direct_response_body_size_bytes`. */
const maxDirectResponseBodyBytes = 4096;

/** Envoy `DirectResponseAction`. */
export const directResponseAction = message(
  { status: required(uint32({ min: 200, max: 599 })), body: dataSource },
  {
    name: 'envoy.config.route.v3.DirectResponseAction',
    known: { body_format: 'response body formats are not built yet' },
    check({ body }, report) {
      const read = body === undefined ? undefined : readDataSource(body);
      // Without bytes it has been told by the data source itself.
      if (read?.bytes === undefined) return;
      const { bytes, field } = read;
      if (bytes.length > maxDirectResponseBodyBytes) {
        const message = `response body size is ${bytes.length} bytes; maximum is ${maxDirectResponseBodyBytes}`;
        report({ path: ['body', field], message });
      } else if (!isUtf8(bytes)) {
        report({ path: ['body', field], message: 'the body of a direct response must be UTF-8 text' });
      }
    },
  },
);

/** Envoy `Route`. */
export const routeSchema = message(
  {
    name: withDefault(string(), ''),
    match: required(routeMatch),
    route: routeAction,
    redirect: redirectAction,
    direct_response: directResponseAction,
    metadata,
    typed_per_filter_config: perFilterConfig(),
    ...headerMutationFields,
  },
  {
    name: 'envoy.config.route.v3.Route',
    known: {
      filter_action: 'not built yet',
      non_forwarding_action: 'not built yet',
      decorator: 'tracing is not built yet',
      tracing: 'tracing is not built yet',
      ...fields('per_request_buffer_limit_bytes request_body_buffer_limit', 'not built yet'),
      stat_prefix: 'route statistics are not built yet',
      route_specifiers: 'not built yet',
      per_filter_config: 'use typed_per_filter_config',
    },
    oneofs: [
      { fields: ['route', 'redirect', 'direct_response', 'filter_action', 'non_forwarding_action'], required: true },
    ],
    check: checkRemovals,
  },
);

const requireTls = enumOf(['NONE'], {
  EXTERNAL_ONLY: { number: 1, reason: 'TLS is not built yet' },
  ALL: { number: 2, reason: 'TLS is not built yet' },
});

/** Envoy `VirtualHost`. */
export const virtualHostSchema = message(
  {
    name: required(nonEmpty()),
    domains: required(list(string({ pattern: /^[^\0\r\n]*$/, expected: 'a domain' }), { min: 1 }).schema),
    routes: list(routeSchema),
    require_tls: withDefault(requireTls, 'NONE'),
    metadata,
    typed_per_filter_config: perFilterConfig(),
    ...headerMutationFields,
  },
  {
    name: 'envoy.config.route.v3.VirtualHost',
    known: {
      matcher: 'matcher trees are not built yet',
      virtual_clusters: 'virtual clusters are not built yet',
      rate_limits: rateLimiting,
      cors: 'CORS is not built yet',
      ...fields(
        'include_request_attempt_count include_attempt_count_in_response retry_policy retry_policy_typed_config hedge_policy include_is_timeout_retry_header',
        retries,
      ),
      ...fields('per_request_buffer_limit_bytes request_body_buffer_limit', 'not built yet'),
      request_mirror_policies: mirroring,
      route_specifiers: 'not built yet',
      per_filter_config: 'use typed_per_filter_config',
    },
    check: checkRemovals,
  },
);

/** Envoy `RouteConfiguration`. `validate_clusters` is true because routes here are part of the static configuration. */
export const routeConfigurationSchema = message(
  {
    name: withDefault(string(), ''),
    virtual_hosts: list(virtualHostSchema),
    validate_clusters: withDefault(bool(), true),
    metadata,
    ...headerMutationFields,
  },
  {
    name: 'envoy.config.route.v3.RouteConfiguration',
    known: {
      vhds: 'xDS is not built yet',
      ...fields('cluster_specifier_plugins route_specifiers', 'not built yet'),
      request_mirror_policies: mirroring,
      typed_per_filter_config: 'give it on virtual hosts or routes',
      ...fields(
        'internal_only_headers most_specific_header_mutations_wins max_direct_response_body_size_bytes ignore_port_in_host_matching vhost_header ignore_path_parameters_in_path_matching',
        'not built yet',
      ),
    },
    check(output, report) {
      checkRemovals(output, report);
      checkVirtualHosts(output, report);
    },
  },
);

/** Names and domains must be unique over all virtual hosts; domains regardless of case, as they are compared. */
function checkVirtualHosts(config: DeepPartial<RouteConfiguration>, report: Report): void {
  const names = new Set<string>();
  const domains = new Set<string>();
  for (const [index, host] of (config.virtualHosts ?? []).entries()) {
    if (host?.name !== undefined && names.has(host.name)) {
      const path = ['virtual_hosts', index, 'name'];
      report({ path, message: `Only unique names for virtual hosts are permitted. Duplicate entry of ${host.name}` });
    }
    if (host?.name !== undefined) names.add(host.name);
    for (const [place, written] of (host?.domains ?? []).entries()) {
      if (written === undefined) continue;
      const domain = written.toLowerCase();
      const path = ['virtual_hosts', index, 'domains', place];
      if (domains.has(domain)) report({ path, message: duplicateDomain(domain, host?.name, config.name) });
      domains.add(domain);
    }
  }
}

function duplicateDomain(domain: string, host = '', route = ''): string {
  if (domain === '*') return `Only a single wildcard domain is permitted in route ${route}`;
  return `Only unique values for domains are permitted. Duplicate entry of domain ${domain} in route ${route}, virtual host ${host}`;
}

/** A whole route table. */
export type RouteConfiguration = z.output<typeof routeConfigurationSchema>;
/** A set of domains and its routes. */
export type VirtualHostConfig = z.output<typeof virtualHostSchema>;
/** One route: a match and an action. */
export type RouteConfig = z.output<typeof routeSchema>;
