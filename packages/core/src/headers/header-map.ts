/**
 * Header fields as one flat `[name, value, name, value, …]` array: no object per field, wire order kept, and a
 * serializer can walk it with one loop. Hot path: benchmarks/micro/header-map.bench.mjs.
 */
import type { Headers, RequestHeaders, ResponseHeaders } from '../api/headers.ts';
import { checkField, isToken, lowerName } from './validate.ts';

/** Names of fields in the form in which they came. */
export interface WrittenNames {
  readonly reason: string | undefined;
  format(name: string): string;
}

/** A list of fields. Names in `fields` are lower case; interned when known. */
export class HeaderMap implements Headers {
  /** The flat array itself, for codecs and the engine. */
  readonly fields: string[] = [];
  /** @internal The names as they were written, when the codec was told to keep them. */
  names: WrittenNames | undefined = undefined;

  get size(): number {
    return this.fields.length >> 1;
  }

  get(name: string): string | undefined {
    const fields = this.fields;
    const wanted = lowerName(name);
    for (let i = 0; i < fields.length; i += 2) if (fields[i] === wanted) return fields[i + 1];
    return undefined;
  }

  getAll(name: string): string[] {
    const fields = this.fields;
    const wanted = lowerName(name);
    const values: string[] = [];
    for (let i = 0; i < fields.length; i += 2) if (fields[i] === wanted) values.push(fields[i + 1] as string);
    return values;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  hasPrefix(prefix: string): boolean {
    const fields = this.fields;
    // The third character tells most names apart, `x-` or not, without a call.
    const third = prefix.charCodeAt(2);
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i] as string;
      if ((name.charCodeAt(2) === third || prefix.length < 3) && name.startsWith(prefix)) return true;
    }
    return false;
  }

  set(name: string, value: string): void {
    this.put(checkField(name, value), value);
  }

  append(name: string, value: string): void {
    this.fields.push(checkField(name, value), value);
  }

  remove(name: string): boolean {
    return this.drop(lowerName(name));
  }

  forEach(visit: (name: string, value: string) => void): void {
    const fields = this.fields;
    for (let i = 0; i < fields.length; i += 2) visit(fields[i] as string, fields[i + 1] as string);
  }

  *entries(): IterableIterator<[string, string]> {
    const fields = this.fields;
    for (let i = 0; i < fields.length; i += 2) yield [fields[i] as string, fields[i + 1] as string];
  }

  /** `get` for a name that is lower case: what the engine asks for. */
  value(name: string): string | undefined {
    const fields = this.fields;
    for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
    return undefined;
  }

  /** `set` without the checks, for names that are lower case and values that are known to be legal. */
  put(name: string, value: string): void {
    const fields = this.fields;
    for (let i = 0; i < fields.length; i += 2) {
      if (fields[i] !== name) continue;
      fields[i + 1] = value;
      this.dropFrom(i + 2, name);
      return;
    }
    fields.push(name, value);
  }

  /** `remove` for a name that is lower case. */
  drop(name: string): boolean {
    return this.dropFrom(0, name);
  }

  private dropFrom(start: number, name: string): boolean {
    const fields = this.fields;
    let i = start;
    while (i < fields.length && fields[i] !== name) i += 2;
    if (i >= fields.length) return false;
    let kept = i;
    for (; i < fields.length; i += 2) {
      if (fields[i] === name) continue;
      fields[kept++] = fields[i] as string;
      fields[kept++] = fields[i + 1] as string;
    }
    fields.length = kept;
    return true;
  }
}

/** How a message's body is delimited (RFC 9112 6.3). */
export const Body = { none: 0, length: 1, chunked: 2, untilClose: 3 } as const;
export type BodyFraming = (typeof Body)[keyof typeof Body];

/** Which special names a parsed request carried, so that common requests skip whole clean-up steps. */
export const Seen = {
  forwardedFor: 1,
  forwardedProto: 2,
  requestId: 4,
  envoy: 8,
  te: 16,
  expect: 32,
  upgrade: 64,
  referer: 128,
  forwardedHost: 256,
  clientCert: 512,
  /** The target is in absolute form: it names the scheme. */
  scheme: 1024,
  /** The target has a fragment, which no client may send. */
  fragment: 2048,
} as const;

const SEEN_NAMES: ReadonlyMap<string, number> = new Map([
  ['x-forwarded-for', Seen.forwardedFor],
  ['x-forwarded-proto', Seen.forwardedProto],
  ['x-forwarded-host', Seen.forwardedHost],
  ['x-request-id', Seen.requestId],
  ['referer', Seen.referer],
  ['x-forwarded-client-cert', Seen.clientCert],
]);

