/** The contract of tracers: spans, and how their context travels in request headers. Times are Unix microseconds. */
import type { Host } from './cluster.ts';
import type { RequestHeaders } from './headers.ts';

/** Which side of a call a span tells of. */
export type SpanKind = 'server' | 'client';

/** How a span begins. */
export interface SpanStart {
  /** Name of the span, e.g. the authority of the request. */
  readonly operation: string;
  readonly startUs: number;
  readonly kind: SpanKind;
  /** Names the new span in the tracer's place: for tracers of which one stands beside another. */
  readonly ids?: SpanIdSource | undefined;
}

/** The ids of a span, in the form of {@link Span}. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

/**
 * Called once by a tracer that starts a span, when it knows the span's parent and whether it is sampled. The trace id of
 * the answer counts for a span without a parent only; the span shares its ids with no other then. `undefined`: the
 * tracer takes ids of its own.
 */
export type SpanIdSource = (parent: SpanIds | undefined, sampled: boolean) => SpanIds | undefined;

/**
 * One operation of a trace. All calls are cheap and none throws; nothing is done for a span that is not sampled but
 * carrying its context on.
 */
export interface Span {
  /** Lower-case hexadecimal: 16 or 32 digits. */
  readonly traceId: string;
  /** Lower-case hexadecimal: 16 digits. */
  readonly spanId: string;
  /** It will be reported. */
  readonly sampled: boolean;
  /** The proxy has decided about sampling: no header did. A new route may then decide again ({@link setSampled}). */
  readonly localDecision: boolean;
  setOperation(operation: string): void;
  setTag(name: string, value: string): void;
  /** Notes an event within the span. */
  annotate(atUs: number, event: string): void;
  setSampled(sampled: boolean): void;
  /** A span below this one, for a call that is made on behalf of it. */
  startChild(start: SpanStart): Span;
  /** Writes the context into the head of a request that is made on behalf of this span. */
  inject(headers: RequestHeaders, upstream?: SpanUpstream): void;
  /** Ends the span; it is reported if it is sampled. Further calls have no effect. */
  finish(endUs: number): void;
}

/** Where a request with a span's context goes. */
export interface SpanUpstream {
  readonly cluster: string;
  readonly host: Host | undefined;
}

/** One configured tracer, shared by the requests of its connection managers. */
export interface Tracer {
  /**
   * Starts the span of a request, as the continuation of the trace that its headers tell of or as a new trace. `traced`
   * is this proxy's decision; it counts where the headers carry none. `undefined`: nothing is traced and nothing is
   * injected, e.g. because the headers are broken.
   */
  startSpan(headers: RequestHeaders, start: SpanStart, traced: boolean): Span | undefined;
  /**
   * Calls `hook` with `span` as the active one, for tracers that know such a thing: what the hook, and the promises that
   * begin in it, call is then below that span. Absent where the span is handed on by hand only.
   */
  within?(span: Span, hook: () => unknown): unknown;
  /** Nobody uses it any more: reports what it holds, within a second or so. */
  close?(): Promise<void> | void;
}
