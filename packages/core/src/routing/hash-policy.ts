/** The hash that hashing load balancers choose by, from the hash policies of a route. */
import type { HttpStream } from '../api/http-stream.ts';
import { xxHash64 } from '../hash/xxhash64.ts';
import { Replacement } from '../regex/replace.ts';
import type { HashCookieSettings, HashSettings } from './action-settings.ts';
import { cookieValue } from './cookies.ts';
import { queryValue } from './query-match.ts';
import { endOfPath, wireText } from './text.ts';

/** Takes the `set-cookie` value of a cookie that has been made. */
type AddCookie = (setCookie: string) => void;

/** One source of the hash; `undefined` when the request has nothing of it. */
type HashSource = (stream: HttpStream, addCookie: AddCookie | undefined) => bigint | undefined;

interface Policy {
  readonly source: HashSource;
  readonly terminal: boolean;
}

/** All hash policies of a route. */
export class HashPolicies {
  private readonly policies: readonly Policy[];

  /** @throws SyntaxError for a bad regular expression. */
  constructor(settings: readonly HashSettings[]) {
    this.policies = settings.flatMap((each) => {
      const source = compileSource(each);
      return source === undefined ? [] : [{ source, terminal: each.terminal }];
    });
  }

  get isEmpty(): boolean {
    return this.policies.length === 0;
  }

  /** 64 bits; `undefined` when no policy finds anything. Without `addCookie` no cookie is made. */
  hash(stream: HttpStream, addCookie: AddCookie | undefined): bigint | undefined {
    let hash: bigint | undefined;
    for (const { source, terminal } of this.policies) {
      const found = source(stream, addCookie);
      // Rotating keeps two equal policies from cancelling each other out.
      if (found !== undefined) hash = hash === undefined ? found : rotated(hash) ^ found;
      if (terminal && hash !== undefined) break;
    }
    return hash;
  }
}

function rotated(hash: bigint): bigint {
  return BigInt.asUintN(64, (hash << 1n) | (hash >> 63n));
}

function compileSource({ header, cookie, connectionProperties, queryParameter, filterState }: HashSettings) {
  if (header !== undefined) return headerSource(header);
  if (cookie !== undefined) return cookieSource(cookie);
  if (queryParameter !== undefined) return queryParameterSource(wireText(queryParameter.name));
  if (filterState !== undefined) return filterStateSource(filterState.key);
  return connectionProperties?.sourceIp ? clientIp : undefined;
}

function headerSource({ headerName, regexRewrite }: NonNullable<HashSettings['header']>): HashSource {
  const name = headerName.toLowerCase();
  const rewrite = regexRewrite && new Replacement(regexRewrite.pattern.regex, regexRewrite.substitution);
  return ({ requestHeaders }) => {
    const first = requestHeaders.get(name);
    if (first === undefined) return undefined;
    let values = requestHeaders.getAll(name);
    if (values.length < 2) return xxHash64(rewrite === undefined ? first : rewrite.apply(first));
    if (rewrite !== undefined) values = values.map((value) => rewrite.apply(value));
    // The order of the lines makes no difference.
    return values.sort().reduce<bigint | undefined>((seed, value) => xxHash64(value, seed), undefined);
  };
}

function cookieSource(settings: HashCookieSettings): HashSource {
  const name = wireText(settings.name);
  const suffix = settings.ttlMs === undefined ? undefined : cookieSuffix(settings, Math.trunc(settings.ttlMs / 1000));
  return (stream, addCookie) => {
    const value = cookieValue(stream.requestHeaders, name);
    if (value) return xxHash64(value);
    if (suffix === undefined || addCookie === undefined) return undefined;
    const made = valueFor(stream);
    addCookie(`${name}="${made}"${suffix}`);
    return xxHash64(made);
  };
}

/** What follows the value in `set-cookie`. */
function cookieSuffix({ path, attributes }: HashCookieSettings, ttlSeconds: number): string {
  const parts = [
    ...(ttlSeconds === 0 ? [] : [`Max-Age=${ttlSeconds}`]),
    ...(path === '' ? [] : [`Path=${path}`]),
    ...attributes.map(({ name, value }) => (value === '' ? name : `${name}=${value}`)),
    'HttpOnly',
  ];
  return wireText(parts.map((part) => `; ${part}`).join(''));
}

/** The same for every request of a connection, so that requests that race get the same cookie. */
function valueFor({ connection }: HttpStream): string {
  const remote = addressText(connection.remoteIp, connection.remotePort);
  return xxHash64(remote + addressText(connection.localIp, connection.localPort))
    .toString(16)
    .padStart(16, '0');
}

function addressText(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

const clientIp: HashSource = ({ info }) => (info.clientIp === '' ? undefined : xxHash64(info.clientIp));

function queryParameterSource(name: string): HashSource {
  return ({ requestHeaders: { path } }) => {
    const value = queryValue(path, endOfPath(path), name);
    return value === undefined ? undefined : xxHash64(value);
  };
}

/** A filter leaves text, or a hash of its own. */
function filterStateSource(key: string): HashSource {
  return ({ info }) => {
    const value = info.filterState.get(key);
    if (typeof value === 'bigint') return BigInt.asUintN(64, value);
    return typeof value === 'string' ? xxHash64(wireText(value)) : undefined;
  };
}
