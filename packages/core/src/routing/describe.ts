/** Where a compiled route comes from, in words: for `explain` and error texts, never per request. */
import type {
  HeaderMatcherSettings,
  QueryParameterMatcherSettings,
  RouteMatchSettings,
  RouteSettings,
  StringMatcherSettings,
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
    ...match.headers.map((each) => `header ${describeHeader(each)}`),
    ...match.queryParameters.map((each) => `query ${describeParameter(each)}`),
  ].join(', ');
}

function describePath({ prefix, path, pathSeparatedPrefix, safeRegex, caseSensitive }: RouteMatchSettings): string {
  if (safeRegex !== undefined) return `safe_regex ${quote(safeRegex.regex)}`;
  const suffix = caseSensitive ? '' : ' in any case';
  if (prefix !== undefined) return `prefix ${quote(prefix)}${suffix}`;
  if (path !== undefined) return `path ${quote(path)}${suffix}`;
  return `path_separated_prefix ${quote(pathSeparatedPrefix ?? '')}${suffix}`;
}

function describeHeader(matcher: HeaderMatcherSettings): string {
  const inverted = matcher.invertMatch ? 'not ' : '';
  const asEmpty = matcher.treatMissingHeaderAsEmpty ? ' (missing counts as empty)' : '';
  return `${quote(matcher.name)} ${inverted}${describeCondition(matcher)}${asEmpty}`;
}

function describeCondition(matcher: HeaderMatcherSettings): string {
  const { exactMatch, safeRegexMatch, rangeMatch, prefixMatch, suffixMatch, containsMatch } = matcher;
  if (matcher.stringMatch !== undefined) return describeText(matcher.stringMatch);
  if (exactMatch !== undefined) return `exact ${quote(exactMatch)}`;
  if (safeRegexMatch !== undefined) return `regex ${quote(safeRegexMatch.regex)}`;
  if (rangeMatch !== undefined) return `in [${rangeMatch.start}, ${rangeMatch.end})`;
  if (prefixMatch !== undefined) return `prefix ${quote(prefixMatch)}`;
  if (suffixMatch !== undefined) return `suffix ${quote(suffixMatch)}`;
  if (containsMatch !== undefined) return `contains ${quote(containsMatch)}`;
  return (matcher.presentMatch ?? true) ? 'present' : 'absent';
}

function describeParameter({ name, stringMatch, presentMatch }: QueryParameterMatcherSettings): string {
  if (stringMatch !== undefined) return `${quote(name)} ${describeText(stringMatch)}`;
  return `${quote(name)} ${(presentMatch ?? true) ? 'present' : 'absent'}`;
}

function describeText({ exact, prefix, suffix, contains, safeRegex, ignoreCase }: StringMatcherSettings): string {
  if (safeRegex !== undefined) return `regex ${quote(safeRegex.regex)}`;
  const anyCase = ignoreCase ? ' in any case' : '';
  if (prefix !== undefined) return `prefix ${quote(prefix)}${anyCase}`;
  if (suffix !== undefined) return `suffix ${quote(suffix)}${anyCase}`;
  if (contains !== undefined) return `contains ${quote(contains)}${anyCase}`;
  return `exact ${quote(exact ?? '')}${anyCase}`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
