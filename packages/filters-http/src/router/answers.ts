/** What the router answers without asking an upstream. */
import {
  type DirectResponseAction,
  type ForwardAction,
  type RedirectAction,
  ResponseFlag,
  type ResponseHeaders,
  type Route,
  type TerminalStream,
} from '@mesh/core';
import type { RouterEnvironment } from './environment.ts';
import { firstInvalid, type StrictName } from './request-overrides.ts';

export function answerNoRoute(env: RouterEnvironment, stream: TerminalStream): void {
  env.stats.noRoute.inc();
  stream.reply(404, undefined, undefined, { flag: ResponseFlag.NR, details: 'route_not_found' });
}

/** A redirect or a direct response: the route's own. */
export function answerOfRoute(
  env: RouterEnvironment,
  stream: TerminalStream,
  route: Route,
  action: RedirectAction | DirectResponseAction,
): void {
  env.stats.rqDirectResponse.inc();
  const location = action.location?.(stream.requestHeaders, stream);
  const fields: Record<string, string> = {};
  if (location !== undefined && location !== '') fields.location = location;
  const formatted = action.kind === 'direct_response' ? action.format?.(stream) : undefined;
  const modify = (head: ResponseHeaders) => {
    route.finalizeResponse(head, stream);
    // A format's own type counts more than what the route sets.
    if (formatted !== undefined && formatted.contentType !== '') head.set('content-type', formatted.contentType);
  };
  const body = action.kind === 'direct_response' ? (formatted?.body ?? action.body) : undefined;
  stream.reply(action.status, body, fields, { details: 'direct_response', modify });
}

export function answerNoCluster(
  env: RouterEnvironment,
  stream: TerminalStream,
  route: Route,
  action: ForwardAction,
): void {
  env.stats.noCluster.inc();
  const options = { flag: ResponseFlag.NC, details: 'cluster_not_found', modify: finishOf(route, stream) };
  stream.reply(action.clusterNotFoundStatus, undefined, undefined, options);
}

/** Answers a request in which a field of `strict_check_headers` is not valid; true when it was so. */
export function answerInvalid(env: RouterEnvironment, stream: TerminalStream, route: Route): boolean {
  const headers = stream.requestHeaders;
  const name = firstInvalid(headers, env.strictCheckHeaders as readonly StrictName[]);
  if (name === undefined) return false;
  const text = `invalid header '${name}' with value '${headers.get(name)}'`;
  const details = `request_headers_failed_strict_check{${name}}`;
  stream.reply(400, text, undefined, { flag: ResponseFlag.IH, details, modify: finishOf(route, stream) });
  return true;
}

/** Local replies of a matched route get its response fields, too. */
function finishOf(route: Route, stream: TerminalStream): (head: ResponseHeaders) => void {
  return (head) => route.finalizeResponse(head, stream);
}
