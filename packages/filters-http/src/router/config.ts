/** The router's configuration: Envoy's `Router`. */
import { bool, fields, message, withDefault } from '@mesh/core/proto';

const tracing = 'tracing is not built yet';
const logging = 'access logs are not built yet';

/** Schema of `envoy.extensions.filters.http.router.v3.Router`. */
export const routerSchema = message(
  {
    /** No `x-envoy-*` fields are added to requests and responses. Default false. */
    suppress_envoy_headers: withDefault(bool(), false),
    /** Prefer an incoming `x-envoy-expected-rq-timeout-ms` as the timeout. Default false. */
    respect_expected_rq_timeout: withDefault(bool(), false),
  },
  {
    name: 'envoy.extensions.filters.http.router.v3.Router',
    known: {
      dynamic_stats: 'the statistics that it switches off are not built',
      start_child_span: tracing,
      ...fields('upstream_log upstream_log_options', logging),
      strict_check_headers: 'a bad value of an x-envoy header counts as absent',
      suppress_grpc_request_failure_code_stats: 'gRPC statistics are not built yet',
      upstream_http_filters: 'upstream HTTP filters are not built yet',
    },
  },
);
