/** Envoy's redirects: the value of `location` for a request. */

import type { RequestHeaders } from '../api/headers.ts';
import type { RedirectAction } from '../api/route.ts';
import type { PathCondition } from './path-match.ts';
import type { RedirectSettings } from './settings.ts';
import { endOfPath, rooted, wireText } from './text.ts';

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
  readonly #path: PathCondition;
  /** '' keeps the scheme of the request; likewise below. */
  readonly #scheme: string;
  readonly #host: string;
  /** With its colon. */
  readonly #port: string;
  readonly #pathRedirect: string;
  readonly #prefixRewrite: string;
  readonly #stripQuery: boolean;

  constructor(settings: RedirectSettings, path: PathCondition) {
    this.status = STATUS[settings.responseCode];
    this.#path = path;
    this.#scheme = settings.httpsRedirect ? 'https' : wireText(settings.schemeRedirect ?? '');
    this.#host = wireText(settings.hostRedirect ?? '');
    this.#port = settings.portRedirect ? `:${settings.portRedirect}` : '';
    this.#pathRedirect = wireText(settings.pathRedirect ?? '');
    this.#prefixRewrite = wireText(settings.prefixRewrite ?? '');
    this.#stripQuery = settings.stripQuery;
  }

  location(headers: RequestHeaders): string {
    const scheme = this.#scheme || headers.scheme;
    const host = this.#host || this.#requestHost(headers, scheme);
    return legalLocation(`${scheme}://${host}${this.#port}${rooted(this.#target(headers.path))}`);
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

  #target(target: string): string {
    if (this.#pathRedirect !== '') return this.#redirectedPath(target);
    const matched = this.#path.matchedLength(endOfPath(target));
    const rewritten = this.#prefixRewrite === '' ? target : this.#prefixRewrite + target.slice(matched);
    return this.#stripQuery ? withoutQuery(rewritten) : rewritten;
  }

  /** A query in `path_redirect` replaces that of the request and is never stripped. */
  #redirectedPath(target: string): string {
    const query = target.indexOf('?');
    if (this.#stripQuery || query < 0 || this.#pathRedirect.includes('?')) return this.#pathRedirect;
    return this.#pathRedirect + target.slice(query);
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

/**
 * Percent-encodes what may not stand in a header value, so that no path, host or setting can split the response.
 * What is already percent-encoded stays as it is.
 */
function legalLocation(location: string): string {
  for (let i = 0; i < location.length; i++) {
    const code = location.charCodeAt(i);
    if (code <= 32 || code === 127 || code > 255) return encodeIllegal(location);
  }
  return location;
}

function encodeIllegal(location: string): string {
  return Array.from(location, (character) => {
    const code = character.codePointAt(0) as number;
    if (code > 32 && code !== 127 && code <= 255) return character;
    return Buffer.from(character, 'utf8').toString('hex').toUpperCase().replace(/../g, '%$&');
  }).join('');
}
