import { describe, it } from 'vitest';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { headerMatcher, queryParameterMatcher, routeMatch } from './route-match.ts';

const unsupported = (reason: string) => `known to Envoy, not supported here: ${reason}`;

const accepted: readonly Accepted[] = [
  [
    'RouteMatch',
    routeMatch,
    () => ({ safe_regex: { regex: '(a+)+', google_re2: {} } }),
    { caseSensitive: true, headers: [] },
  ],
  ['HeaderMatcher', headerMatcher, () => ({ name: ':path' }), { invertMatch: false, treatMissingHeaderAsEmpty: false }],
  ['QueryParameterMatcher', queryParameterMatcher, () => ({ name: 'q', present_match: true }), {}],
];

const refused: readonly Refused[] = [
  ['no path', routeMatch, () => ({ headers: [] }), 'needs one of prefix, path, safe_regex, path_separated_prefix'],
  ['v2 regex', routeMatch, () => ({ regex: '.*' }), `regex: ${unsupported('use safe_regex')}`],
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
