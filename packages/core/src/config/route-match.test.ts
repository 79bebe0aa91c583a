import { describe, it } from 'vitest';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { headerMatcher, queryParameterMatcher, routeMatch } from './route-match.ts';

const template = (path_template: string) => ({
  path_match_policy: {
    name: 'envoy.path.match.uri_template.uri_template_matcher',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
      path_template,
    },
  },
});
const withMetadata = (value: object) => ({
  prefix: '/',
  dynamic_metadata: [{ filter: 'f', path: [{ key: 'k' }], value }],
});
const valuePlace = 'dynamic_metadata.0.value';

const accepted: readonly Accepted[] = [
  [
    'RouteMatch',
    routeMatch,
    () => ({ safe_regex: { regex: '(a+)+', google_re2: {} } }),
    { caseSensitive: true, headers: [] },
  ],
  ['HeaderMatcher', headerMatcher, () => ({ name: ':path' }), { invertMatch: false, treatMissingHeaderAsEmpty: false }],
  [
    'RouteMatch with all conditions',
    routeMatch,
    () => ({
      connect_matcher: {},
      grpc: {},
      tls_context: { presented: true },
      cookies: [{ name: 'k', string_match: { exact: 'v' } }],
      runtime_fraction: { default_value: { numerator: 5 }, runtime_key: 'k' },
      filter_state: [{ key: 'k', string_match: { prefix: 'v' } }],
    }),
    {
      connectMatcher: {},
      grpc: {},
      tlsContext: { presented: true },
      cookies: [{ name: 'k', invertMatch: false }],
      runtimeFraction: { defaultValue: { numerator: 5, denominator: 'HUNDRED' }, runtimeKey: 'k' },
    },
  ],
  [
    'MetadataMatcher',
    routeMatch,
    () =>
      withMetadata({
        or_match: { value_matchers: [{ null_match: {} }, { list_match: { one_of: { bool_match: true } } }] },
      }),
    {
      dynamicMetadata: [
        { value: { orMatch: { valueMatchers: [{ nullMatch: {} }, { listMatch: { oneOf: { boolMatch: true } } }] } } },
      ],
    },
  ],
  [
    'URI template',
    routeMatch,
    () => template('/a/{x=**}'),
    { pathMatchPolicy: { config: { pathTemplate: '/a/{x=**}' } } },
  ],
  ['regex of 2018', routeMatch, () => ({ regex: '/a.*' }), { regex: '/a.*' }],
  ['regex_match of 2018', headerMatcher, () => ({ name: 'a', regex_match: 'a.*' }), { regexMatch: 'a.*' }],
  ['QueryParameterMatcher', queryParameterMatcher, () => ({ name: 'q', present_match: true }), {}],
];

const refused: readonly Refused[] = [
  [
    'no path',
    routeMatch,
    () => ({ headers: [] }),
    'needs one of prefix, path, safe_regex, regex, connect_matcher, path_separated_prefix, path_match_policy',
  ],
  ['bad v2 regex', routeMatch, () => ({ regex: '(' }), "regex: Invalid regex '(': missing ): ("],
  [
    'bad template',
    routeMatch,
    () => template('/{a'),
    'path_match_policy.typed_config.path_template: path_match_policy.path_template /{a is invalid: Unmatched variable bracket in mixed pattern: "{a"',
  ],
  [
    'no value',
    routeMatch,
    () => withMetadata({}),
    `${valuePlace}: needs one of null_match, double_match, string_match, bool_match, present_match, list_match, or_match`,
  ],
  [
    'one alternative',
    routeMatch,
    () => withMetadata({ or_match: { value_matchers: [{ null_match: {} }] } }),
    `${valuePlace}.or_match.value_matchers: needs at least 2 items, got a list`,
  ],
  [
    'an empty list_match',
    routeMatch,
    () => withMetadata({ list_match: {} }),
    `${valuePlace}.list_match.one_of: is required`,
  ],
  [
    'a deep problem',
    routeMatch,
    () =>
      withMetadata({
        list_match: { one_of: { or_match: { value_matchers: [{ null_match: {} }, { bool_match: 1 }] } } },
      }),
    `${valuePlace}.list_match.one_of.or_match.value_matchers.1.bool_match: expected true or false, got 1`,
  ],
  [
    'no default value',
    routeMatch,
    () => ({ prefix: '/', runtime_fraction: { runtime_key: 'k' } }),
    'runtime_fraction.default_value: is required',
  ],
  [
    'filter state',
    routeMatch,
    () => ({ prefix: '/', filter_state: [{ key: '' }] }),
    'filter_state.0: needs one of string_match, address_match',
    'filter_state.0.key: expected a non-empty string, got ""',
  ],
  [
    'filter state address',
    routeMatch,
    () => ({
      prefix: '/',
      filter_state: [{ key: 'k', address_match: { ranges: [{ address_prefix: '1.2.3.4', prefix_len: 33 }] } }],
    }),
    'filter_state.0.address_match.ranges.0.prefix_len: expected at most 32 for an IPv4 range, got 33',
  ],
  ['cookie', routeMatch, () => ({ prefix: '/', cookies: [{ name: 'k' }] }), 'cookies.0.string_match: is required'],
  [
    'separated prefix',
    routeMatch,
    () => ({ path_separated_prefix: '/a/' }),
    'path_separated_prefix: expected a path that does not end with "/" and has no "?" or "#", got "/a/"',
  ],
  [
    'bad regex',
    routeMatch,
    () => ({ safe_regex: { regex: '(' } }),
    "safe_regex.regex: Invalid regex '(': missing ): (",
  ],
  [
    'look-ahead',
    routeMatch,
    () => ({ safe_regex: { regex: '(?=a)' } }),
    "safe_regex.regex: Invalid regex '(?=a)': invalid perl operator: (?=",
  ],
  [
    'two conditions',
    headerMatcher,
    () => ({ name: 'a', exact_match: 'x', present_match: true }),
    'present_match: only one of exact_match, present_match may be given',
  ],
  ['header name', headerMatcher, () => ({ name: 'a b' }), 'name: expected a header name, got "a b"'],
];

describe('match schemas', () => {
  it.each(accepted)('%s: the valid minimum is accepted', (_, schema, value, part) =>
    expectAccepted(schema, value(), part),
  );

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});
