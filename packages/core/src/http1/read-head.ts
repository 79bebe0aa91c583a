/** Turns a scanned head into a `RequestHead`, `ResponseHead` or trailers: names interned, framing decided. */
import { HeaderMap, RequestHead, ResponseHead, Seen } from '../headers/header-map.ts';
import { findKnownName, NameKind } from '../headers/names.ts';
import { seenBit } from '../headers/seen.ts';
import { isForbiddenTrailer } from '../headers/trailers.ts';
import { latin1Range } from '../net/latin1.ts';
import {
  applyConnection,
  type ConnectionOptions,
  type FramingFields,
  frameRequest,
  frameResponse,
  isChunked,
  parseContentLength,
  trimOws,
} from './framing.ts';
import { type HeadParser, MARKS } from './head-parser.ts';
import { KeptNames } from './kept-names.ts';
import {
  DEFAULT_CLIENT_OPTIONS,
  type Http1ClientOptions,
  type Http1Options,
  METHODS,
  type NameOptions,
} from './options.ts';
import { type ProtocolError, ProtocolErrors } from './protocol-error.ts';
import { applyTarget, isAuthority } from './target.ts';

/** Reads heads of one connection. Holds scratch state, so that reading allocates only what the head needs. */
export class HeadReader {
  /** What is wrong after a reader returned `undefined`. */
  error: ProtocolError = ProtocolErrors.badStartLine;
  /** Asked of the connection by the head that was read last. */
  readonly connection: ConnectionOptions = { close: false, keepAlive: false, upgrade: false, nominated: 0 };
  /** The Upgrade field of the last head when its Connection field nominates it; '' otherwise. */
  upgrade = '';
  /** Fields of the last head that were left out for their names. */
  dropped = 0;

  private readonly framing: FramingFields = { contentLength: 0, lengthLines: 0, chunked: false, encodingLines: 0 };
  private nominations: string[] | undefined = undefined;
  private host = '';
  private hostLines = 0;
  private te = '';
  /** The last Host that passed the grammar; a keep-alive client sends the same one again. */
  private knownHost: string | undefined = undefined;

  request(parser: HeadParser, options: Http1Options): RequestHead | undefined {
    const head = new RequestHead();
    const base = parser.base;
    const text = latin1Range(parser.bytes, base, parser.headEnd);
    this.clear();
    const minor = httpMinor(parser.bytes, parser.versionStart);
    if (minor < 0) return this.refuse(ProtocolErrors.badVersion);
    if (minor === 0 && !options.acceptHttp10) return this.refuse(ProtocolErrors.oldVersion);
    head.minor = minor;
    const method = methodName(text, parser.methodEnd - base);
    if (method !== 'GET' && method !== 'POST' && !options.anyMethod && !METHODS.has(method)) {
      return this.refuse(ProtocolErrors.badMethod);
    }
    head.rawMethod = method;
    if (!this.requestFields(parser, text, head, options)) return undefined;
    const problem =
      applyTarget(head, text.substring(parser.methodEnd + 1 - base, parser.targetEnd - base), options) ??
      this.applyHost(head, options) ??
      this.applyConnection(head, options) ??
      frameRequest(head, this.framing, options.allowChunkedLength);
    if (problem !== undefined) return this.refuse(problem);
    if (options.keepNames) head.names = keptNames(parser, text, options);
    head.close ||= minor === 0 ? !this.connection.keepAlive || this.connection.close : this.connection.close;
    return head;
  }

  /** `toConnect`: a 2xx has no body, whatever its fields say (RFC 9112 6.3). */
  response(
    parser: HeadParser,
    toHead: boolean,
    toConnect = false,
    options: Http1ClientOptions = DEFAULT_CLIENT_OPTIONS,
  ): ResponseHead | undefined {
    const head = new ResponseHead();
    const bytes = parser.bytes;
    const base = parser.base;
    const text = latin1Range(bytes, base, parser.headEnd);
    this.clear();
    head.minor = httpMinor(bytes, base);
    head.rawStatus = statusCode(bytes, base + 8, parser.lineEnd);
    if (head.minor < 0 || head.status < 100) return this.refuse(ProtocolErrors.badStatus);
    if (!this.responseFields(parser, text, head)) return undefined;
    if (this.nominations !== undefined) {
      for (const value of this.nominations) {
        if (!applyConnection(value, head, this.connection)) head.close = true;
      }
    }
    if (this.connection.close || head.minor === 0) head.close = true;
    const bodiless = toHead || (toConnect && head.rawStatus >= 200 && head.rawStatus < 300);
    if (options.keepNames) {
      const names = keptNames(parser, text, options);
      if (options.forwardReason) names.reason = text.substring(13, parser.lineEnd - base);
      head.names = names;
    }
    const problem = frameResponse(head, this.framing, bodiless, options.allowChunkedLength);
    return problem === undefined ? head : this.refuse(problem);
  }

