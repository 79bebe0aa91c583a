/** Route configuration: virtual hosts, routes and what they do. */
import type { z } from 'zod';
import { headerName, metadata } from './common.ts';
import { checkRemovals, headerMutationFields } from './header-mutation.ts';
import { type DeepPartial, message, withDefault } from './message.ts';
import { bool, list, string, uint32 } from './proto-json.ts';
import { checkBodySize } from './route/direct-response.ts';
import type { routeSchema } from './route/entry.ts';
import { requestMirrorPolicy } from './route/mirror.ts';
import { virtualHostSchema } from './route/virtual-host.ts';
import { perFilterConfig } from './route-filter-config.ts';
import type { Report } from './schema-type.ts';
import { routeTableMatchFields } from './virtual-host-match.ts';

export { routeAction } from './route/action.ts';
export { directResponseAction } from './route/direct-response.ts';
export { routeSchema } from './route/entry.ts';
export { redirectAction } from './route/redirect.ts';
export { virtualHostSchema } from './route/virtual-host.ts';

/** Envoy `RouteConfiguration`. `validate_clusters` is true because routes here are part of the static configuration. */
export const routeConfigurationSchema = message(
  {
    name: withDefault(string(), ''),
    virtual_hosts: list(virtualHostSchema),
    validate_clusters: withDefault(bool(), true),
    internal_only_headers: list(headerName()),
    most_specific_header_mutations_wins: withDefault(bool(), false),
    max_direct_response_body_size_bytes: withDefault(uint32(), 4096),
    request_mirror_policies: list(requestMirrorPolicy),
    typed_per_filter_config: perFilterConfig(),
    metadata,
    ...routeTableMatchFields,
    ...headerMutationFields,
  },
  {
    name: 'envoy.config.route.v3.RouteConfiguration',
    known: {
      vhds: 'xDS is not built yet',
      cluster_specifier_plugins: 'cluster specifier plugins are not built yet',
      route_specifiers: 'not built yet',
    },
    check(output, report) {
      checkRemovals(output, report);
      checkVirtualHosts(output, report);
      checkBodySizes(output, report);
    },
  },
);

function checkBodySizes(config: DeepPartial<RouteConfiguration>, report: Report): void {
  const max = config.maxDirectResponseBodySizeBytes ?? 4096;
  for (const [at, host] of (config.virtualHosts ?? []).entries()) {
    for (const [index, route] of (host?.routes ?? []).entries()) {
      checkBodySize(route?.directResponse, max, ['virtual_hosts', at, 'routes', index, 'direct_response'], report);
    }
  }
}

/** Domains must be unique over all virtual hosts, regardless of case, as they are compared. Names need not, as in Envoy. */
function checkVirtualHosts(config: DeepPartial<RouteConfiguration>, report: Report): void {
  const domains = new Set<string>();
  for (const [index, host] of (config.virtualHosts ?? []).entries()) {
    for (const [place, written] of (host?.domains ?? []).entries()) {
      if (written === undefined) continue;
      const domain = written.toLowerCase();
      const path = ['virtual_hosts', index, 'domains', place];
      if (domains.has(domain)) report({ path, message: duplicateDomain(domain, config.name) });
      domains.add(domain);
    }
  }
}

function duplicateDomain(domain: string, route = ''): string {
  if (domain === '*') return `Only a single wildcard domain is permitted in route ${route}`;
  return `Only unique values for domains are permitted. Duplicate entry of domain ${domain} in route ${route}`;
}

/** A whole route table. */
export type RouteConfiguration = z.output<typeof routeConfigurationSchema>;
/** A set of domains and its routes. */
export type VirtualHostConfig = z.output<typeof virtualHostSchema>;
/** One route: a match and an action. */
export type RouteConfig = z.output<typeof routeSchema>;
