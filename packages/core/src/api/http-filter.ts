/** The contract of an HTTP filter: hooks named for what arrives, answers that say what happens next. */
import type { Headers, RequestHeaders, ResponseHeaders } from './headers.ts';
import type { HttpStream, Replied, TerminalStream } from './http-stream.ts';

/** Answer `STOP`: the stream is parked until `resumeRequest` or `resumeResponse`; its source is paused. */
export interface Stop {
  readonly answer: 'stop';
}

/** Answer `HOLD`: the framework keeps the part, bounded; over the limit the stream is answered 413 or 500. */
export interface Hold {
  readonly answer: 'hold';
}

/** What a headers or trailers hook may answer at once. Nothing means: go on. */
// biome-ignore lint/suspicious/noConfusingVoidType: hooks that return nothing are the common case and must type-check
export type HeadersAnswerNow = void | undefined | Replied | Stop | Hold;
/** What a data hook may answer at once: nothing, or bytes to send instead of the chunk. */
export type DataAnswerNow = HeadersAnswerNow | Uint8Array;
/** What a headers hook may answer, at once or by a promise. */
export type HeadersAnswer = HeadersAnswerNow | Promise<HeadersAnswerNow>;
/** What a data hook may answer, at once or by a promise. */
export type DataAnswer = DataAnswerNow | Promise<DataAnswerNow>;

/**
 * One filter of a chain, shared by all requests; an absent hook costs nothing. Request hooks run in the order of the
 * configuration, response hooks in reverse. Each hook gets the part, the stream, this request's state and whether the
 * part is the last of its message.
 *
 * - `HOLD` from a headers hook holds the head back while this filter's data hook goes on; the head leaves with the
 *   first data answer that is not `HOLD`.
 * - A hook that throws, or whose promise rejects, costs its own stream a 500 (a reset once the response has started),
 *   the counter `http.<prefix>.filter_error` and a log line with the filter's name.
 */
export interface HttpFilter<State = undefined, Stream extends HttpStream = HttpStream> {
  /**
   * Its data hooks only look: they answer nothing, and are done with a chunk when they return. The proxy then need not
   * copy what comes from a socket before they see it. Default false.
   */
  readonly onlyLooks?: boolean;
  onRequestHeaders?(headers: RequestHeaders, stream: Stream, state: State, end: boolean): HeadersAnswer;
  /** The chunk is valid until the hook's answer: copy what is kept longer. It may be empty when `end` is true. */
  onRequestData?(chunk: Uint8Array, stream: Stream, state: State, end: boolean): DataAnswer;
  onRequestTrailers?(trailers: Headers, stream: Stream, state: State): HeadersAnswer;
  onResponseHeaders?(headers: ResponseHeaders, stream: Stream, state: State, end: boolean): HeadersAnswer;
  onResponseData?(chunk: Uint8Array, stream: Stream, state: State, end: boolean): DataAnswer;
  onResponseTrailers?(trailers: Headers, stream: Stream, state: State): HeadersAnswer;
  /** Once per stream, after the last part or the reset: the place for logging and clean-up. */
  onComplete?(stream: Stream, state: State): void;
}

/** A filter that ends the chain and produces the response: the router. */
export type TerminalHttpFilter<State = undefined> = HttpFilter<State, TerminalStream>;
