/** What the codec asks of the connection that it serves. The classes are in `server-codec` and `client-codec`. */
import type { RequestSink, ResetReason, ResponseWriter } from '../api/codec.ts';
import type { RequestHead } from '../headers/header-map.ts';

/** RFC 9113 7. */
export const ErrorCode = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** Why a connection is given up: the code that the GOAWAY carried, and Envoy's details, e.g. `http2.outbound_flood`. */
export interface Http2ConnectionError {
  readonly code: ErrorCode;
  readonly details: string;
}

/** The server codec's side of one stream. */
export interface Http2ResponseWriter extends ResponseWriter {
  /** Another sink gets what still comes of the exchange: it is run again. */
  handOver(sink: RequestSink): void;
  /** Bytes of the response that wait for a window or for the socket. */
  readonly queuedBytes: number;
}

/** The HTTP connection manager's side of a downstream connection. */
export interface Http2ServerHandler {
  /** A head begins to arrive and does not end with the frame at hand; see `request_headers_timeout`. */
  onHeadStarted(): void;
  /** A request head is complete: the returned sink gets it and the rest, `writer` answers. */
  newStream(writer: Http2ResponseWriter): RequestSink;
  /** A request head is no HTTP: nobody gets a sink for it; for logs. Called before whatever ends with it. */
  onHeadRefused?(details: string): void;
  /** A request was reset in the read that brought its head: nobody has seen it; for counting, and for logs. */
  onWithdrawn(request: RequestHead): void;
  /** A stream is over in both directions, or was reset or withdrawn; its sink and writer are done with. */
  onStreamEnd(writer: Http2ResponseWriter): void;
  /** GOAWAY has been queued; the handler flushes and closes. No stream is left, of the `streams` that there were. */
  onConnectionError(error: Http2ConnectionError, streams: number): void;
  /** A message that is not HTTP ended its stream only; for counting. */
  onMessageError(details: string): void;
  /** The client has said GOAWAY: it will open no more streams. */
  onGoAway(): void;
}

/** The pool's side of an upstream connection. */
export interface Http2ClientHandler {
  /** The upstream's settings have come, or changed: how many streams it takes may be another number. */
  onSettings(): void;
  /** The upstream takes no more streams; those above its last id have been reset as `remote refused stream reset`. */
  onGoAway(): void;
  /** A stream is over in both directions, or was reset for `reset`: there is room for another. Once for each `open`. */
  onStreamEnd(reset?: ResetReason): void;
  /** GOAWAY has been queued, every stream has been told `protocol error`; the handler flushes and closes. */
  onConnectionError(error: Http2ConnectionError): void;
}
