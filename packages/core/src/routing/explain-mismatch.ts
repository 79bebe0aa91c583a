/** Why a route does not fit a request, in words: for `mesh explain`, never per request. */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { CompiledRoute } from './compiled-route.ts';
import { describeHeader, describeParameter, describePath, describeRare, quote } from './describe.ts';
import { queryValue } from './query-match.ts';
import type { RouteMatchSettings } from './settings.ts';
import { endOfPath, wireText } from './text.ts';

/**
 * The first condition of a route that fails, with what was wanted and what is there; `undefined` when all hold.
 *
 * @example
 * explainMismatch(route, headers, stream); // 'header "x-v": wanted exact "2", got "1"'
 */
export function explainMismatch(route: CompiledRoute, headers: RequestHeaders, stream: HttpStream): string | undefined {
  const { match } = route.source.settings;
  return (
    methodMismatch(route, headers) ??
    pathMismatch(route, match, headers) ??
    headerMismatch(route, match, headers) ??
    queryMismatch(route, match, headers) ??
    rareMismatch(route, match, headers, stream)
  );
}

function methodMismatch({ path }: CompiledRoute, headers: RequestHeaders): string | undefined {
  const connect = headers.method === 'CONNECT';
  if (connect === (path.kind === 'connect')) return undefined;
  return connect ? 'method: CONNECT matches only a connect_matcher' : `method: wanted CONNECT, got ${headers.method}`;
}

function pathMismatch(route: CompiledRoute, match: RouteMatchSettings, headers: RequestHeaders): string | undefined {
  const end = endOfPath(headers.path);
  if (route.conditions.pathMatches(headers.path, end)) return undefined;
  return `path: wanted ${describePath(match)}, got ${quote(headers.path.slice(0, end))}`;
}

function headerMismatch(route: CompiledRoute, match: RouteMatchSettings, headers: RequestHeaders): string | undefined {
  const at = route.conditions.headers.findIndex((condition) => !condition.matches(headers));
  const settings = match.headers[at];
  if (settings === undefined) return undefined;
  const values = headers.getAll(settings.name);
  return `header ${quote(settings.name)}: wanted ${describeHeader(settings)}, got ${shown(values)}`;
}

function queryMismatch(route: CompiledRoute, match: RouteMatchSettings, headers: RequestHeaders): string | undefined {
  const end = endOfPath(headers.path);
  const at = route.conditions.query.findIndex((condition) => !condition.matches(headers.path, end));
  const settings = match.queryParameters[at];
  if (settings === undefined) return undefined;
  const value = queryValue(headers.path, end, wireText(settings.name));
  const got = shown(value === undefined ? [] : [value]);
  return `query ${quote(settings.name)}: wanted ${describeParameter(settings)}, got ${got}`;
}

function rareMismatch(
  route: CompiledRoute,
  match: RouteMatchSettings,
  headers: RequestHeaders,
  stream: HttpStream,
): string | undefined {
  const at = route.conditions.rare.findIndex((condition) => !condition.matches(headers, stream));
  const condition = route.conditions.rare[at];
  if (condition === undefined) return undefined;
  return `wanted ${describeRare(match)[at]}, got ${condition.actual(headers, stream)}`;
}

function shown(values: readonly string[]): string {
  return values.length === 0 ? 'none' : values.map(quote).join(' and ');
}
