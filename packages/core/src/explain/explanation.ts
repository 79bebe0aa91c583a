/** What `explain` answers: plain data, the same from `mesh explain --json`, `POST /explain` and `@mesh/testing`. */

/** Where something stands in a configuration file; lines and columns count from 1. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly col: number;
}

/** A header field; the request line and the host stand among them as `:method`, `:path` and `host`. */
export type HeaderLine = readonly [name: string, value: string];

/** One difference between two heads. A changed field is one `removed` and one `added`. */
export interface HeaderChange {
  readonly op: 'added' | 'removed';
  readonly name: string;
  readonly value: string;
}

/** How a request ends: which of the members below are present follows from it. */
export type ExplainOutcome =
  /** A route sends it to a cluster (which may not exist: see `cluster.missing`). */
  | 'forward'
  | 'redirect'
  | 'direct_response'
  /** No virtual host, or none of its routes: 404. */
  | 'no_route'
  /** Answered before any route was looked up, e.g. for a malformed head or path. */
  | 'refused';

/** The whole answer. Absent members do not apply; nothing is ever `null`. */
export interface Explanation {
  readonly request: ExplainedRequest;
  readonly outcome: ExplainOutcome;
  readonly listener: ExplainedListener;
  readonly filterChain: ExplainedFilterChain;
  readonly connectionManager: ExplainedManager;
  /** The virtual host that the request belongs to, whether or not one of its routes matches. */
  readonly virtualHost?: ExplainedVirtualHost;
  /** Instead of `virtualHost`: why there is none. */
  readonly noVirtualHost?: { readonly host: string; readonly domains: readonly string[]; readonly hint?: string };
  readonly route?: ExplainedRoute;
  /** Routes of the virtual host that were asked before the one that matched (all, when none did). */
  readonly earlierRoutes: readonly SkippedRoute[];
  /** How many before these are not told: a running proxy tells the last 500. */
  readonly earlierRoutesLeftOut?: number;
  readonly cluster?: ExplainedCluster;
  readonly upstreamRequest?: ExplainedUpstreamRequest;
  readonly policies?: ExplainedPolicies;
  /** What the client gets: of a redirect, direct response or refusal; of a bodiless 200 from upstream otherwise. */
  readonly response?: ExplainedResponse;
  readonly filters: readonly ExplainedFilter[];
}

export interface ExplainedRequest {
  readonly method: string;
  readonly url: string;
  /** As the client sends them, `host` first. */
  readonly headers: readonly HeaderLine[];
  readonly sourceIp: string;
  readonly tls: boolean;
  /** The draw that weights and fractions were decided with. */
  readonly random: number;
  readonly runtime: Readonly<Record<string, string>>;
}

export interface ExplainedListener {
  readonly name: string;
  readonly address: string;
  readonly at?: SourcePlace;
  /** Why this one, when the URL's port does not say it. */
  readonly note?: string;
}

export interface ExplainedFilterChain {
  /** '' when it has no name. */
  readonly name: string;
  /** Position in `filter_chains`, from 0; -1 is `default_filter_chain`. */
  readonly index: number;
  /** What it asks of a connection (`filter_chain_match` as JSON); absent when it takes every one. */
  readonly match?: string;
  readonly at?: SourcePlace;
  /** Names of the network filters, in order; they are not run. */
  readonly networkFilters: readonly string[];
}

export interface ExplainedManager {
  readonly statPrefix: string;
  /** Name of the route configuration; '' when it has none. */
  readonly routeConfig: string;
  readonly at?: SourcePlace;
  /** The address that counts as the client's after the rules for `x-forwarded-for`. */
  readonly clientIp: string;
  readonly internal: boolean;
  /** What it does to the head before the filters see it. */
  readonly changes: readonly HeaderChange[];
}

