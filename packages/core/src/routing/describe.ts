/** Where a compiled route comes from, in words: for `explain` and error texts, never per request. */
import { templateOf } from './path-match.ts';
import type {
  CookieMatcherSettings,
  FilterStateMatcherSettings,
  HeaderMatcherSettings,
  MetadataMatcherSettings,
  QueryParameterMatcherSettings,
  RouteMatchSettings,
  RouteSettings,
  RuntimeFractionSettings,
  StringMatcherSettings,
  ValueMatcherSettings,
} from './settings.ts';

/** The origin of a compiled route. */
export interface RouteSource {
  readonly virtualHost: string;
  /** Position in the virtual host's list. */
  readonly index: number;
  readonly settings: RouteSettings;
}

/** The conditions of a route on one line: `prefix "/api", header "x-v" exact "2", query "debug" present`. */
export function describeMatch(match: RouteMatchSettings): string {
  return [
    describePath(match),
    ...match.headers.map((each) => `header ${quote(each.name)} ${describeHeader(each)}`),
    ...match.queryParameters.map((each) => `query ${quote(each.name)} ${describeParameter(each)}`),
    ...describeRare(match),
  ].join(', ');
}

/** The path condition: `prefix "/api"`. */
export function describePath(match: RouteMatchSettings): string {
  const { prefix, path, pathSeparatedPrefix, safeRegex, regex, caseSensitive } = match;
  if (safeRegex !== undefined) return `safe_regex ${quote(safeRegex.regex)}`;
  if (regex !== undefined) return `regex ${quote(regex)}`;
  if (match.connectMatcher !== undefined) return 'CONNECT';
  const template = templateOf(match);
  if (template !== undefined) return `path_template ${quote(template)}`;
  const suffix = caseSensitive ? '' : ' in any case';
  if (prefix !== undefined) return `prefix ${quote(prefix)}${suffix}`;
  if (path !== undefined) return `path ${quote(path)}${suffix}`;
  return `path_separated_prefix ${quote(pathSeparatedPrefix ?? '')}${suffix}`;
}

/** What a header must be like: `not exact "2"`. */
export function describeHeader(matcher: HeaderMatcherSettings): string {
  const inverted = matcher.invertMatch ? 'not ' : '';
  const asEmpty = matcher.treatMissingHeaderAsEmpty ? ' (missing counts as empty)' : '';
  return `${inverted}${describeCondition(matcher)}${asEmpty}`;
}

function describeCondition(matcher: HeaderMatcherSettings): string {
  const { exactMatch, safeRegexMatch, regexMatch, rangeMatch, prefixMatch, suffixMatch, containsMatch } = matcher;
  if (matcher.stringMatch !== undefined) return describeText(matcher.stringMatch);
  if (exactMatch !== undefined) return `exact ${quote(exactMatch)}`;
  if (safeRegexMatch !== undefined) return `regex ${quote(safeRegexMatch.regex)}`;
  if (regexMatch !== undefined) return `regex ${quote(regexMatch)}`;
  if (rangeMatch !== undefined) return `in [${rangeMatch.start}, ${rangeMatch.end})`;
  if (prefixMatch !== undefined) return `prefix ${quote(prefixMatch)}`;
  if (suffixMatch !== undefined) return `suffix ${quote(suffixMatch)}`;
  if (containsMatch !== undefined) return `contains ${quote(containsMatch)}`;
  return (matcher.presentMatch ?? true) ? 'present' : 'absent';
}

/** What a query parameter must be like. */
export function describeParameter({ stringMatch, presentMatch }: QueryParameterMatcherSettings): string {
  if (stringMatch !== undefined) return describeText(stringMatch);
  return (presentMatch ?? true) ? 'present' : 'absent';
}

