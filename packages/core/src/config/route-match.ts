/** What a request must look like for a route to match. */
import { headerName, regexMatcher, stringMatcher } from './common.ts';
import { message, required, withDefault } from './message.ts';
import { bool, int64, list, nonEmpty, string } from './proto-json.ts';

const int64Range = message(
  { start: withDefault(int64(), 0), end: withDefault(int64(), 0) },
  { name: 'envoy.type.v3.Int64Range' },
);

/** Envoy `HeaderMatcher`; without a specifier the header must be present. `range_match` is [start, end). */
export const headerMatcher = message(
  {
    name: required(headerName()),
    exact_match: string(),
    safe_regex_match: regexMatcher,
    range_match: int64Range,
    present_match: bool(),
    prefix_match: nonEmpty(),
    suffix_match: nonEmpty(),
    contains_match: nonEmpty(),
    string_match: stringMatcher,
    invert_match: withDefault(bool(), false),
    treat_missing_header_as_empty: withDefault(bool(), false),
  },
  {
    name: 'envoy.config.route.v3.HeaderMatcher',
    known: { regex_match: 'use safe_regex_match' },
    oneofs: [
      {
        fields: [
          'exact_match',
          'safe_regex_match',
          'range_match',
          'present_match',
          'prefix_match',
          'suffix_match',
          'contains_match',
          'string_match',
        ],
      },
    ],
  },
);

/** Envoy `QueryParameterMatcher`; without a specifier the parameter must be present. */
export const queryParameterMatcher = message(
  { name: required(nonEmpty()), string_match: stringMatcher, present_match: bool() },
  {
    name: 'envoy.config.route.v3.QueryParameterMatcher',
    oneofs: [{ fields: ['string_match', 'present_match'] }],
  },
);

/** Envoy `RouteMatch`. */
export const routeMatch = message(
  {
    prefix: string(),
    path: string(),
    path_separated_prefix: string({
      pattern: /^[^?#]+[^?#/]$/,
      expected: 'a path that does not end with "/" and has no "?" or "#"',
    }),
    safe_regex: regexMatcher,
    case_sensitive: withDefault(bool(), true),
    headers: list(headerMatcher),
    query_parameters: list(queryParameterMatcher),
  },
  {
    name: 'envoy.config.route.v3.RouteMatch',
    known: {
      regex: 'use safe_regex',
      runtime: 'runtime is not built yet',
      connect_matcher: 'CONNECT is not built yet',
      path_match_policy: 'URI templates are not built yet',
      runtime_fraction: 'runtime is not built yet',
      cookies: 'not built yet',
      grpc: 'not built yet',
      tls_context: 'TLS is not built yet',
      dynamic_metadata: 'not built yet',
      filter_state: 'not built yet',
    },
    oneofs: [
      {
        fields: [
          'prefix',
          'path',
          'safe_regex',
          'regex',
          'connect_matcher',
          'path_separated_prefix',
          'path_match_policy',
        ],
        required: true,
      },
    ],
  },
);
