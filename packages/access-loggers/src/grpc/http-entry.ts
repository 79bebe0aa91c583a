/** `envoy.data.accesslog.v3.HTTPAccessLogEntry`. */
import { WireType } from '@bufbuild/protobuf/wire';
import {
  type AccessLogType,
  type Headers,
  type LogSubject,
  type RequestHeaders,
  type ResponseHeaders,
  textOfWire,
} from '@mesh/core';
import { ProtoWriter } from '../shipping/proto-writer.ts';
import { type CommonExtras, writeCommon } from './common-entry.ts';
import { entry, message, text, uint32, uint32Value, uint64 } from './wire.ts';

/** Names in lower case, as they stand in entries. */
export interface LoggedHeaders {
  readonly request: readonly string[];
  readonly response: readonly string[];
  readonly trailers: readonly string[];
}

const METHODS = ['', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

/** `HTTPVersion` by the minor version of a request head: HTTP/1.0, HTTP/1.1, HTTP/2. */
const VERSIONS = [1, 2, 3];

/** Entries are made one at a time. */
const scratch = new ProtoWriter();

/** The field that the answer to a request has that could not be read; the codec adds it. */
const CLOSING_BYTES = 'connection'.length + 'close'.length;

/** An entry as bytes. */
export function httpEntry(
  subject: LogSubject,
  type: AccessLogType,
  extras: CommonExtras,
  logged: LoggedHeaders,
): Uint8Array {
  const writer = scratch.restart();
  writeCommon(writer, 1, subject, type, extras);
  uint32(writer, 2, VERSIONS[minorOf(subject)] ?? 0);
  message(writer, 3, (request) => writeRequest(request, subject, logged.request));
  message(writer, 4, (response) => writeResponse(response, subject, logged));
  return writer.finish();
}

function minorOf({ info, requestHeaders }: LogSubject): number {
  return info.httpMinor ?? (requestHeaders as { readonly minor?: number }).minor ?? 1;
}

function writeRequest(writer: ProtoWriter, { info, requestHeaders: head }: LogSubject, names: readonly string[]): void {
  // A request that could not be read has no head.
  if (head.method === '') return;
  const field = (number: number, name: string) => wireField(writer, number, head.get(name));
  uint32(writer, 1, Math.max(0, METHODS.indexOf(head.method)));
  text(writer, 2, head.scheme);
  wireField(writer, 3, head.authority);
  wireField(writer, 5, head.path);
  field(6, 'user-agent');
  field(7, 'referer');
  field(8, 'x-forwarded-for');
  field(9, 'x-request-id');
  field(10, 'x-envoy-original-path');
  uint64(writer, 11, requestHeadBytes(head));
  uint64(writer, 12, info.bytesReceived);
  writeFields(writer, 13, head, names);
}

function writeResponse(writer: ProtoWriter, subject: LogSubject, { response, trailers }: LoggedHeaders): void {
  const { info, requestHeaders, responseHeaders: head } = subject;
  if (head !== undefined) uint32Value(writer, 1, head.status);
  uint64(
    writer,
    2,
    head === undefined ? 0 : responseHeadBytes(head) + (requestHeaders.method === '' ? CLOSING_BYTES : 0),
  );
  uint64(writer, 3, info.bytesSent);
  if (head !== undefined) writeFields(writer, 4, head, response);
  if (subject.responseTrailers !== undefined) writeFields(writer, 5, subject.responseTrailers, trailers);
  text(writer, 6, info.details);
}

function wireField(writer: ProtoWriter, number: number, wire: string | undefined): void {
  if (wire !== undefined && wire !== '') writer.tag(number, WireType.LengthDelimited).string(textOfWire(wire));
}

/** Lines of one name are joined, as Envoy does it. */
function writeFields(writer: ProtoWriter, number: number, head: Headers, names: readonly string[]): void {
  for (const name of names) {
    const values = name === ':status' && 'status' in head ? [String(head.status)] : head.getAll(name);
    if (values.length === 0) continue;
    const value = textOfWire(values.join(','));
    entry(writer, number, name, (pair) => pair.tag(2, WireType.LengthDelimited).string(value));
  }
}

/** Names and values, as Envoy measures a head: pseudo-headers count, separators do not. */
function requestHeadBytes(head: RequestHeaders): number {
  const pseudo = ':method'.length + head.method.length + ':authority'.length + head.authority.length;
  const target = head.path === '' ? 0 : ':path'.length + head.path.length + ':scheme'.length + head.scheme.length;
  return fieldBytes(head) + pseudo + target;
}

function responseHeadBytes(head: ResponseHeaders): number {
  return fieldBytes(head) + ':status'.length + String(head.status).length;
}

function fieldBytes(head: Headers): number {
  let bytes = 0;
  head.forEach((name, value) => {
    bytes += name.length + value.length;
  });
  return bytes;
}
