/** A span that lives in the application's SDK alone. */
import type { RequestHeaders, Span, SpanStart } from '@mesh/core';
import {
  type Context,
  isSpanContextValid,
  type Span as OtelSpan,
  propagation,
  type SpanContext,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { setter } from './headers.ts';
import { spanContext } from './identity.ts';
import { recordTag, startRecorded } from './recorded.ts';
import { hrTime } from './times.ts';

/** See the file's comment. */
export class OpenTelemetrySpan implements Span {
  readonly localDecision: boolean;
  /** With this span as the active one: what `within` runs in. */
  context: Context;
  private readonly tracer: Tracer;
  private readonly start: SpanStart;
  private recorded: OtelSpan | undefined;
  private identity: SpanContext;
  private wanted: boolean;
  /** Gathered while it may still turn out to be sampled. */
  private tags: (readonly [name: string, value: string])[] | undefined = undefined;
  private finished = false;

  /** `identity`: the span is not recorded and has these ids. */
  constructor(tracer: Tracer, start: SpanStart, parent: Context, localDecision: boolean, identity?: SpanContext) {
    this.tracer = tracer;
    this.start = start;
    this.localDecision = localDecision;
    this.recorded = identity === undefined ? startRecorded(tracer, start, parent) : undefined;
    this.identity = identity ?? (this.recorded as OtelSpan).spanContext();
    this.wanted = isSampled(this.identity);
    this.context =
      this.recorded === undefined ? trace.setSpanContext(parent, this.identity) : trace.setSpan(parent, this.recorded);
  }

  get traceId(): string {
    return this.identity.traceId;
  }

  get spanId(): string {
    return this.identity.spanId;
  }

  get sampled(): boolean {
    return this.wanted;
  }

  /** Without an SDK there is nothing that could be carried on. */
  get valid(): boolean {
    return isSpanContextValid(this.identity);
  }

  setOperation(operation: string): void {
    this.recorded?.updateName(operation);
  }

  setTag(name: string, value: string): void {
    if (this.recorded !== undefined) recordTag(this.recorded, name, value);
    else if (this.localDecision) (this.tags ??= []).push([name, value]);
  }

  annotate(atUs: number, event: string): void {
    this.recorded?.addEvent(event, undefined, hrTime(atUs));
  }

  /** What is not wanted any more is not ended: an SDK exports only what has ended. What the SDK has refused stays so. */
  setSampled(sampled: boolean): void {
    if (this.recorded === undefined) {
      if (sampled && !this.finished) this.record();
      return;
    }
    const wanted = sampled && isSampled(this.recorded.spanContext());
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    this.identity = spanContext(this.identity, wanted);
    this.context = wanted
      ? trace.setSpan(this.context, this.recorded)
      : trace.setSpanContext(this.context, this.identity);
  }

  /** The decision has changed before anybody was told of the span: it begins after all, with new ids. */
  private record(): void {
    const parent = trace.deleteSpan(this.context);
    const recorded = startRecorded(this.tracer, this.start, parent);
    this.recorded = recorded;
    this.identity = recorded.spanContext();
    this.wanted = isSampled(this.identity);
    this.context = trace.setSpan(parent, recorded);
    for (const [name, value] of this.tags ?? []) recordTag(recorded, name, value);
  }

  startChild(start: SpanStart): Span {
    // Below a span that is not recorded there is nothing to record; the context alone travels on.
    const identity = this.wanted ? undefined : this.identity;
    return new OpenTelemetrySpan(this.tracer, start, this.context, false, identity);
  }

  inject(headers: RequestHeaders): void {
    propagation.inject(this.context, headers, setter);
  }

  finish(endUs: number): void {
    if (this.finished) return;
    this.finished = true;
    if (this.wanted) this.recorded?.end(hrTime(endUs));
  }
}

function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}
