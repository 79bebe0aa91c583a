/**
 * Redirects that the proxy follows itself (Envoy `internal_redirect_policy`): decides whether, and makes the request's
 * head the one of the next run. A redirect that is not followed goes to the client as it is.
 */
import {
  type Counter,
  copyRequestHeaders,
  type InternalRedirectPolicy,
  type RequestHeaders,
  type ResponseHeaders,
  type StatsScope,
  type TerminalStream,
} from '@mesh/core';
import { acceptsRedirect } from './predicates.ts';
import { type RedirectTarget, redirectTarget } from './target.ts';

/** Where filter state counts the redirects of an exchange; Envoy's key. */
const COUNT = 'num_internal_redirects';

/** Why redirects were not followed: `http.<stat_prefix>.passthrough_internal_redirect_*`. */
export interface RedirectStats {
  readonly badLocation: Counter;
  readonly unsafeScheme: Counter;
  readonly tooMany: Counter;
  readonly noRoute: Counter;
  readonly predicate: Counter;
}

/** The counters of one router. */
export function redirectStats(scope: StatsScope): RedirectStats {
  return {
    badLocation: scope.counter('passthrough_internal_redirect_bad_location'),
    unsafeScheme: scope.counter('passthrough_internal_redirect_unsafe_scheme'),
    tooMany: scope.counter('passthrough_internal_redirect_too_many_redirects'),
    noRoute: scope.counter('passthrough_internal_redirect_no_route'),
    predicate: scope.counter('passthrough_internal_redirect_predicate'),
  };
}

/**
 * Makes `headers` the head of the request that `response` redirects to. Only for a whole request whose body is at hand.
 * `undefined`: not followed, `headers` are as they were; `true`: followed, the body must be dropped (303); `false`:
 * followed with the body.
 */
export function followRedirect(
  policy: InternalRedirectPolicy,
  headers: RequestHeaders,
  response: ResponseHeaders,
  stream: TerminalStream,
  stats: RedirectStats,
): boolean | undefined {
  const location = response.get('location');
  if (location === undefined) return undefined;
  const target = redirectTarget(location);
  if (target === undefined) return refuse(stats.badLocation);
  const fromHttps = headers.scheme === 'https';
  const toHttps = target.scheme !== 'http';
  if (fromHttps !== toHttps && !policy.allowCrossScheme) return refuse(stats.unsafeScheme);
  const { filterState } = stream.info;
  const count = (filterState.get(COUNT) as number | undefined) ?? 0;
  if (count >= policy.maxInternalRedirects) return refuse(stats.tooMany);
  const next = copyRequestHeaders(headers);
  redirect(next, target, policy, response);
  const route = stream.findRoute(next);
  if (route === undefined) return refuse(stats.noRoute);
  const step = { stream, from: stream.route?.name ?? '', to: route.name, fromHttps, toHttps };
  for (const predicate of policy.predicates) {
    if (!acceptsRedirect(predicate, step)) return refuse(stats.predicate);
  }
  filterState.set(COUNT, count + 1);
  stream.info.details = 'internal_redirect';
  const original = `${headers.scheme}://${headers.authority}${headers.path}`;
  redirect(headers, target, policy, response);
  headers.set('x-envoy-original-url', original);
  return response.status === 303 && dropBody(headers);
}

function refuse(counter: Counter): undefined {
  counter.inc();
  return undefined;
}

function redirect(
  headers: RequestHeaders,
  target: RedirectTarget,
  policy: InternalRedirectPolicy,
  response: ResponseHeaders,
): void {
  for (const name of policy.responseHeadersToCopy) {
    headers.remove(name);
    for (const value of response.getAll(name)) headers.append(name, value);
  }
  headers.scheme = target.scheme === 'http' ? 'http' : 'https';
  headers.authority = target.authority;
  headers.path = target.path;
}

/** RFC 9110 15.4.4: See Other asks for another resource, with GET. */
function dropBody(headers: RequestHeaders): boolean {
  if (headers.method === 'GET' || headers.method === 'HEAD') return false;
  headers.method = 'GET';
  headers.remove('content-length');
  return true;
}
