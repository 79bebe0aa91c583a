/** Another tracer, whose spans the application's SDK gets as well. */
import type { ConfiguredTracer, RequestHeaders, Span, SpanIds, SpanStart, Tracer, TracerDefinition } from '@mesh/core';
import {
  type Context,
  context,
  isSpanContextValid,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
  propagation,
  ROOT_CONTEXT,
  trace,
} from '@opentelemetry/api';
import { getter } from './headers.ts';
import { spanContext } from './identity.ts';
import { OfferedSpan } from './offered-span.ts';
import { SCOPE } from './open-telemetry.ts';
import { startRecorded } from './recorded.ts';
import { sdkRegistered } from './registered.ts';

/**
 * A tracer that offers every sampled span to the OpenTelemetry SDK too, with the same ids; headers are those of the inner
 * tracer. It takes what code configures, or a definition, which then stands in `extensions` in the place of the inner
 * one. Because the SDK makes the span ids, a span never shares its id with that of the caller. Without an SDK it is the
 * inner tracer alone.
 *
 * @example
 * http({ tracing: { provider: offered(zipkin({ collectorCluster: 'zipkin', … })) }, … })
 */
export function offered(tracer: ConfiguredTracer): ConfiguredTracer;
export function offered(tracer: TracerDefinition): TracerDefinition;
export function offered(tracer: ConfiguredTracer | TracerDefinition): ConfiguredTracer | TracerDefinition {
  if ('definition' in tracer) return { definition: offered(tracer.definition), config: tracer.config };
  const known = wrapped.get(tracer);
  if (known !== undefined) return known;
  const { kind, name, typeUrl, config, routeConfig } = tracer;
  const create: TracerDefinition['create'] = (checked, observer) =>
    new OfferingTracer(tracer.create(checked, observer), trace.getTracer(SCOPE));
  const made: TracerDefinition = { kind, name, typeUrl, config, routeConfig, create };
  wrapped.set(tracer, made);
  return made;
}

/** One wrapper per definition: connection managers with the same config share a tracer by it. */
const wrapped = new WeakMap<TracerDefinition, TracerDefinition>();

/** @internal The wrapper around a tracer. */
export class OfferingTracer implements Tracer {
  private readonly inner: Tracer;
  private readonly tracer: OtelTracer;
  /** The span that is being started: valid between the call of the inner tracer and its answer. */
  private start: SpanStart | undefined = undefined;
  private parent: Context = ROOT_CONTEXT;
  private recorded: OtelSpan | undefined = undefined;
  private readonly ids = (parent: SpanIds | undefined, sampled: boolean) => this.identify(parent, sampled);

  constructor(inner: Tracer, tracer: OtelTracer) {
    this.inner = inner;
    this.tracer = tracer;
  }

  startSpan(headers: RequestHeaders, start: SpanStart, traced: boolean): Span | undefined {
    if (!sdkRegistered()) return this.inner.startSpan(headers, start, traced);
    // For what the propagator carries beside the span, such as baggage; the span itself is what the inner tracer reads.
    this.begin(start, propagation.extract(ROOT_CONTEXT, headers, getter));
    const span = this.inner.startSpan(headers, { ...start, ids: this.ids }, traced);
    return span === undefined ? undefined : this.end(span);
  }

  /** @internal A span below `inner`, whose context is `parent`. */
  child(inner: Span, parent: Context, start: SpanStart): Span {
    this.begin(start, parent);
    return this.end(inner.startChild({ ...start, ids: this.ids }));
  }

  private begin(start: SpanStart, parent: Context): void {
    this.start = start;
    this.parent = parent;
    this.recorded = undefined;
  }

  private end(span: Span): Span {
    return new OfferedSpan(this, span, this.recorded, this.parent);
  }

  private identify(parent: SpanIds | undefined, sampled: boolean): SpanIds | undefined {
    if (!sampled) return undefined;
    const bare = trace.deleteSpan(this.parent);
    const above = parent === undefined ? bare : trace.setSpanContext(bare, spanContext(parent, true, true));
    const recorded = startRecorded(this.tracer, this.start as SpanStart, above);
    const identity = recorded.spanContext();
    // An SDK that has been shut down may answer with the parent's ids, or with none.
    if (!isSpanContextValid(identity) || identity.spanId === parent?.spanId) return undefined;
    this.recorded = recorded;
    return identity;
  }

  within(span: Span, hook: () => unknown): unknown {
    return span instanceof OfferedSpan ? context.with(span.context, hook) : hook();
  }

  close(): Promise<void> | void {
    return this.inner.close?.();
  }
}
