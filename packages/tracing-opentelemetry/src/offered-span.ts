/** A span of another tracer and the one that stands for it in the application's SDK. */
import type { RequestHeaders, Span, SpanStart, SpanUpstream } from '@mesh/core';
import { type Context, type Span as OtelSpan, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { spanContext } from './identity.ts';
import type { OfferingTracer } from './offered.ts';
import { recordTag } from './recorded.ts';
import { hrTime } from './times.ts';

/** See the file's comment; the two have the same ids. */
export class OfferedSpan implements Span {
  private readonly offering: OfferingTracer;
  private readonly inner: Span;
  private readonly recorded: OtelSpan | undefined;
  private active: Context | undefined;
  private finished = false;

  /** Without `recorded` the span is not sampled, or there is no SDK. */
  constructor(offering: OfferingTracer, inner: Span, recorded: OtelSpan | undefined, parent: Context) {
    this.offering = offering;
    this.inner = inner;
    this.recorded = recorded;
    this.active = recorded === undefined ? undefined : trace.setSpan(parent, recorded);
  }

  /** With this span as the active one. */
  get context(): Context {
    return (this.active ??= trace.setSpanContext(ROOT_CONTEXT, spanContext(this.inner, this.inner.sampled)));
  }

  get traceId(): string {
    return this.inner.traceId;
  }

  get spanId(): string {
    return this.inner.spanId;
  }

  get sampled(): boolean {
    return this.inner.sampled;
  }

  get localDecision(): boolean {
    return this.inner.localDecision;
  }

  setOperation(operation: string): void {
    this.inner.setOperation(operation);
    this.recorded?.updateName(operation);
  }

  setTag(name: string, value: string): void {
    this.inner.setTag(name, value);
    if (this.recorded !== undefined) recordTag(this.recorded, name, value);
  }

  annotate(atUs: number, event: string): void {
    this.inner.annotate(atUs, event);
    this.recorded?.addEvent(event, undefined, hrTime(atUs));
  }

  setSampled(sampled: boolean): void {
    if (sampled !== this.inner.sampled) this.active = undefined;
    this.inner.setSampled(sampled);
  }

  startChild(start: SpanStart): Span {
    return this.offering.child(this.inner, this.context, start);
  }

  inject(headers: RequestHeaders, upstream?: SpanUpstream): void {
    this.inner.inject(headers, upstream);
  }

  /** What is not sampled any more is not ended either: an SDK exports only what has ended. */
  finish(endUs: number): void {
    if (this.finished) return;
    this.finished = true;
    if (this.inner.sampled) this.recorded?.end(hrTime(endUs));
    this.inner.finish(endUs);
  }
}
