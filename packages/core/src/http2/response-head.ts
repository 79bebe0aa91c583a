/** Fields of a response head to a `ResponseHead` (RFC 9113 8.3.2). */
import { Body, ResponseHead } from '../headers/header-map.ts';
import { NameKind } from '../headers/names.ts';
import { FieldCollector, HeadError, isConnectionSpecific } from './head-fields.ts';
import { FieldKind } from './hpack/index.ts';

export class ResponseCollector extends FieldCollector {
  private head = new ResponseHead();
  private hasStatus = false;
  private regular = false;

  begin(): void {
    this.head = new ResponseHead();
    this.head.minor = 2;
    this.hasStatus = false;
    this.regular = false;
    this.start(this.head.fields);
  }

  /** The head, or `undefined` with `error` set. `bodiless`: its Content-Length tells of no DATA. */
  finish(end: boolean, bodiless: boolean): ResponseHead | undefined {
    const { head } = this;
    if (!this.hasStatus) this.refuse(HeadError.messaging);
    const { rawStatus } = head;
    // An interim head ends nothing, and HTTP/2 switches to no other protocol this way (RFC 9113 8.1, 8.6).
    if (rawStatus === 101 || (rawStatus < 200 && end)) this.refuse(HeadError.messaging);
    const empty = bodiless || rawStatus === 204 || rawStatus === 304;
    if (empty) this.contentLength = -1;
    else if (end && this.contentLength > 0) this.refuse(HeadError.messaging);
    if (this.error !== undefined) return undefined;
    if (this.contentLength > 0) {
      head.contentLength = this.contentLength;
      head.framing = Body.length;
    } else if (!end && this.contentLength < 0 && !empty) head.framing = Body.chunked;
    return head;
  }

  protected accept(name: string, value: string, kind: number): void {
    if (kind < 0) this.acceptStatus(value, kind);
    else {
      this.regular = true;
      if (kind === NameKind.ordinary) this.fields.push(name, value);
      else if (isConnectionSpecific(kind)) this.refuse(HeadError.field);
      else if (kind === NameKind.contentLength) this.acceptLength(name, value);
      else if (kind !== NameKind.te) this.fields.push(name, value);
    }
  }

  private acceptStatus(value: string, kind: number): void {
    const status = kind === FieldKind.status && !this.hasStatus && !this.regular ? statusCode(value) : 0;
    if (status === 0) this.refuse(HeadError.field);
    else {
      this.hasStatus = true;
      this.head.rawStatus = status;
    }
  }
}

/** Three digits from 100 to 599; 0 for anything else. */
function statusCode(text: string): number {
  if (text === '200') return 200;
  if (text.length !== 3) return 0;
  let status = 0;
  for (let i = 0; i < 3; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return 0;
    status = status * 10 + digit;
  }
  return status >= 100 && status <= 599 ? status : 0;
}
