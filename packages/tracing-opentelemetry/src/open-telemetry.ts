/** The application's SDK as the proxy's tracer. */
import {
  defineTracer,
  type ObserverContext,
  type RequestHeaders,
  type Span,
  type SpanStart,
  type Tracer,
} from '@mesh/core';
import { message, string, withDefault } from '@mesh/core/proto';
import { context, type Tracer as OtelTracer, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { getter } from './headers.ts';
import { randomId, spanContext } from './identity.ts';
import { sdkRegistered } from './registered.ts';
import { OpenTelemetrySpan } from './span.ts';

/** The instrumentation that spans are of, unless it is named otherwise. */
export const SCOPE = '@mesh/core';

/**
 * Spans of the proxy go to the OpenTelemetry SDK of the application, and context travels as its propagator has it. The
 * SDK samples as well: a span is recorded when both say so. Without an SDK nothing is done.
 *
 * @example
 * createProxy({ listeners: [listener('in', { filters: [http({ tracing: { provider: openTelemetry() }, … })] })] })
 */
export const openTelemetry = defineTracer({
  name: 'mesh.tracers.opentelemetry_api',
  config: message({ tracer_name: withDefault(string(), SCOPE) }, { name: 'mesh.tracers.OpenTelemetryApi' }),
  create: ({ tracerName }, observer) => new OpenTelemetryTracer(trace.getTracer(tracerName), observer),
});

class OpenTelemetryTracer implements Tracer {
  private readonly tracer: OtelTracer;
  private readonly random: ObserverContext['random'];

  constructor(tracer: OtelTracer, { random }: Pick<ObserverContext, 'random'>) {
    this.tracer = tracer;
    this.random = random;
  }

  startSpan(headers: RequestHeaders, start: SpanStart, traced: boolean): Span | undefined {
    if (!sdkRegistered()) return undefined;
    const caller = propagation.extract(ROOT_CONTEXT, headers, getter);
    const continued = trace.getSpanContext(caller) !== undefined;
    const span =
      continued || traced
        ? new OpenTelemetrySpan(this.tracer, start, caller, !continued)
        : new OpenTelemetrySpan(this.tracer, start, caller, true, this.unsampled());
    return span.valid ? span : undefined;
  }

  /** Ids for a trace that nobody records: those behind this proxy hear that it is not sampled. */
  private unsampled() {
    const { random } = this;
    return spanContext({ traceId: randomId(32, random), spanId: randomId(16, random) }, false);
  }

  within(span: Span, hook: () => unknown): unknown {
    return span instanceof OpenTelemetrySpan ? context.with(span.context, hook) : hook();
  }
}
