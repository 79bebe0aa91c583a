/** Responses that this proxy makes itself. */
import type { HttpStream, ReplyHeaders } from '../api/http-stream.ts';
import { grpcStatusOf, isGrpc } from '../headers/grpc.ts';
import { ResponseHead } from '../headers/header-map.ts';
import { checkField } from '../headers/validate.ts';
import type { LocalReplyMapper } from './local-reply-mapper.ts';

/** The bytes of a reply body. */
export function replyBody(body: string | Uint8Array | undefined): Uint8Array | undefined {
  if (body === undefined || body.length === 0) return undefined;
  return typeof body === 'string' ? Buffer.from(body) : body;
}

/**
 * The head of a local reply: `content-length` and `content-type: text/plain` only with a body, as Envoy does.
 * @throws TypeError when a given header is not a legal field.
 */
export function replyHead(status: number, body: Uint8Array | undefined, headers?: ReplyHeaders): ResponseHead {
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new TypeError(`invalid reply status ${status}`);
  const head = new ResponseHead();
  head.status = status;
  if (body !== undefined) head.fields.push('content-length', String(body.length), 'content-type', 'text/plain');
  if (headers === undefined) return head;
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string') head.set(name, value);
    else {
      head.remove(name);
      for (const one of value) {
        checkField(name, one);
        head.append(name, one);
      }
    }
  }
  return head;
}

/** A reply ready to be sent. */
export interface LocalReply {
  readonly head: ResponseHead;
  /** `undefined` when the head is all there is. */
  readonly body: Uint8Array | undefined;
}

/**
 * A reply as its maker wants it. `modify` comes before the fields that go with the body, and those of gRPC: a type that
 * it sets stays with a body and means nothing without one.
 * @throws TypeError when a given header is not a legal field.
 */
export function plainReply(
  grpc: boolean,
  status: number,
  body: Uint8Array | undefined,
  headers?: ReplyHeaders,
  modify?: (head: ResponseHead) => void,
): LocalReply {
  const head = replyHead(status, undefined, headers);
  modify?.(head);
  if (!grpc) return withBody(head, body, 'text/plain', false);
  makeGrpc(head, status, body);
  return { head, body: undefined };
}

/**
 * The reply as `local_reply_config` wants it. `modify` is the maker's own change of the head; the mapper sees its result.
 * @throws TypeError when a given header is not a legal field.
 */
export function mappedReply(
  mapper: LocalReplyMapper,
  stream: HttpStream,
  status: number,
  body: Uint8Array | undefined,
  headers?: ReplyHeaders,
  modify?: (head: ResponseHead) => void,
): LocalReply {
  const head = replyHead(status, undefined, headers);
  modify?.(head);
  const given = contentType(head);
  const mapped = mapper.map(stream, status, body, head);
  if (isGrpc(stream.requestHeaders.get('content-type'))) {
    makeGrpc(head, mapped.status, withoutLineEnd(mapped.body, mapped.contentType));
    return { head, body: undefined };
  }
  const bodiless = mapped.status === 204 || mapped.status === 304;
  // A type that the maker gave is that of the maker's body; one that the mapper gave is meant for its own.
  const outdated = contentType(head) === given && !sameBytes(body, mapped.body);
  return withBody(head, bodiless ? undefined : mapped.body, mapped.contentType, outdated);
}

/** Ends the head with what goes with the body; `replace`: whatever type it has. */
function withBody(head: ResponseHead, body: Uint8Array | undefined, type: string, replace: boolean): LocalReply {
  if (body === undefined || body.length === 0) {
    head.drop('content-length');
    head.drop('content-type');
    return { head, body: undefined };
  }
  head.put('content-length', String(body.length));
  if (replace || head.value('content-type') === undefined) head.put('content-type', type);
  return { head, body };
}

function contentType(head: ResponseHead): string {
  return head.getAll('content-type').join(',');
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}

/** JSON formats end in a line break, which has no place in a header. */
function withoutLineEnd(body: Uint8Array | undefined, type: string): Uint8Array | undefined {
  return type === 'application/json' && body?.at(-1) === 10 ? body.subarray(0, -1) : body;
}

/** Envoy's trailers-only reply: HTTP 200 with the error in `grpc-status` and `grpc-message`. */
function makeGrpc(head: ResponseHead, status: number, message: Uint8Array | undefined): void {
  head.status = 200;
  head.put('content-type', 'application/grpc');
  head.put('grpc-status', String(grpcStatusOf(status)));
  if (message !== undefined && message.length > 0) head.put('grpc-message', percentEncode(message));
}

function percentEncode(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const plain = byte >= 32 && byte <= 126 && byte !== 37;
    text += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}
