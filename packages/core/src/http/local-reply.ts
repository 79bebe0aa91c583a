/** Responses that this proxy makes itself. */
import type { ReplyHeaders } from '../api/http-stream.ts';
import { ResponseHead } from '../headers/header-map.ts';
import { checkField } from '../headers/validate.ts';

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

/** True for a request that must be answered in gRPC's way. */
export function isGrpc(contentType: string | undefined): boolean {
  if (contentType === undefined || !contentType.startsWith('application/grpc')) return false;
  return contentType.length === 16 || contentType.charCodeAt(16) === 43;
}

const GRPC_STATUS: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};

/** Envoy's trailers-only reply: HTTP 200 with the error in `grpc-status` and `grpc-message`. */
export function grpcReplyHead(status: number, body: Uint8Array | undefined, headers?: ReplyHeaders): ResponseHead {
  const head = replyHead(200, undefined, headers);
  head.put('content-type', 'application/grpc');
  head.put('grpc-status', String(GRPC_STATUS[status] ?? 2));
  if (body !== undefined) head.put('grpc-message', percentEncode(body));
  return head;
}

function percentEncode(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const plain = byte >= 32 && byte <= 126 && byte !== 37;
    text += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}
