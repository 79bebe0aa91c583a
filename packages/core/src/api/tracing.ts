/** What the parts of an exchange say to tracing: routes, and terminal filters for the attempts that they make. */
import type { LogSubject } from './access-log.ts';
import type { Host } from './cluster.ts';
import type { Headers, RequestHeaders, ResponseHeaders } from './headers.ts';
import type { TerminalStream } from './http-stream.ts';
import type { RuntimeFraction } from './runtime.ts';
import type { UpstreamCluster } from './upstream.ts';

/** Why an exchange is traced: by chance, for a service (`x-envoy-force-trace`), for a client (`x-client-trace-id`). */
export type TraceReason = 'none' | 'sampling' | 'service' | 'client';

/** Which shares of requests are traced. */
export interface TraceSampling {
  /** Of the requests with `x-client-trace-id`. */
  readonly client: RuntimeFraction;
  readonly random: RuntimeFraction;
  /** Upper limit of both. */
  readonly overall: RuntimeFraction;
}

/** A tag whose value is worked out when its span ends (Envoy `CustomTag`), compiled. */
export interface SpanTag {
  readonly name: string;
  /** In wire form: one character per byte. `undefined` or '' leaves the tag out. */
  value(subject: LogSubject): string | undefined;
}

/** Names a span when it ends; in wire form. */
export type SpanName = (subject: LogSubject) => string;

/** What a route says about tracing (Envoy `Route.decorator` and `Route.tracing`), compiled. */
export interface RouteTracing {
  /** The name of the spans of its requests in wire form, and whether the other side is told of it. */
  readonly decorator: { readonly operation: string; readonly propagate: boolean } | undefined;
  /** Takes the place of the connection manager's. */
  readonly sampling: TraceSampling | undefined;
  readonly tags: readonly SpanTag[];
  readonly operation: SpanName | undefined;
  readonly upstreamOperation: SpanName | undefined;
}

/** An attempt that is about to be made. */
export interface AttemptStart {
  readonly cluster: UpstreamCluster;
  readonly host: Host;
  /** 1 for the first. */
  readonly attempt: number;
  /** It gets a span of its own even where the connection manager does not ask for that (`start_child_span`). */
  readonly ownSpan: boolean;
}

/** The span of an attempt or of a mirrored request. All calls are cheap and none throws. */
export interface AttemptSpan {
  /** There is a connection. */
  ready(http2: boolean): void;
  /** The head, and all, of the request has been given to the connection. */
  requestBegun(): void;
  requestEnded(): void;
  /** A final response head has come; not an interim one. */
  responseHead(head: ResponseHeaders): void;
  responseTrailers(trailers: Headers): void;
  /** The whole response has come. */
  responseEnded(): void;
  /** It took too long, or the like: bits of `ResponseFlag`. */
  flag(flags: number): void;
  /** It broke: the words for it, a bit of `ResponseFlag`, and whether the host was never asked. */
  failed(reason: string, flags: number, hostUnasked: boolean): void;
  /** This side has given it up. */
  canceled(): void;
  /** Ends the span. */
  finish(): void;
}

/** Tracing for terminal filters; a stream that has a span has it. */
export interface StreamTracing {
  /**
   * Writes the context into the head that goes upstream, of a span of the attempt's own if it is to have one, else of the
   * exchange's. Answers with the own span when there is something to tell it.
   */
  beginAttempt(stream: TerminalStream, headers: RequestHeaders, start: AttemptStart): AttemptSpan | undefined;
  /** The same for a copy of the request, which always has a span of its own. */
  beginMirror(stream: TerminalStream, headers: RequestHeaders, cluster: UpstreamCluster): MirrorSpan | undefined;
}

/** The span of a mirrored request; its host is chosen later. */
export interface MirrorSpan extends AttemptSpan {
  chose(host: Host): void;
}
