/** Envoy's redirects: the value of `location` for a request. */

import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { RedirectAction } from '../api/route.ts';
import { compileFormat, type Format } from '../format/format.ts';
import type { RedirectSettings } from './action-settings.ts';
import { legalTarget } from './legal-target.ts';
import { PathRewrite } from './path-rewrite.ts';
import type { RouteConditions } from './route-conditions.ts';
import { rooted, wireText } from './text.ts';

const STATUS = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
} as const satisfies Record<RedirectSettings['responseCode'], number>;

/** A compiled redirect. Empty settings count as not given, as in Envoy. */
export class Redirect implements RedirectAction {
  readonly kind = 'redirect';
  readonly status: number;
  /** '' keeps the scheme of the request; likewise below. */
  readonly #scheme: string;
  readonly #host: string;
  /** With its colon. */
  readonly #port: string;
  /** `path_redirect`, or `path_rewrite`, which is one with substitutions. */
  readonly #path: Format;
  readonly #rewrite: PathRewrite;
  readonly #stripQuery: boolean;

  constructor(settings: RedirectSettings, conditions: RouteConditions) {
    this.status = STATUS[settings.responseCode];
    this.#scheme = settings.httpsRedirect ? 'https' : wireText(settings.schemeRedirect ?? '');
    this.#host = wireText(settings.hostRedirect ?? '');
    this.#port = settings.portRedirect ? `:${settings.portRedirect}` : '';
    const { pathRedirect = '', pathRewrite, prefixRewrite, regexRewrite } = settings;
    // A path is no format: its percent signs stand for themselves.
    this.#path = compileFormat(pathRewrite ?? pathRedirect.replaceAll('%', '%%'));
    this.#rewrite = new PathRewrite(
      { ...(prefixRewrite && { prefixRewrite }), ...(regexRewrite && { regexRewrite }) },
      conditions,
    );
    this.#stripQuery = settings.stripQuery;
  }

  location(headers: RequestHeaders, stream: HttpStream): string {
    const scheme = this.#scheme || headers.scheme;
    const host = this.#host || this.#requestHost(headers, scheme);
    return legalTarget(`${scheme}://${host}${this.#port}${rooted(this.#target(headers, stream))}`);
  }

  /** The host of the request, without a port that the new scheme or port makes wrong. */
  #requestHost(headers: RequestHeaders, scheme: string): string {
    const host = headers.authority;
    const colon = startOfPort(host);
    if (colon < 0) return host;
    if (this.#port !== '') return host.slice(0, colon);
    // What the client used, which is not the scheme of this hop when a proxy in front ended TLS.
    const used = headers.get('x-forwarded-proto') ?? headers.scheme;
    const port = host.slice(colon);
    const isDefault = (used === 'https' && port === ':443') || (used === 'http' && port === ':80');
    return scheme !== used && isDefault ? host.slice(0, colon) : host;
  }

  #target(headers: RequestHeaders, stream: HttpStream): string {
    const path = this.#path.format(stream);
    if (path !== '') return this.#redirectedPath(path, headers.path);
    const rewritten = this.#rewrite.target(headers, stream) ?? headers.path;
    return this.#stripQuery ? withoutQuery(rewritten) : rewritten;
  }

  /** A query in the new path replaces that of the request and is never stripped. */
  #redirectedPath(path: string, target: string): string {
    const query = target.indexOf('?');
    return this.#stripQuery || query < 0 || path.includes('?') ? path : path + target.slice(query);
  }
}

function withoutQuery(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/** The colon before the port, or -1. Colons inside the brackets of an IPv6 address are none. */
function startOfPort(host: string): number {
  if (!host.startsWith('[')) return host.lastIndexOf(':');
  const bracket = host.lastIndexOf(']:');
  return bracket < 0 ? -1 : bracket + 1;
}
