/** Where a client's session is kept: in a cookie or in a header of its requests and responses. */
import { cookieValue, type RequestHeaders, type ResponseHeaders } from '@mesh/core';
import { fromBase64, toBase64 } from './base64.ts';
import { decodeCookie, encodeCookie } from './cookie-message.ts';

export interface SessionStore {
  /** Whether requests with this path have sessions at all. */
  covers(path: string): boolean;
  /** The host (`ip:port`) that the client's session is with; `undefined` without one. `nowSeconds` is Unix time. */
  addressOf(headers: RequestHeaders, nowSeconds: number): string | undefined;
  /** Tells the client that its session is with another host from now on. */
  tell(headers: ResponseHeaders, address: string, nowSeconds: number): void;
}

/** Envoy `envoy.type.http.v3.Cookie`. */
export interface CookieSettings {
  readonly name: string;
  /** 0 makes a cookie of the browser's session, which does not expire. */
  readonly ttlMs: number;
  readonly path: string;
  readonly attributes: readonly { readonly name: string; readonly value: string }[];
}

/** Sessions in a cookie. */
export class CookieSessions implements SessionStore {
  private readonly name: string;
  private readonly ttlSeconds: number;
  private readonly path: string;
  /** What follows the value. */
  private readonly tail: string;

  constructor({ name, ttlMs, path, attributes }: CookieSettings) {
    this.name = name;
    this.ttlSeconds = Math.floor(ttlMs / 1000);
    this.path = path === '/' ? '' : path;
    const age = this.ttlSeconds === 0 ? '' : `; Max-Age=${this.ttlSeconds}`;
    const more = attributes.map((each) => `; ${each.name}${each.value === '' ? '' : `=${each.value}`}`).join('');
    this.tail = `${age}${path === '' ? '' : `; Path=${path}`}${more}; HttpOnly`;
  }

  covers(path: string): boolean {
    const own = this.path;
    if (!path.startsWith(own)) return false;
    if (own === '' || own.endsWith('/') || path.length === own.length) return true;
    const next = path[own.length];
    return next === '/' || next === '?' || next === '#';
  }

  addressOf(headers: RequestHeaders, nowSeconds: number): string | undefined {
    const value = cookieValue(headers, this.name);
    if (value === undefined) return undefined;
    const bytes = fromBase64(value);
    const cookie = decodeCookie(bytes);
    // Envoy's older releases put nothing but the address into it.
    if (cookie === undefined) return bytes.toString('latin1') || undefined;
    if (cookie.expires !== 0 && nowSeconds > cookie.expires) return undefined;
    return cookie.address || undefined;
  }

  tell(headers: ResponseHeaders, address: string, nowSeconds: number): void {
    const expires = this.ttlSeconds === 0 ? 0 : nowSeconds + this.ttlSeconds;
    const value = encodeCookie({ address, expires }).toString('base64');
    headers.append('set-cookie', `${this.name}="${value}"${this.tail}`);
  }
}

/** Sessions in a header, for clients that send back what they were told. */
export class HeaderSessions implements SessionStore {
  private readonly name: string;

  constructor(name: string) {
    this.name = name.toLowerCase();
  }

  covers(): boolean {
    return true;
  }

  addressOf(headers: RequestHeaders): string | undefined {
    const value = headers.get(this.name);
    return value === undefined ? undefined : fromBase64(value).toString('latin1') || undefined;
  }

  tell(headers: ResponseHeaders, address: string): void {
    headers.set(this.name, toBase64(address));
  }
}
