/** Fields of a request head to a `RequestHead` (RFC 9113 8.3.1), set as the reader of HTTP/1 sets it. */
import { Body, RequestHead, Seen } from '../headers/header-map.ts';
import { NameKind } from '../headers/names.ts';
import { seenBit } from '../headers/seen.ts';
import { isToken } from '../headers/validate.ts';
import { isAuthority } from '../http1/target.ts';
import { FieldCollector, HeadError, isConnectionSpecific } from './head-fields.ts';
import { FieldKind } from './hpack/index.ts';
import type { Http2Options } from './options.ts';

/** Which pseudo-header fields have come. */
const Pseudo = { method: 1, scheme: 2, path: 4, authority: 8, protocol: 16 } as const;
/** RFC 3986 3.1, in lower case. */
const SCHEME = /^[a-z][a-z0-9+.-]*$/;
const REQUIRED = Pseudo.method | Pseudo.scheme | Pseudo.path;

export class RequestCollector extends FieldCollector {
  /** Fields of the last head that were left out for their names (`headers_with_underscores_action`). */
  dropped = 0;
  private head = new RequestHead();
  private pseudo = 0;
  private regular = false;
  private host: string | undefined = undefined;
  private cookie: string | undefined = undefined;
  private protocol = '';
  private readonly allowConnect: boolean;
  private readonly underscores: Http2Options['underscores'];
  /** The last authority that passed the grammar: a client sends the same one again. */
  private knownAuthority = '';

  constructor(options: Http2Options) {
    super(options.limits);
    this.allowConnect = options.allowConnect;
    this.underscores = options.underscores;
  }

  begin(): void {
    const head = new RequestHead();
    head.rawMethod = '';
    head.rawPath = '';
    head.minor = 2;
    // The client names the scheme itself.
    head.seen = Seen.scheme;
    this.head = head;
    this.start(head.fields);
    this.dropped = 0;
    this.pseudo = 0;
    this.regular = false;
    this.host = undefined;
    this.cookie = undefined;
    this.protocol = '';
  }

  /** The head, or `undefined` with `error` set. */
  finish(end: boolean): RequestHead | undefined {
    if (this.error === undefined) this.complete(end);
    return this.error === undefined ? this.head : undefined;
  }

  protected accept(name: string, value: string, kind: number): void {
    if (kind < 0) this.acceptPseudo(value, kind);
    else {
      this.regular = true;
      if (kind === NameKind.ordinary) this.acceptOrdinary(name, value);
      else this.acceptSpecial(name, value, kind);
    }
  }

  private acceptPseudo(value: string, kind: number): void {
    const { head } = this;
    if (this.regular) {
      this.refuse(HeadError.field);
      return;
    }
    switch (kind) {
      case FieldKind.method:
        this.once(Pseudo.method, value === 'GET' || value === 'POST' || isToken(value));
        head.rawMethod = value;
        break;
      case FieldKind.path:
        this.once(Pseudo.path, isPath(value));
        head.rawPath = value;
        break;
      case FieldKind.scheme:
        this.applyScheme(value);
        break;
      case FieldKind.authority:
        this.once(Pseudo.authority, value !== '' && this.isAuthority(value));
        head.rawAuthority = value;
        break;
      case FieldKind.protocol:
        this.once(Pseudo.protocol, this.allowConnect && isToken(value));
        this.protocol = value;
        break;
      default:
        this.refuse(HeadError.field);
    }
  }

  private once(bit: number, legal: boolean): void {
    if (!legal || (this.pseudo & bit) !== 0) this.refuse(HeadError.field);
    this.pseudo |= bit;
  }

  private applyScheme(value: string): void {
    const scheme = value === 'http' || value === 'https' ? value : value.toLowerCase();
    this.once(Pseudo.scheme, scheme === 'http' || scheme === 'https' || SCHEME.test(scheme));
    // Another scheme is served as http, as by Envoy.
    this.head.scheme = scheme === 'https' ? 'https' : 'http';
  }

