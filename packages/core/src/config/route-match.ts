/** What a request must look like for a route to match. */
import { headerName, regexMatcher, regexText, stringMatcher } from './common.ts';
import { fields, message, required, withDefault } from './message.ts';
import { bool, int64, list, nonEmpty, runtimeFractionalPercent, string } from './proto-json.ts';
import { pathMatchPolicy } from './uri-template.ts';
import { filterStateMatcher, metadataMatcher } from './value-matcher.ts';

/** Envoy `Int64Range`: [start, end). */
export const int64Range = message(
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
    regex_match: regexText(),
    invert_match: withDefault(bool(), false),
    treat_missing_header_as_empty: withDefault(bool(), false),
  },
  {
    name: 'envoy.config.route.v3.HeaderMatcher',
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
          'regex_match',
        ],
      },
    ],
  },
);

/** The name of a parameter or cookie. */
function itemName() {
  return string({ pattern: /^.{1,1024}$/s, expected: '1 to 1024 characters' });
}

/** Envoy `QueryParameterMatcher`; without a specifier the parameter must be present. */
export const queryParameterMatcher = message(
  { name: required(itemName()), string_match: stringMatcher, present_match: bool() },
  {
    name: 'envoy.config.route.v3.QueryParameterMatcher',
    oneofs: [{ fields: ['string_match', 'present_match'] }],
  },
);

/** Envoy `CookieMatcher`; a cookie that is missing does not match, unless inverted. */
const cookieMatcher = message(
  { name: required(itemName()), string_match: required(stringMatcher), invert_match: withDefault(bool(), false) },
  { name: 'envoy.config.route.v3.CookieMatcher' },
);

const tlsContextMatch = message(
  { presented: bool(), validated: bool() },
  { name: 'envoy.config.route.v3.RouteMatch.TlsContextMatchOptions' },
);

/** Envoy `RouteMatch`. `regex` is how files of 2018 write `safe_regex`. */
export const routeMatch = message(
  {
    prefix: string(),
    path: string(),
    path_separated_prefix: string({
      pattern: /^[^?#]+[^?#/]$/,
      expected: 'a path that does not end with "/" and has no "?" or "#"',
    }),
    safe_regex: regexMatcher,
    regex: regexText(),
    connect_matcher: message({}, { name: 'envoy.config.route.v3.RouteMatch.ConnectMatcher' }),
    path_match_policy: pathMatchPolicy,
    case_sensitive: withDefault(bool(), true),
    headers: list(headerMatcher),
    query_parameters: list(queryParameterMatcher),
    cookies: list(cookieMatcher),
    grpc: message({}, { name: 'envoy.config.route.v3.RouteMatch.GrpcRouteMatchOptions' }),
    tls_context: tlsContextMatch,
    runtime_fraction: runtimeFractionalPercent,
    dynamic_metadata: list(metadataMatcher),
    filter_state: list(filterStateMatcher),
  },
  {
    name: 'envoy.config.route.v3.RouteMatch',
    known: fields('runtime', 'use runtime_fraction'),
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
