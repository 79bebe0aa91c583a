/** How a route replaces the host of a request. */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import { compileFormat, type Format } from '../format/format.ts';
import { legalValue } from '../format/header-format.ts';
import { Replacement } from '../regex/replace.ts';
import type { ForwardSettings } from './action-settings.ts';
import { checkedText } from './checked-text.ts';
import { endOfPath } from './text.ts';

/** A host from the configuration, a header or the path. */
export class HostRewrite {
  private readonly literal: string;
  /** '' when the host does not come from a header. */
  private readonly header: string;
  private readonly fromPath: Replacement | undefined;
  private readonly format: Format | undefined;
  private readonly appendsForwardedHost: boolean;

  /** @throws TypeError or SyntaxError for settings that the configuration schema should have refused. */
  constructor(settings: ForwardSettings) {
    const { hostRewritePathRegex: regex } = settings;
    this.literal = checkedText('host_rewrite_literal', settings.hostRewriteLiteral);
    this.header = settings.hostRewriteHeader?.toLowerCase() ?? '';
    checkedText('host_rewrite_path_regex.substitution', regex?.substitution);
    this.fromPath = regex && new Replacement(regex.pattern.regex, regex.substitution);
    this.format = settings.hostRewrite ? compileFormat(settings.hostRewrite, { missing: '-' }) : undefined;
    this.appendsForwardedHost = settings.appendXForwardedHost ?? false;
  }

  /** True when nothing is configured. */
  get isEmpty(): boolean {
    const { literal, header, fromPath, format } = this;
    return literal === '' && header === '' && fromPath === undefined && format === undefined;
  }

  /** `keepOriginal` leaves the old host in `x-envoy-original-host`. */
  apply(headers: RequestHeaders, stream: HttpStream, keepOriginal: boolean): void {
    const host = this.host(headers, stream);
    if (host === '') return;
    if (this.appendsForwardedHost) appendForwardedHost(headers);
    if (keepOriginal) headers.set('x-envoy-original-host', headers.authority);
    headers.authority = host;
  }

  /** '' when there is none for this request. */
  private host(headers: RequestHeaders, stream: HttpStream): string {
    if (this.literal !== '') return this.literal;
    if (this.header !== '') return headers.get(this.header) ?? '';
    if (this.fromPath !== undefined) return this.fromPath.apply(headers.path.slice(0, endOfPath(headers.path)));
    return this.format === undefined ? '' : legalValue(this.format.format(stream));
  }
}

/** Adds the host to `x-forwarded-host` unless it is the last one there. */
function appendForwardedHost(headers: RequestHeaders): void {
  const host = headers.authority;
  if (host === '') return;
  const known = headers.get('x-forwarded-host') ?? '';
  if (known === '') {
    headers.set('x-forwarded-host', host);
    return;
  }
  const last = known.slice(known.lastIndexOf(',') + 1);
  if (last !== host) headers.set('x-forwarded-host', `${known},${host}`);
}
