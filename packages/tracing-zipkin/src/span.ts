/** A span of a request or of a call: it gathers while it runs and writes itself down when it ends. */
import type { RequestHeaders, Span, SpanKind, SpanStart } from '@mesh/core';
import { inject } from './inject.ts';
import type { ZipkinTracer } from './tracer.ts';

/** One shape for every span: kind, ids and tags are read by the encoders when it ends. */
export class ZipkinSpan implements Span {
  readonly traceId: string;
  readonly spanId: string;
  /** '' without one. */
  readonly parentId: string;
  readonly kind: SpanKind;
  /** Its ids are those of the span that the caller has begun. */
  readonly joined: boolean;
  /** Whole microseconds. */
  readonly startUs: number;
  sampled: boolean;
  readonly localDecision: boolean;
  name: string;
  /** At least one microsecond; 0 until it has ended. */
  durationUs = 0;
  /** Names and values by turns. */
  tags: string[] = [];
  /** Times and events by turns. */
  notes: (number | string)[] | undefined = undefined;
  private readonly tracer: ZipkinTracer;

  constructor(
    tracer: ZipkinTracer,
    { traceId, spanId, parentId, joined }: SpanPlace,
    start: SpanStart,
    kind: SpanKind,
    sampled: boolean,
    localDecision: boolean,
  ) {
    this.tracer = tracer;
    this.traceId = traceId;
    this.spanId = spanId;
    this.parentId = parentId;
    this.joined = joined;
    this.kind = kind;
    this.startUs = Math.floor(start.startUs);
    this.sampled = sampled;
    this.localDecision = localDecision;
    this.name = start.operation;
  }

  setOperation(operation: string): void {
    this.name = operation;
  }

  /** As in Envoy nothing is tagged with '', and a name has one value. */
  setTag(name: string, value: string): void {
    if (!this.kept() || name === '' || value === '') return;
    const { tags } = this;
    for (let at = 0; at < tags.length; at += 2) {
      if (tags[at] === name) {
        tags[at + 1] = value;
        return;
      }
    }
    tags.push(name, value);
  }

  annotate(atUs: number, event: string): void {
    if (this.kept()) (this.notes ??= []).push(Math.floor(atUs), event);
  }

  /** What is gathered now is of use, or may become so. */
  private kept(): boolean {
    return (this.sampled || this.localDecision) && this.durationUs === 0;
  }

  setSampled(sampled: boolean): void {
    this.sampled = sampled;
  }

  startChild(start: SpanStart): Span {
    return this.tracer.child(this, start);
  }

  inject(headers: RequestHeaders): void {
    inject(this, headers, this.tracer.w3c);
  }

  finish(endUs: number): void {
    if (this.durationUs !== 0) return;
    this.durationUs = Math.max(1, Math.floor(endUs) - this.startUs);
    if (this.sampled) this.tracer.report(this);
  }
}

/** Where a span stands in its trace. */
export interface SpanPlace {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly joined: boolean;
}
