/** Starts spans: in the trace that the headers tell of, or in a new one. */
import type { RequestHeaders, Span, SpanStart, Tracer } from '@mesh/core';
import { extract, type TraceContext } from './context.ts';
import type { Ids } from './ids.ts';
import type { Reporter } from './reporter.ts';
import { type SpanPlace, ZipkinSpan } from './span.ts';

/** How spans relate to those of the neighbours. */
export interface TracerOptions {
  /** The span of a request that was begun by its caller has the caller's ids (Zipkin's way). */
  readonly shared: boolean;
  /** Requests are always served by a server span, whatever the listener's direction, and calls are client spans. */
  readonly split: boolean;
  /** W3C Trace Context is read where B3 is missing, and written beside it. */
  readonly w3c: boolean;
}

/** Envoy's Zipkin tracer. */
export class ZipkinTracer implements Tracer {
  /** See {@link TracerOptions}. */
  readonly w3c: boolean;
  private readonly shared: boolean;
  private readonly split: boolean;
  private readonly ids: Ids;
  private readonly reporter: Reporter;

  constructor(options: TracerOptions, ids: Ids, reporter: Reporter) {
    this.w3c = options.w3c;
    this.shared = options.shared;
    this.split = options.split;
    this.ids = ids;
    this.reporter = reporter;
  }

  startSpan(headers: RequestHeaders, start: SpanStart, traced: boolean): Span | undefined {
    const context = extract(headers, this.w3c);
    if (context === undefined) return undefined;
    const kind = this.split ? 'server' : start.kind;
    const sampled = context.sampled ?? traced;
    if (context.traceId === '') {
      return new ZipkinSpan(this, this.root(start, sampled), start, kind, sampled, context.sampled === undefined);
    }
    return new ZipkinSpan(this, this.below(context, kind, start, sampled), start, kind, sampled, false);
  }

  /** A span below `parent`. */
  child(parent: ZipkinSpan, start: SpanStart): Span {
    const kind = this.split ? 'client' : start.kind;
    const { sampled } = parent;
    return new ZipkinSpan(this, this.below(parent, kind, start, sampled), start, kind, sampled, false);
  }

  private root(start: SpanStart, sampled: boolean): SpanPlace {
    const given = start.ids?.(undefined, sampled);
    if (given !== undefined) return { traceId: given.traceId, spanId: given.spanId, parentId: '', joined: false };
    const spanId = this.ids.span();
    return { traceId: this.ids.trace(spanId), spanId, parentId: '', joined: false };
  }

  private below(
    context: TraceContext | ZipkinSpan,
    kind: 'server' | 'client',
    start: SpanStart,
    sampled: boolean,
  ): SpanPlace {
    const { traceId, spanId, parentId } = context;
    const given = start.ids?.(context, sampled);
    if (given !== undefined) return { traceId, spanId: given.spanId, parentId: spanId, joined: false };
    if (kind === 'server' && this.shared) return { traceId, spanId, parentId, joined: true };
    return { traceId, spanId: this.ids.span(), parentId: spanId, joined: false };
  }

  /** A sampled span has ended. */
  report(span: ZipkinSpan): void {
    this.reporter.add(span);
  }

  close(): Promise<void> {
    return this.reporter.close();
  }
}
