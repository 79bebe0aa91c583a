/** One test: its request is routed and rewritten, and each expectation is compared with what came of it. */
import type { Headers } from '../api/headers.ts';
import type { ForwardAction, Route } from '../api/route.ts';
import type { RequestHead, ResponseHead } from '../headers/header-map.ts';
import type { Stream } from '../http/stream.ts';
import { CompiledRoute } from '../routing/compiled-route.ts';
import { describeHeader } from '../routing/describe.ts';
import { HeaderCondition } from '../routing/header-match.ts';
import type { RouteTable } from '../routing/route-table.ts';
import { responseHead } from './check-stream.ts';
import type { CheckedField, TestResult } from './report.ts';
import type { RouteExpectations, RouteTest } from './schema.ts';

/** What came of a request. */
interface Outcome {
  readonly route: Route | undefined;
  /** The name; '' when the request is not forwarded. */
  readonly cluster: string;
  readonly request: RequestHead;
  readonly response: ResponseHead;
  readonly location: string;
}

/** Told of every expectation that holds. */
export type Held = (route: Route | undefined, field: string) => void;

/** Runs one test. */
export function runTest(test: RouteTest, table: RouteTable, stream: Stream, held: Held): TestResult {
  const outcome = route(test, table, stream);
  const fields = checkAll(test.validate, outcome);
  for (const { field, ok } of fields) if (ok) held(outcome.route, field);
  return {
    name: test.testName,
    ok: fields.every(({ ok }) => ok),
    fields,
    route: describeRoute(outcome.route),
  };
}

/** As Envoy's tool: everything is rewritten before anything is compared. */
function route({ input }: RouteTest, table: RouteTable, stream: Stream): Outcome {
  const request = stream.requestHeaders;
  const found = table.route(request, stream);
  stream.route = found;
  const action = found?.action;
  if (found === undefined || action === undefined) {
    return { route: undefined, cluster: '', request, response: responseHead(input, 404, ''), location: '' };
  }
  if (action.kind === 'forward') {
    const cluster = clusterOf(action, request);
    found.finalizeRequest(request, stream, true);
    const response = responseHead(input, 200, '');
    found.finalizeResponse(response, stream);
    return { route: found, cluster, request, response, location: '' };
  }
  const location = action.kind === 'redirect' ? action.location(request, stream) : '';
  if (found instanceof CompiledRoute) showRewrite(found, request, location);
  const formatted = action.kind === 'direct_response' ? action.format?.(stream) : undefined;
  const body = formatted?.body ?? (action.kind === 'direct_response' ? action.body : '');
  const response = responseHead(input, action.status, body);
  if (formatted !== undefined) response.set('content-type', formatted.contentType);
  if (location !== '') response.set('location', location);
  found.finalizeResponse(response, stream);
  return { route: found, cluster: '', request, response, location };
}

/** The head of a request that is redirected to a rewritten path shows that path, as in Envoy's tool. */
function showRewrite({ source }: CompiledRoute, request: RequestHead, location: string): void {
  const { prefixRewrite, regexRewrite } = source.settings.redirect ?? {};
  const target = /^[^:]+:\/\/[^/]*(\/.*)$/.exec(location)?.[1];
  if ((!prefixRewrite && regexRewrite === undefined) || target === undefined) return;
  request.set('x-envoy-original-path', request.path);
  request.path = target;
}

function clusterOf({ cluster, clusterHeader }: ForwardAction, request: RequestHead): string {
  return clusterHeader === undefined ? cluster : (request.get(clusterHeader) ?? '');
}

function describeRoute(found: Route | undefined): string {
  if (found === undefined) return 'no route';
  if (!(found instanceof CompiledRoute)) return `virtual host ${found.virtualHost}, require_tls`;
  const name = found.name === '' ? '' : ` ${JSON.stringify(found.name)}`;
  return `virtual host ${found.virtualHost}, route ${found.source.index + 1}${name}`;
}

function checkAll(expected: RouteExpectations, outcome: Outcome): CheckedField[] {
  const { route: found, cluster, request, response, location } = outcome;
  const action = found?.action;
  const forward = action?.kind === 'forward' ? action : undefined;
  const forwarded = (value: string | undefined) => (forward === undefined ? '' : (value ?? ''));
  const code = action === undefined || action.kind === 'forward' ? 0 : action.status;
  return [
    ...compare('cluster_name', expected.clusterName, cluster),
    ...compare('virtual_cluster_name', expected.virtualClusterName, forwarded(found?.virtualCluster?.(request)?.name)),
    ...compare('virtual_host_name', expected.virtualHostName, forwarded(found?.virtualHost)),
    ...compare('path_rewrite', expected.pathRewrite, forwarded(request.path)),
    ...compare('host_rewrite', expected.hostRewrite, forwarded(request.authority)),
    ...compare('path_redirect', expected.pathRedirect, location),
    ...compare('code_redirect', expected.codeRedirect, code),
    ...compare('timeout', expected.timeoutMs, forward?.timeoutMs ?? 0, (ms) => `${ms / 1000}s`),
    ...matches('request_header_matches', expected.requestHeaderMatches, request),
    ...equal('request_header_fields', expected.requestHeaderFields, request),
    ...equal('header_fields', expected.headerFields, request),
    ...equal('custom_header_fields', expected.customHeaderFields, request),
    ...matches('response_header_matches', expected.responseHeaderMatches, response),
    ...equal('response_header_fields', expected.responseHeaderFields, response),
  ];
}

function compare<T extends string | number>(
  field: string,
  expected: T | undefined,
  actual: T,
  show: (value: T) => string = shown,
): CheckedField[] {
  if (expected === undefined) return [];
  return [{ field, expected: show(expected), actual: show(actual), ok: expected === actual }];
}

function shown(value: string | number): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

function matches(
  field: string,
  matchers: RouteExpectations['requestHeaderMatches'],
  headers: RequestHead | ResponseHead,
): CheckedField[] {
  return matchers.map((matcher) => ({
    field: `${field}: ${matcher.name}`,
    expected: describeHeader(matcher as never),
    actual: valuesOf(headers, matcher.name),
    ok: new HeaderCondition(matcher as never).matches(headers),
  }));
}

function valuesOf(headers: Headers, name: string): string {
  const values = name.startsWith(':') ? [headers.get(name)] : headers.getAll(name);
  return values.length === 0 ? 'none' : values.map((value) => JSON.stringify(value ?? '')).join(', ');
}

/** A header that is not there counts as empty. */
function equal(
  field: string,
  wanted: RouteExpectations['requestHeaderFields'],
  headers: RequestHead | ResponseHead,
): CheckedField[] {
  return wanted.map(({ key, value }) => {
    const actual = headers.get(key) ?? '';
    return { field: `${field}: ${key}`, expected: shown(value), actual: shown(actual), ok: actual === value };
  });
}
