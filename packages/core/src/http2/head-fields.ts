/** What the readers of request and response heads have in common: limits, forbidden fields, Content-Length. */
import { HeaderMap } from '../headers/header-map.ts';
import { NameKind } from '../headers/names.ts';
import { isForbiddenTrailer } from '../headers/trailers.ts';
import { parseContentLength } from '../http1/framing.ts';
import { FieldKind, type FieldSink } from './hpack/index.ts';
import type { Http2HeadLimits } from './options.ts';

/** What is wrong with a head, in Envoy's words. */
export const HeadError = {
  field: 'http2.invalid.header.field',
  messaging: 'http2.violation.of.messaging.rule',
  tooLarge: 'http2.too_many_headers',
  underscore: 'http2.unexpected_underscore',
} as const;
export type HeadError = (typeof HeadError)[keyof typeof HeadError];

/** A byte that no value may have: a control character other than tab. */
const BAD_VALUE = /[\0-\x08\x0a-\x1f\x7f]/;

/** True for a field value (RFC 9110 5.5). Space around it is let through, as by Envoy. */
function isValue(value: string): boolean {
  return !BAD_VALUE.test(value);
}

/** Fields that say how one connection is used; no HTTP/2 message has them (RFC 9113 8.2.2). */
export function isConnectionSpecific(kind: number): boolean {
  return kind >= NameKind.transferEncoding && kind <= NameKind.upgrade;
}

/** Takes up the fields of one block. One per connection; `size` counts what was dropped, too. */
export abstract class FieldCollector implements FieldSink {
  full = false;
  /** The first thing that is wrong. */
  error: HeadError | undefined = undefined;
  /** -1 for none. */
  contentLength = -1;
  protected fields: string[] = [];
  private readonly limits: Http2HeadLimits;
  private bytes = 0;
  private count = 0;

  constructor(limits: Http2HeadLimits) {
    this.limits = limits;
  }

  /** The limit of bytes is passed, not that of fields. */
  get overBytes(): boolean {
    return this.bytes > this.limits.maxBytes;
  }

  protected start(fields: string[]): void {
    this.full = false;
    this.error = undefined;
    this.contentLength = -1;
    this.fields = fields;
    this.bytes = 0;
    this.count = 0;
  }

  /** The limits are those of name and value alone: the 32 bytes that HPACK adds per entry are not counted. */
  field(name: string, value: string, size: number, kind: number): void {
    if (this.error !== undefined) return;
    this.bytes += size - 32;
    if (this.overBytes || ++this.count > this.limits.maxFields) this.refuse(HeadError.tooLarge);
    else if (kind === FieldKind.invalid || !isValue(value)) this.refuse(HeadError.field);
    else this.accept(name, value, kind);
  }

  /** A field whose name and value are legal in themselves. */
  protected abstract accept(name: string, value: string, kind: number): void;

  protected refuse(error: HeadError): void {
    this.error ??= error;
    this.full = true;
  }

  protected acceptLength(name: string, value: string): void {
    const length = parseContentLength(value);
    if (length < 0 || this.contentLength >= 0) this.refuse(HeadError.field);
    else {
      this.contentLength = length;
      this.fields.push(name, String(length));
    }
  }
}

/** Trailers without the fields that must not come in one (RFC 9110 6.5.1). */
export class TrailerCollector extends FieldCollector {
  private trailers = new HeaderMap();

  begin(): void {
    this.trailers = new HeaderMap();
    this.start(this.trailers.fields);
  }

  /** What was collected, unless `error` is set. */
  take(): HeaderMap {
    return this.trailers;
  }

  protected accept(name: string, value: string, kind: number): void {
    if (kind < 0 || isConnectionSpecific(kind)) this.refuse(HeadError.field);
    else if (!isForbiddenTrailer(name)) this.fields.push(name, value);
  }
}
