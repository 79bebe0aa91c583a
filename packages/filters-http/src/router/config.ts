/** The router's configuration: Envoy's `Router`. */
import { bool, list, message, string, withDefault } from '@mesh/core/proto';
import { STRICT_CHECKS } from './request-overrides.ts';
import { upstreamLogFields } from './upstream-log/index.ts';

const strictNames = Object.keys(STRICT_CHECKS);
const STRICT_NAMES = new RegExp(`^(${strictNames.join('|')})$`);

/** Schema of `envoy.extensions.filters.http.router.v3.Router`. */
export const routerSchema = message(
  {
    /** Responses are counted by code, and the time they take. Default true. */
    dynamic_stats: withDefault(bool(), true),
    /** Attempts have spans of their own, also where the connection manager does not ask for them. Default false. */
    start_child_span: withDefault(bool(), false),
    /** No `x-envoy-*` fields are added to requests and responses. Default false. */
    suppress_envoy_headers: withDefault(bool(), false),
    /** Requests in which one of these fields is not valid are answered 400. */
    strict_check_headers: list(string({ pattern: STRICT_NAMES, expected: `one of ${strictNames.join(', ')}` })),
    /** Prefer an incoming `x-envoy-expected-rq-timeout-ms` as the timeout. Default false. */
    respect_expected_rq_timeout: withDefault(bool(), false),
    /** Responses to gRPC requests are not counted by HTTP code. Default false. */
    suppress_grpc_request_failure_code_stats: withDefault(bool(), false),
    ...upstreamLogFields,
  },
  {
    name: 'envoy.extensions.filters.http.router.v3.Router',
    known: {
      upstream_http_filters: 'upstream HTTP filters are not built yet',
      reject_connect_request_early_data: 'not built yet',
    },
  },
);