  /** True for a 101 that says to what it switches and declares no body; `head`, the one read last, gets the field. */
  switchesProtocol(head: ResponseHead): boolean {
    const { connection, framing, upgrade } = this;
    if (!connection.upgrade || upgrade === '' || connection.close || head.minor === 0) return false;
    if (framing.lengthLines > 0 || framing.encodingLines > 0) return false;
    head.fields.push('upgrade', upgrade);
    return true;
  }

  /** Trailers without the fields that must not come in one (RFC 9110 6.5.1). */
  trailers(parser: HeadParser, options: NameOptions): HeaderMap {
    const trailers = new HeaderMap();
    const base = parser.base;
    const text = latin1Range(parser.bytes, base, parser.headEnd);
    for (let f = 0, m = 0; f < parser.fieldCount; f++, m += MARKS) {
      const marks = parser.marks;
      const known = findKnownName(parser.bytes, marks[m] as number, marks[m + 1] as number, marks[m + 4] as number);
      const name =
        known?.name ?? text.substring((marks[m] as number) - base, (marks[m + 1] as number) - base).toLowerCase();
      if (isForbiddenTrailer(name)) continue;
      trailers.fields.push(name, text.substring((marks[m + 2] as number) - base, (marks[m + 3] as number) - base));
    }
    if (options.keepNames) trailers.names = keptNames(parser, text, options);
    return trailers;
  }

  private clear(): void {
    const framing = this.framing;
    framing.contentLength = 0;
    framing.lengthLines = 0;
    framing.chunked = false;
    framing.encodingLines = 0;
    const connection = this.connection;
    connection.close = false;
    connection.keepAlive = false;
    connection.upgrade = false;
    connection.nominated = 0;
    this.upgrade = '';
    this.nominations = undefined;
    this.hostLines = 0;
    this.te = '';
    this.dropped = 0;
  }

  private refuse(error: ProtocolError): undefined {
    this.error = error;
    return undefined;
  }

  private requestFields(parser: HeadParser, text: string, head: RequestHead, options: Http1Options): boolean {
    const bytes = parser.bytes;
    const base = parser.base;
    const marks = parser.marks;
    const fields = head.fields;
    const last = parser.fieldCount * MARKS;
    for (let m = 0; m < last; m += MARKS) {
      const nameStart = marks[m] as number;
      const nameEnd = marks[m + 1] as number;
      const value = text.substring((marks[m + 2] as number) - base, (marks[m + 3] as number) - base);
      const known = findKnownName(bytes, nameStart, nameEnd, marks[m + 4] as number);
      if (known === undefined) {
        const name = text.substring(nameStart - base, nameEnd - base).toLowerCase();
        if (options.underscores !== 'ALLOW' && name.includes('_')) {
          if (options.underscores === 'DROP_HEADER') {
            this.dropped++;
            continue;
          }
          this.error = ProtocolErrors.underscore;
          return false;
        }
        fields.push(name, value);
      } else if (known.kind === NameKind.ordinary) fields.push(known.name, value);
      else if (!this.special(known.kind, known.name, value, head)) return false;
    }
    if (this.te !== '' && listHas(this.te, 'trailers')) fields.push('te', 'trailers');
    return true;
  }

  private special(kind: number, name: string, value: string, head: RequestHead): boolean {
    switch (kind) {
      case NameKind.host:
        this.hostLines++;
        this.host = value;
        return true;
      case NameKind.connection:
        (this.nominations ??= []).push(value);
        return true;
      case NameKind.contentLength: {
        const length = parseContentLength(value);
        this.framing.lengthLines++;
        this.framing.contentLength = length;
        head.fields.push(name, String(length));
        return true;
      }
      case NameKind.transferEncoding:
        this.framing.encodingLines++;
        this.framing.chunked = isChunked(value);
        return true;
      case NameKind.upgrade:
        this.upgrade = this.upgrade === '' ? value : `${this.upgrade}, ${value}`;
        return true;
      case NameKind.te:
        this.te = this.te === '' ? value : `${this.te},${value}`;
        return true;
      case NameKind.expect:
        if (value.toLowerCase() !== '100-continue') {
          this.error = ProtocolErrors.badExpectation;
          return false;
        }
        head.seen |= Seen.expect;
        return true;
      case NameKind.keepAlive:
      case NameKind.proxyConnection:
      case NameKind.http2Settings:
        return true;
      default:
        head.seen |= seenBit(kind);
        head.fields.push(name, value);
        return true;
    }
  }

  private applyHost(head: RequestHead, options: Http1Options): ProtocolError | undefined {
    if (this.hostLines > 1) return ProtocolErrors.duplicateHost;
    if (this.hostLines === 0) {
      // Without a host the connection manager answers 400: the rest of the head may be in order. RFC 9112 3.2 wants the
      // field of an HTTP/1.1 client even when the target names a host.
      if (head.minor === 1) head.rawAuthority = '';
      else if (head.authority === '') head.rawAuthority = options.defaultHostForHttp10;
      return undefined;
    }
    const host = this.host;
    if (host !== this.knownHost) {
      if (!isAuthority(host)) return ProtocolErrors.badHost;
      this.knownHost = host;
    }
    if (head.authority === '') head.rawAuthority = host;
    return undefined;
  }