/** A request head. `host` is kept in `authority`, not in `fields`. */
export class RequestHead extends HeaderMap implements RequestHeaders {
  /** @internal The three parts without the checks of their setters; for the parser. */
  rawMethod = 'GET';
  /** @internal */ rawPath = '/';
  /** @internal */ rawAuthority = '';
  scheme: 'http' | 'https' = 'http';
  /** @internal 0 for HTTP/1.0, 1 for HTTP/1.1, 2 for HTTP/2. */
  minor = 1;
  /** @internal */ framing: BodyFraming = Body.none;
  /** @internal */ contentLength = 0;
  /** @internal Bits of {@link Seen}; valid until filters run. */
  seen = 0;
  /** @internal The client asked for this connection to end. */
  close = false;
  /** @internal The protocol that the client asks to switch to; '' for none. */
  upgradeTo = '';

  get method(): string {
    return this.rawMethod;
  }
  set method(method: string) {
    this.rawMethod = checkMethod(method);
  }
  get path(): string {
    return this.rawPath;
  }
  /** Checked: a filter that lets a space or a line break through would split the request. */
  set path(path: string) {
    this.rawPath = checkTarget(':path', path);
  }
  get authority(): string {
    return this.rawAuthority;
  }
  set authority(authority: string) {
    this.rawAuthority = checkAuthority(authority);
  }

  override get(name: string): string | undefined {
    return mayBePseudo(name) ? (this.pseudo(lowerName(name)) ?? super.get(name)) : super.get(name);
  }

  override getAll(name: string): string[] {
    const wanted = lowerName(name);
    if (wanted !== 'host' && wanted.charCodeAt(0) !== 58) return super.getAll(wanted);
    const value = this.pseudo(wanted);
    return value === undefined ? [] : [value];
  }

  override set(name: string, value: string): void {
    if (!mayBePseudo(name) || !this.setPseudo(lowerName(name), value)) super.set(name, value);
  }

  override append(name: string, value: string): void {
    if (!mayBePseudo(name) || !this.setPseudo(lowerName(name), value)) super.append(name, value);
  }

  /** @internal Sets `seen` anew after the fields were changed; what the target and the codec's own fields said stays. */
  lookAgain(): void {
    this.seen &= Seen.te | Seen.expect | Seen.upgrade | Seen.scheme | Seen.fragment;
    const { fields } = this;
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i] as string;
      this.seen |= name.startsWith('x-envoy-') ? Seen.envoy : (SEEN_NAMES.get(name) ?? 0);
    }
  }

  private pseudo(name: string): string | undefined {
    // A CONNECT has no path; a head that never came whole has nothing at all.
    if (name === 'host' || name === ':authority') return this.authority || undefined;
    if (name === ':path') return this.path || undefined;
    if (name === ':method') return this.method || undefined;
    if (name === ':scheme') return this.scheme;
    return undefined;
  }

  private setPseudo(name: string, value: string): boolean {
    if (name === 'host' || name === ':authority') {
      this.authority = value;
      return true;
    }
    if (name.charCodeAt(0) !== 58) return false;
    if (name === ':path') this.path = value;
    else if (name === ':method') this.method = value;
    else throw new TypeError(`header ${name} cannot be set`);
    return true;
  }
}

/** A response head. */
export class ResponseHead extends HeaderMap implements ResponseHeaders {
  /** @internal `status` without the check of its setter; for the parser. */
  rawStatus = 200;
  /** @internal 0 for HTTP/1.0. */
  minor = 1;
  /** @internal */ framing: BodyFraming = Body.none;
  /** @internal */ contentLength = 0;
  /** @internal The peer will close, or must not be used again. */
  close = false;

  get status(): number {
    return this.rawStatus;
  }
  /** @throws TypeError for what is no status code. */
  set status(status: number) {
    if (!Number.isInteger(status) || status < 100 || status > 599) throw new TypeError(`invalid status ${status}`);
    this.rawStatus = status;
  }

  override get(name: string): string | undefined {
    return name === ':status' ? String(this.status) : super.get(name);
  }
}

/** The same bytes that the parser lets into a target: visible US-ASCII. */
function checkTarget(name: string, value: string): string {
  if (value === '') throw new TypeError(`invalid value for ${name}: ""`);
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code <= 32 || code >= 127) throw new TypeError(`invalid value for ${name}`);
  }
  return value;
}

function checkMethod(value: string): string {
  if (!isToken(value)) throw new TypeError(`invalid method ${JSON.stringify(value)}`);
  return value;
}

/** `host` and names that begin with a colon are kept apart from the fields. */
function mayBePseudo(name: string): boolean {
  return name.charCodeAt(0) === 58 || (name.length === 4 && (name.charCodeAt(0) | 32) === 104);
}

function checkAuthority(value: string): string {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code <= 32 || code >= 127) throw new TypeError(`invalid value for host: ${JSON.stringify(value)}`);
  }
  return value;
}
