/**
 * All rules that decide where a message ends, in one file, because a mistake here is request smuggling
 * (RFC 9112 6, 9112 11.2). Values are judged as latin-1 text cut from the wire: no `Number()`, no `trim()`.
 */
import { Body, type HeaderMap, type RequestHead, type ResponseHead } from '../headers/header-map.ts';
import { isToken } from '../headers/validate.ts';
import { type ProtocolError, ProtocolErrors } from './protocol-error.ts';

/** A Content-Length value: 1 to 16 digits and below 2^53; -1 for everything else. */
export function parseContentLength(value: string): number {
  const length = value.length;
  if (length === 0 || length > 16) return -1;
  let number = 0;
  for (let i = 0; i < length; i++) {
    const digit = value.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number <= Number.MAX_SAFE_INTEGER ? number : -1;
}

/** True when a Transfer-Encoding field is the single coding `chunked`, in any case. */
export function isChunked(value: string): boolean {
  return value === 'chunked' || (value.length === 7 && value.toLowerCase() === 'chunked');
}

/** What the fields of a head said about framing; collected while the fields are read. */
export interface FramingFields {
  contentLength: number;
  lengthLines: number;
  chunked: boolean;
  encodingLines: number;
}

/**
 * Decides a request's body (RFC 9112 6.3, with every choice taken on the strict side). With `allowChunkedLength` a
 * Content-Length beside chunked is deleted, and the connection closes behind the answer.
 */
export function frameRequest(
  head: RequestHead,
  seen: FramingFields,
  allowChunkedLength: boolean,
): ProtocolError | undefined {
  if (seen.encodingLines > 0) return frameEncodedRequest(head, seen, allowChunkedLength);
  if (seen.lengthLines === 0) return undefined;
  if (seen.lengthLines > 1 || seen.contentLength < 0) return ProtocolErrors.badContentLength;
  if (head.method === 'CONNECT' && seen.contentLength > 0) return ProtocolErrors.connectBody;
  head.contentLength = seen.contentLength;
  if (seen.contentLength > 0) head.framing = Body.length;
  return undefined;
}

function frameEncodedRequest(
  head: RequestHead,
  seen: FramingFields,
  allowChunkedLength: boolean,
): ProtocolError | undefined {
  if (head.minor === 0) return ProtocolErrors.chunkedHttp10;
  if (seen.lengthLines > 0 && !allowChunkedLength) return ProtocolErrors.lengthAndChunked;
  if (!seen.chunked || seen.encodingLines > 1 || head.method === 'CONNECT') return ProtocolErrors.badTransferEncoding;
  if (seen.lengthLines > 0) {
    head.drop('content-length');
    head.close = true;
  }
  head.framing = Body.chunked;
  return undefined;
}

/** Decides a response's body; `toHead` says that it answers a HEAD request. */
export function frameResponse(
  head: ResponseHead,
  seen: FramingFields,
  toHead: boolean,
  allowChunkedLength = false,
): ProtocolError | undefined {
  const bodiless = toHead || head.status === 204 || head.status === 304 || head.status < 200;
  if (seen.lengthLines > 1 || (seen.lengthLines === 1 && seen.contentLength < 0))
    return ProtocolErrors.badContentLength;
  if (seen.encodingLines > 0) {
    if (head.minor === 0 || !seen.chunked || seen.encodingLines > 1) return ProtocolErrors.badTransferEncoding;
    if (seen.lengthLines > 0 && !allowChunkedLength) return ProtocolErrors.lengthAndChunked;
    if (seen.lengthLines > 0) {
      head.drop('content-length');
      head.close = true;
    }
    if (bodiless && !toHead) head.close = true;
    head.framing = bodiless ? Body.none : Body.chunked;
    return undefined;
  }
  if (bodiless) return undefined;
  if (seen.lengthLines === 0) {
    head.framing = Body.untilClose;
    head.close = true;
    return undefined;
  }
  head.contentLength = seen.contentLength;
  if (seen.contentLength > 0) head.framing = Body.length;
  return undefined;
}

/** More names than this in Connection fields are an attack on the fields that follow. */
const MAX_NOMINATED = 10;

/** Fields that a Connection field must never take away from the next hop. */
const PROTECTED: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);

/** What Connection fields asked for. */
export interface ConnectionOptions {
  close: boolean;
  keepAlive: boolean;
  upgrade: boolean;
  /** Names in all Connection fields of the head so far. */
  nominated: number;
}

/**
 * Reads one Connection field and deletes the fields that it nominates (RFC 9110 7.6.1).
 * Returns false when the field is malformed or nominates what it must not.
 */
export function applyConnection(value: string, fields: HeaderMap, options: ConnectionOptions): boolean {
  if (value === 'keep-alive') {
    options.keepAlive = true;
    return true;
  }
  if (value === 'close') {
    options.close = true;
    return true;
  }
  const tokens = value.split(',');
  for (const token of tokens) {
    const name = trimOws(token).toLowerCase();
    if (name === '') continue;
    if (!isToken(name) || PROTECTED.has(name) || ++options.nominated > MAX_NOMINATED) return false;
    if (name === 'close') options.close = true;
    else if (name === 'keep-alive') options.keepAlive = true;
    else if (name === 'upgrade') options.upgrade = true;
    else if (name !== 'te') fields.drop(name);
  }
  return true;
}

/** Cuts SP and HTAB only; `String.prototype.trim` would also cut NBSP and other bytes that are data here. */
export function trimOws(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isOws(text.charCodeAt(start))) start++;
  while (end > start && isOws(text.charCodeAt(end - 1))) end--;
  return text.substring(start, end);
}

function isOws(code: number): boolean {
  return code === 32 || code === 9;
}
