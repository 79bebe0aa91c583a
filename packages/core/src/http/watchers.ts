/** Who watches the exchanges of a connection manager: tracing and access logs. Without them a request pays one comparison each. */
import type { ResponseHead } from '../headers/header-map.ts';
import type { Stream } from './stream.ts';
import type { ResponseStream } from './stream-response.ts';

/** Gives exchanges their spans. */
export interface RequestTracing {
  /** The route is known: says whether the exchange is traced, in `traceReason` and in the request id. */
  decide(stream: Stream): void;
  /** The request goes on to the filters: starts its span. It may change the request head. */
  begin(stream: Stream): void;
  /** The response head is about to go out. It may change it. */
  head(head: ResponseHead, stream: ResponseStream): void;
  /** The exchange is over; its filters have seen `onComplete`. */
  end(stream: ResponseStream): void;
  /** An answer went out before anything was decided: to what is no request, or a 100. */
  undecided(): void;
}

/** Writes what happened to access logs. */
export interface RequestLogs {
  /** The route is known; behind {@link RequestTracing.decide}. Absent unless something is logged then. */
  readonly begin?: ((stream: Stream) => void) | undefined;
  /** A tunnel stands: the head of an answer that agrees to one is about to leave. Absent unless something is logged then. */
  readonly tunnel?: ((stream: ResponseStream) => void) | undefined;
  /** The exchange is over; in front of {@link RequestTracing.end}. */
  end(stream: ResponseStream): void;
}