export interface ExplainedVirtualHost {
  readonly name: string;
  /** The domain that matched, and as what. */
  readonly domain: string;
  readonly match: 'exact' | 'suffix' | 'prefix' | 'any';
  /** The host that was looked up. */
  readonly host: string;
  /** How many routes it has. */
  readonly routes: number;
  /** Its `require_tls` sends the request to https before any route is asked. */
  readonly needsTls?: true;
  readonly at?: SourcePlace;
}

export interface ExplainedRoute {
  readonly name: string;
  /** Position in the virtual host, from 0. */
  readonly index: number;
  /** Its conditions in words. */
  readonly match: string;
  readonly at?: SourcePlace;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface SkippedRoute {
  readonly name: string;
  readonly index: number;
  readonly match: string;
  readonly reason: string;
  readonly at?: SourcePlace;
}

export interface ExplainedCluster {
  readonly name: string;
  /** What names it. */
  readonly by: 'cluster' | 'cluster_header' | 'weighted_clusters';
  /** The header of `cluster_header`. */
  readonly header?: string;
  readonly weighted?: ExplainedDraw;
  /** True when no cluster has that name: answered with `cluster_not_found_response_code`. */
  readonly missing?: true;
  /** In lower case, e.g. `strict_dns`. */
  readonly type?: string;
  readonly lbPolicy?: string;
  readonly at?: SourcePlace;
  /** Every host that may be picked. */
  readonly hosts: readonly ExplainedHost[];
}

/** How the cluster was drawn from `weighted_clusters`. */
export interface ExplainedDraw {
  readonly totalWeight: number;
  readonly shares: readonly { readonly cluster: string; readonly weight: number; readonly percent: number }[];
}

export interface ExplainedHost {
  /** `ip:port`, a socket's path, or `name:port` when the name has not been looked up. */
  readonly address: string;
  readonly hostname?: string;
  readonly weight: number;
  readonly priority: number;
  readonly locality?: { readonly region: string; readonly zone: string; readonly subZone: string };
  /** Of a running proxy only. */
  readonly healthy?: boolean;
  /** The name has not been looked up: nothing is connected to. */
  readonly unresolved?: true;
}

export interface ExplainedUpstreamRequest {
  /** Only the payload goes upstream, as plain TCP (`connect_config`): the head is not sent. */
  readonly tcp?: true;
  readonly method: string;
  readonly path: string;
  readonly host: string;
  /** Every field, in order, as the router hands it to the connection. */
  readonly headers: readonly HeaderLine[];
  /** Against what the connection manager handed to the filters. */
  readonly changes: readonly HeaderChange[];
}

/** Times are in milliseconds; 0 is off. */
export interface ExplainedPolicies {
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxStreamDurationMs?: number;
  readonly priority: 'default' | 'high';
  readonly retry?: {
    readonly on: readonly string[];
    readonly times: number;
    readonly perTryTimeoutMs: number;
    readonly perTryIdleTimeoutMs: number;
    readonly statusCodes: readonly number[];
  };
  readonly mirrors: readonly { readonly cluster: string; readonly percent: number; readonly runtimeKey?: string }[];
  /** The hash that consistent load balancers use, in hexadecimal. */
  readonly hash?: string;
  /** `set-cookie` of a hash policy that makes a cookie. */
  readonly hashCookie?: string;
}

export interface ExplainedResponse {
  /** 0 when the connection is closed without a response. */
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: string;
  /** Envoy's response code details and flags, e.g. `route_not_found` and `NR`. */
  readonly details?: string;
  readonly flags?: string;
}

export interface ExplainedFilter {
  readonly name: string;
  /** Name of the extension behind it, when it differs. */
  readonly type?: string;
  /** Whether the request passes through it. The router is run, others are only listed. */
  readonly runs: boolean;
  /** Why it does not run, or why it does although it is disabled in the chain. */
  readonly reason?: string;
  /** The route or its virtual host has a configuration of its own for it. */
  readonly routeConfig: boolean;
}
