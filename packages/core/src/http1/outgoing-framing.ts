/** How a message that goes out says where it ends. */
import { Body, type RequestHead, type ResponseHead } from '../headers/header-map.ts';
import type { BodyWriter } from './body-writer.ts';
import { parseContentLength } from './framing.ts';

/** Methods whose request without a body needs no `content-length: 0` (RFC 9110 8.6). */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'TRACE', 'OPTIONS', 'CONNECT']);

/** The framing field of a request, and the body writer set to it. */
export function requestFraming(writer: BodyWriter, head: RequestHead, end: boolean): string {
  const given = head.value('content-length');
  const length = given === undefined ? -1 : parseContentLength(given);
  if (length >= 0) {
    writer.start(Body.length, end ? 0 : length);
    return end && length > 0 ? '\r\ncontent-length: 0' : `\r\ncontent-length: ${given}`;
  }
  writer.start(end ? Body.none : Body.chunked, 0);
  if (end) return BODILESS.has(head.method) ? '' : '\r\ncontent-length: 0';
  return '\r\ntransfer-encoding: chunked';
}

/** The framing field of a response (RFC 9112 6.3), and the body writer set to it; none for a body until the end. */
export function responseFraming(
  writer: BodyWriter,
  head: ResponseHead,
  end: boolean,
  request: RequestHead | undefined,
): string {
  const { status } = head;
  const given = head.value('content-length');
  const length = given === undefined ? -1 : parseContentLength(given);
  if (status === 204 || status === 304 || status < 200 || request?.method === 'HEAD') {
    writer.start(Body.none, 0);
    // RFC 9110 8.6: neither 1xx nor 204 may have one.
    if (status === 204 || status < 200) return '';
    if (length >= 0) return `\r\ncontent-length: ${given}`;
    // RFC 9112 6.1: as the answer to a GET would have it; Envoy sends it.
    return status !== 304 && request?.minor !== 0 ? '\r\ntransfer-encoding: chunked' : '';
  }
  if (length >= 0 || end) {
    // No body follows a head that ends the message, whatever length it was given.
    writer.start(Body.length, end ? 0 : length);
    return end ? '\r\ncontent-length: 0' : `\r\ncontent-length: ${given}`;
  }
  if (request?.minor !== 0) {
    writer.start(Body.chunked, 0);
    return '\r\ntransfer-encoding: chunked';
  }
  writer.start(Body.untilClose, 0);
  return '';
}
