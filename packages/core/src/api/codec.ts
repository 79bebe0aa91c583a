/** Where a codec and the stream engine meet: four small interfaces, the same for HTTP/1 and HTTP/2. */
import type { Headers, RequestHeaders, ResponseHeaders } from './headers.ts';
import type { UpstreamConnection } from './upstream.ts';

/** Why a stream ended before its message was complete. Envoy's names (`StreamResetReason`). */
export type ResetReason =
  | 'local connection failure'
  | 'remote connection failure'
  | 'connection timeout'
  | 'connection termination'
  | 'local reset'
  | 'local refused stream reset'
  | 'overflow'
  | 'remote reset'
  | 'remote refused stream reset'
  | 'remote error with CONNECT request'
  | 'protocol error'
  | 'overload manager reset'
  | 'HTTP/1 premature upstream half close';

/** Receives one message's parts, in order: head, data…, trailers. `end` is true on the last part. */
export interface MessageSink<Head extends Headers> {
  onHead(head: Head, end: boolean): void;
  /**
   * One piece of the body. The bytes are valid until the call returns: a sink that keeps them copies them,
   * unless `owned` is true.
   */
  onData(chunk: Uint8Array, end: boolean, owned: boolean): void;
  onTrailers(trailers: Headers): void;
  /** The parts that one read brought have been delivered: the moment to flush what they caused. */
  onBatchEnd(): void;
}

/** The engine's side of a downstream stream, called by the server codec. */
export interface RequestSink extends MessageSink<RequestHeaders> {
  /**
   * The client went away or broke the protocol; nothing more comes and nothing can be sent. `details` are Envoy's, e.g.
   * `http2.remote_reset`; none when the connection is gone.
   */
  onReset(reason: ResetReason, details?: string): void;
  /** The client's socket accepts bytes again after `flush` returned false. */
  onWritable(): void;
}

/** The server codec's side of a downstream stream, called by the engine. */
export interface ResponseWriter {
  /** Sends an interim (1xx) head. */
  writeInterim(head: ResponseHeaders): void;
  writeHead(head: ResponseHeaders, end: boolean): void;
  writeData(chunk: Uint8Array, end: boolean, owned: boolean): void;
  writeTrailers(trailers: Headers): void;
  /** Sends what is queued; false means: stop the source until `onWritable`. */
  flush(): boolean;
  /** Gives the message up so that the client can tell that it is incomplete. `reason` chooses the code of HTTP/2. */
  reset(reason?: ResetReason): void;
  /**
   * Before `writeHead`: no further request is taken on this connection, and the client is told so. Without meaning for
   * HTTP/2, whose connections outlive the trouble of one stream; see `HttpConnection.drain`.
   */
  closeAfterResponse(): void;
  /** Counted: each pause needs its resume. */
  pauseRequest(): void;
  resumeRequest(): void;
}

/** Receives the response of one upstream stream. */
export interface ResponseSink extends MessageSink<ResponseHeaders> {
  /** An interim head (RFC 9110 15.2); the final one still comes. */
  onInterim(head: ResponseHeaders): void;
  onReset(failure: UpstreamFailure): void;
  /** The upstream socket accepts bytes again after `flush` returned false. */
  onWritable(): void;
}

/** The client codec's side of an upstream stream. */
export interface RequestWriter {
  /** What the request travels on; absent where there is no such thing. */
  readonly connection?: UpstreamConnection | undefined;
  writeHead(head: RequestHeaders, end: boolean): void;
  writeData(chunk: Uint8Array, end: boolean, owned: boolean): void;
  writeTrailers(trailers: Headers): void;
  /** Sends what is queued; false means: stop the source until `onWritable`. */
  flush(): boolean;
  /** Gives the stream up: for HTTP/1 the connection is closed. `reason` chooses the code of HTTP/2. */
  reset(reason?: ResetReason): void;
  pauseResponse(): void;
  resumeResponse(): void;
}

/** Who is to blame and whether another attempt is safe, as fields and not as text. */
export interface UpstreamFailure {
  readonly reason: ResetReason;
  /** What the transport said, e.g. `delayed connect error: Connection refused`. */
  readonly detail: string | undefined;
  /** The connection had served a request before this one: it may have been closed by an idle timer of the peer. */
  readonly reused: boolean;
  /** Bytes of the final response had arrived. */
  readonly responseStarted: boolean;
  /** Request bytes had been handed to the socket: the upstream may have seen them. */
  readonly requestSent: boolean;
  /** The request was refused before the host had any part in it: nothing counts against the host. Default false. */
  readonly hostUnasked?: boolean;
  /** It was a stream of HTTP/2: that its connection ends breaks no framing, as it does in HTTP/1. Default false. */
  readonly multiplexed?: boolean;
}