  private applyConnection(head: RequestHead, options: Http1Options): ProtocolError | undefined {
    const nominations = this.nominations;
    if (nominations !== undefined) {
      for (const value of nominations) {
        if (!applyConnection(value, head, this.connection)) return ProtocolErrors.badConnection;
      }
    }
    if (this.upgrade === '') return undefined;
    if (options.ignoreUpgrade !== undefined) this.upgrade = withoutMembers(this.upgrade, options.ignoreUpgrade);
    // h2c must not be negotiated through a proxy; an Upgrade that Connection does not name is hop-by-hop noise.
    if (this.upgrade === '' || !this.connection.upgrade || listHas(this.upgrade, 'h2c')) this.upgrade = '';
    else head.seen |= Seen.upgrade;
    return undefined;
  }

  private responseFields(parser: HeadParser, text: string, head: ResponseHead): boolean {
    const bytes = parser.bytes;
    const base = parser.base;
    const marks = parser.marks;
    const fields = head.fields;
    const last = parser.fieldCount * MARKS;
    const framing = this.framing;
    for (let m = 0; m < last; m += MARKS) {
      const nameStart = marks[m] as number;
      const nameEnd = marks[m + 1] as number;
      const value = text.substring((marks[m + 2] as number) - base, (marks[m + 3] as number) - base);
      const known = findKnownName(bytes, nameStart, nameEnd, marks[m + 4] as number);
      if (known === undefined) {
        fields.push(text.substring(nameStart - base, nameEnd - base).toLowerCase(), value);
        continue;
      }
      switch (known.kind) {
        case NameKind.contentLength:
          framing.lengthLines++;
          framing.contentLength = parseContentLength(value);
          fields.push(known.name, value);
          break;
        case NameKind.transferEncoding:
          framing.encodingLines++;
          framing.chunked = isChunked(value);
          break;
        case NameKind.connection:
          (this.nominations ??= []).push(value);
          break;
        case NameKind.upgrade:
          this.upgrade = value;
          break;
        case NameKind.keepAlive:
        case NameKind.proxyConnection:
        case NameKind.te:
          break;
        default:
          fields.push(known.name, value);
      }
    }
    return true;
  }
}

function keptNames(parser: HeadParser, text: string, options: NameOptions): KeptNames {
  const names = new KeptNames(options.ownNames);
  const { base, marks } = parser;
  for (let f = 0, m = 0; f < parser.fieldCount; f++, m += MARKS) {
    names.keep(text.substring((marks[m] as number) - base, (marks[m + 1] as number) - base));
  }
  return names;
}

/** Most requests are GET or POST: no string is made for those. */
function methodName(text: string, length: number): string {
  if (length === 3 && text.startsWith('GET')) return 'GET';
  if (length === 4 && text.startsWith('POST')) return 'POST';
  if (length === 4 && text.startsWith('HEAD')) return 'HEAD';
  return text.substring(0, length);
}

/** The minor version of `HTTP/1.0` or `HTTP/1.1` at `at`; -1 for anything else. */
function httpMinor(bytes: Buffer, at: number): number {
  const named =
    bytes[at] === 72 && bytes[at + 1] === 84 && bytes[at + 2] === 84 && bytes[at + 3] === 80 && bytes[at + 4] === 47;
  if (!named || bytes[at + 5] !== 49 || bytes[at + 6] !== 46) return -1;
  const minor = (bytes[at + 7] as number) - 48;
  return minor === 0 || minor === 1 ? minor : -1;
}

/** ` 200 OK` → 200; 0 when the line is not SP, three digits from 100 to 599, then SP or the end. */
function statusCode(bytes: Buffer, at: number, lineEnd: number): number {
  if (lineEnd < at + 4 || bytes[at] !== 32 || (lineEnd > at + 4 && bytes[at + 4] !== 32)) return 0;
  let status = 0;
  for (let i = at + 1; i < at + 4; i++) {
    const digit = (bytes[i] as number) - 48;
    if (digit < 0 || digit > 9) return 0;
    status = status * 10 + digit;
  }
  return status >= 100 && status <= 599 ? status : 0;
}

/** True when the comma-separated list has `member`, in any case, parameters aside. */
function listHas(list: string, member: string): boolean {
  for (const item of list.split(',')) {
    const semicolon = item.indexOf(';');
    if (trimOws(semicolon < 0 ? item : item.slice(0, semicolon)).toLowerCase() === member) return true;
  }
  return false;
}

/** The list without the members that `drop` accepts. */
function withoutMembers(list: string, drop: (member: string) => boolean): string {
  const members = list.split(',').map(trimOws);
  return members.filter((member) => member !== '' && !drop(member)).join(', ');
}
