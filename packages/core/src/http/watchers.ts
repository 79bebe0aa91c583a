/** Who watches the exchanges of a connection manager: tracing and access logs. Without them a request pays one comparison each. */
import type { Stream } from './stream.ts';
import type { ResponseStream } from './stream-response.ts';

/** Gives exchanges their spans. */
export interface RequestTracing {
  /** The route is known, no filter has run. It may change the request head. */
  begin(stream: Stream): void;
  /** The exchange is over; its filters have seen `onComplete`. */
  end(stream: ResponseStream): void;
}

/** Writes what happened to access logs. */
export interface RequestLogs {
  /** The route is known, no filter has run; behind {@link RequestTracing.begin}. Absent unless something is logged then. */
  begin?(stream: Stream): void;
  /** The exchange is over; in front of {@link RequestTracing.end}. */
  end(stream: ResponseStream): void;
}