  private isAuthority(value: string): boolean {
    if (value === this.knownAuthority) return true;
    if (!isAuthority(value)) return false;
    this.knownAuthority = value;
    return true;
  }

  private acceptOrdinary(name: string, value: string): void {
    if (name === 'cookie') this.cookie = this.cookie === undefined ? value : `${this.cookie}; ${value}`;
    else if (this.underscores === 'ALLOW' || !name.includes('_')) this.fields.push(name, value);
    else if (this.underscores === 'DROP_HEADER') this.dropped++;
    else this.refuse(HeadError.underscore);
  }

  private acceptSpecial(name: string, value: string, kind: number): void {
    if (isConnectionSpecific(kind)) {
      this.refuse(HeadError.field);
      return;
    }
    switch (kind) {
      case NameKind.host:
        if (this.host !== undefined) this.refuse(HeadError.field);
        this.host = value;
        return;
      case NameKind.contentLength:
        this.acceptLength(name, value);
        return;
      case NameKind.te:
        if (value.toLowerCase() === 'trailers') this.fields.push('te', 'trailers');
        else this.refuse(HeadError.field);
        return;
      case NameKind.http2Settings:
        return;
      case NameKind.expect:
        if (value.toLowerCase() === '100-continue') this.head.seen |= Seen.expect;
        else this.fields.push(name, value);
        return;
      default:
        this.head.seen |= seenBit(kind);
        this.fields.push(name, value);
    }
  }

  private complete(end: boolean): void {
    const { head, pseudo } = this;
    if (this.cookie !== undefined) this.fields.push('cookie', this.cookie);
    if (head.rawMethod === 'CONNECT') this.completeConnect();
    else if ((pseudo & REQUIRED) !== REQUIRED || (pseudo & Pseudo.protocol) !== 0) this.refuse(HeadError.messaging);
    else if (head.rawPath.charCodeAt(0) !== 47 && !(head.rawPath === '*' && head.rawMethod === 'OPTIONS')) {
      this.refuse(HeadError.messaging);
    }
    // :authority stands for Host, which then says nothing (RFC 9113 8.3.1 lets a server ignore it).
    if ((pseudo & Pseudo.authority) === 0) this.applyHost(this.host);
    if (head.rawPath.includes('#')) head.seen |= Seen.fragment;
    this.frame(end);
  }

  /** One of the two must be there, as with Envoy; an empty one is for the connection manager to answer. */
  private applyHost(host: string | undefined): void {
    if (host === undefined) this.refuse(HeadError.messaging);
    else if (host !== '' && !this.isAuthority(host)) this.refuse(HeadError.field);
    else this.head.rawAuthority = host;
  }

  /** A plain CONNECT has an authority only; an extended one becomes an upgrade, as HTTP/1 asks for it (RFC 8441 4). */
  private completeConnect(): void {
    const { head, pseudo } = this;
    if ((pseudo & Pseudo.protocol) === 0) {
      const legal = (pseudo & (Pseudo.scheme | Pseudo.path)) === 0 && head.rawAuthority !== '';
      if (!legal) this.refuse(HeadError.messaging);
    } else if ((pseudo & REQUIRED) !== REQUIRED) this.refuse(HeadError.messaging);
    else {
      head.rawMethod = 'GET';
      head.upgradeTo = this.protocol;
      head.seen |= Seen.upgrade;
    }
  }

  private frame(end: boolean): void {
    const { head, contentLength } = this;
    if (contentLength >= 0) head.contentLength = contentLength;
    if (end) {
      if (contentLength > 0) this.refuse(HeadError.messaging);
      return;
    }
    if (contentLength > 0) head.framing = Body.length;
    // What follows is a tunnel's, and no body.
    else if (contentLength < 0 && head.upgradeTo === '' && head.rawMethod !== 'CONNECT') head.framing = Body.chunked;
  }
}

/** Visible US-ASCII, as in the target of HTTP/1. */
function isPath(path: string): boolean {
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code <= 32 || code >= 127) return false;
  }
  return path !== '';
}
