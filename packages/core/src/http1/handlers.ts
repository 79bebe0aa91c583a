/** What the codecs of HTTP/1 ask of the connection that they serve. */
import type { RequestSink } from '../api/codec.ts';
import type { ProtocolError } from './protocol-error.ts';

/** The connection manager's side of the server codec. */
export interface ServerCodecHandler {
  /** The first byte of a request head has arrived. */
  onHeadStarted(): void;
  /** A request head is complete; the returned sink gets it and the rest. */
  newStream(): RequestSink;
  /**
   * The peer broke the protocol outside of a stream's control. With `stream` undefined the handler answers through
   * `writeHead`/`writeData` itself; the codec closes afterwards.
   */
  onProtocolError(error: ProtocolError, stream: RequestSink | undefined): void;
  /** Request read and response written: the connection is idle, or about to close when `closing`. */
  onExchangeEnd(closing: boolean): void;
}

/** The pool's side of the client codec. */
export interface ClientCodecHandler {
  /** Request sent and response read: the connection may be used again when `reusable`. */
  onExchangeEnd(reusable: boolean): void;
  /** The peer sent what is not HTTP, or bytes that nobody asked for. */
  onProtocolError(): void;
}