/** The rare conditions in the order in which they are asked, e.g. `5 of 100 (runtime key "canary")`. */
export function describeRare(match: RouteMatchSettings): readonly string[] {
  const { runtimeFraction, grpc, tlsContext, dynamicMetadata = [], filterState = [], cookies = [] } = match;
  return [
    ...(runtimeFraction === undefined ? [] : [describeFraction(runtimeFraction)]),
    ...(grpc === undefined ? [] : ['gRPC']),
    ...cookies.map(describeCookie),
    ...(tlsContext === undefined ? [] : [describeTls(tlsContext)]),
    ...dynamicMetadata.map(describeMetadata),
    ...filterState.map(describeFilterState),
  ];
}

const OF = { HUNDRED: '100', TEN_THOUSAND: '10000', MILLION: '1000000' } as const;

function describeFraction({ defaultValue, runtimeKey = '' }: RuntimeFractionSettings): string {
  const key = runtimeKey === '' ? '' : ` (runtime key ${quote(runtimeKey)})`;
  return `${defaultValue.numerator} of ${OF[defaultValue.denominator]} requests${key}`;
}

function describeCookie({ name, stringMatch, invertMatch }: CookieMatcherSettings): string {
  return `cookie ${quote(name)} ${invertMatch ? 'not ' : ''}${describeText(stringMatch)}`;
}

function describeTls({ presented, validated }: NonNullable<RouteMatchSettings['tlsContext']>): string {
  const parts = [
    presented === undefined ? '' : `${presented ? '' : 'not '}presented`,
    validated === undefined ? '' : `${validated ? '' : 'not '}validated`,
  ];
  return `client certificate ${parts.filter((part) => part !== '').join(' and ') || 'or none'}`;
}

function describeMetadata({ filter, path, value, invert }: MetadataMatcherSettings): string {
  const place = [filter, ...path.map(({ key }) => key)].map(quote).join(' ');
  return `metadata ${place} ${invert ? 'not ' : ''}${describeValue(value)}`;
}

function describeFilterState({ key, stringMatch, addressMatch }: FilterStateMatcherSettings): string {
  if (stringMatch !== undefined) return `filter state ${quote(key)} ${describeText(stringMatch)}`;
  const ranges = (addressMatch?.ranges ?? []).map((range) => `${range.addressPrefix}/${range.prefixLen}`);
  return `filter state ${quote(key)} ${addressMatch?.invertMatch ? 'not ' : ''}in ${ranges.join(', ')}`;
}

function describeValue(matcher: ValueMatcherSettings): string {
  const { doubleMatch, stringMatch, boolMatch, listMatch, orMatch } = matcher;
  if (matcher.nullMatch !== undefined) return 'null';
  if (doubleMatch?.range !== undefined) return `in [${doubleMatch.range.start}, ${doubleMatch.range.end})`;
  if (doubleMatch !== undefined) return String(doubleMatch.exact);
  if (stringMatch !== undefined) return describeText(stringMatch);
  if (boolMatch !== undefined) return String(boolMatch);
  if (listMatch !== undefined) return `a list with one that is ${describeValue(listMatch.oneOf)}`;
  if (orMatch !== undefined) return orMatch.valueMatchers.map(describeValue).join(' or ');
  return matcher.presentMatch ? 'present' : 'never';
}

/** A `StringMatcher`: `prefix "v" in any case`. */
function describeText({ exact, prefix, suffix, contains, safeRegex, ignoreCase }: StringMatcherSettings): string {
  if (safeRegex !== undefined) return `regex ${quote(safeRegex.regex)}`;
  const anyCase = ignoreCase ? ' in any case' : '';
  if (prefix !== undefined) return `prefix ${quote(prefix)}${anyCase}`;
  if (suffix !== undefined) return `suffix ${quote(suffix)}${anyCase}`;
  if (contains !== undefined) return `contains ${quote(contains)}${anyCase}`;
  return `exact ${quote(exact ?? '')}${anyCase}`;
}

/** In quotes, as in JSON. */
export function quote(text: string): string {
  return JSON.stringify(text);
}
