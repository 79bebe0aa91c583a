/** What route configurations and virtual hosts say about which requests are theirs. */
import { headerName } from './common.ts';
import { message, required, withDefault } from './message.ts';
import { bool, enumOf, list, nonEmpty } from './proto-json.ts';
import { headerMatcher } from './route-match.ts';

/** Envoy `VirtualCluster`: all headers must match; without any it takes every request. */
const virtualCluster = message(
  { headers: list(headerMatcher), name: required(nonEmpty()) },
  {
    name: 'envoy.config.route.v3.VirtualCluster',
    known: { pattern: 'use headers with :path', method: 'use headers with :method' },
    check({ headers }, report) {
      if ((headers ?? []).length > 0) return;
      report({ message: "virtual clusters must define 'headers'" });
    },
  },
);

/** Fields of a `VirtualHost`. */
export const virtualHostMatchFields = {
  require_tls: withDefault(enumOf(['NONE', 'EXTERNAL_ONLY', 'ALL']), 'NONE'),
  virtual_clusters: list(virtualCluster),
} as const;

/** Fields of a `RouteConfiguration`. */
export const routeTableMatchFields = {
  ignore_port_in_host_matching: withDefault(bool(), false),
  vhost_header: headerName(),
  ignore_path_parameters_in_path_matching: withDefault(bool(), false),
} as const;
