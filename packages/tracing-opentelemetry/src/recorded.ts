/** What a span of the proxy becomes in OpenTelemetry. */
import type { SpanKind as Kind, SpanStart } from '@mesh/core';
import { type Context, type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { hrTime } from './times.ts';

const KINDS: Readonly<Record<Kind, SpanKind>> = { server: SpanKind.SERVER, client: SpanKind.CLIENT };

/** Starts the span that stands for one of the proxy's. */
export function startRecorded(tracer: Tracer, start: SpanStart, parent: Context): Span {
  return tracer.startSpan(start.operation, { kind: KINDS[start.kind], startTime: hrTime(start.startUs) }, parent);
}

/** A tag is an attribute; `error` is the status as well. */
export function recordTag(span: Span, name: string, value: string): void {
  if (name === '' || value === '') return;
  span.setAttribute(name, value);
  if (name === 'error' && value === 'true') span.setStatus({ code: SpanStatusCode.ERROR });
}
