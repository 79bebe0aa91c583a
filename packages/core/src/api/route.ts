/** The outcome of route matching, as filters see it. */
import type { RequestHeaders, ResponseHeaders } from './headers.ts';

/** What the matched route wants done with the request. */
export type RouteAction = ForwardAction | RedirectAction | DirectResponseAction;

export interface ForwardAction {
  readonly kind: 'forward';
  readonly cluster: string;
  /** Answered when the cluster does not exist: 503 unless configured (`cluster_not_found_response_code`). */
  readonly clusterNotFoundStatus: number;
  /** Time for the whole response once the request is complete; 0 is unlimited. Default 15 000. */
  readonly timeoutMs: number;
  /** Replaces the connection manager's `stream_idle_timeout`; `undefined` keeps it, 0 disables. */
  readonly idleTimeoutMs: number | undefined;
}

export interface RedirectAction {
  readonly kind: 'redirect';
  readonly status: number;
  /** The value of `location` for this request. */
  location(headers: RequestHeaders): string;
}

export interface DirectResponseAction {
  readonly kind: 'direct_response';
  readonly status: number;
  readonly body: string;
}

/** A matched route. Compiled at config time, shared by all requests. */
export interface Route {
  readonly name: string;
  readonly virtualHost: string;
  readonly action: RouteAction;
  /** Applies rewrites and header additions of route, virtual host and table, in Envoy's order. */
  finalizeRequest(headers: RequestHeaders, keepOriginalPath: boolean): void;
  finalizeResponse(headers: ResponseHeaders): void;
  /** The per-route config of the HTTP filter with this index in the chain, if any. */
  filterConfig(slot: number): unknown;
}
