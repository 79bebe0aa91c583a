/** An application with an SDK of its own, and a tracer to stand beside. */
import {
  type ConfiguredTracer,
  defineTracer,
  type ObserverContext,
  type RequestHeaders,
  type Span,
  type SpanIds,
  type SpanStart,
  type Tracer,
} from '@mesh/core';
import { string } from '@mesh/core/proto';
import {
  type Context,
  context,
  propagation,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** W3C Trace Context, as far as the tests need it. */
class TraceParent implements TextMapPropagator {
  fields(): string[] {
    return ['traceparent'];
  }

  inject(from: Context, carrier: unknown, setter: TextMapSetter): void {
    const span = trace.getSpanContext(from);
    if (span === undefined) return;
    setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-0${span.traceFlags}`);
    setter.set(carrier, 'not a name', 'is left out');
  }

  extract(to: Context, carrier: unknown, getter: TextMapGetter): Context {
    const [, traceId, spanId, flags] =
      /^00-(\w{32})-(\w{16})-0(\d)$/.exec(`${getter.get(carrier, 'traceparent')}`) ?? [];
    if (traceId === undefined || spanId === undefined) return to;
    return trace.setSpanContext(to, { traceId, spanId, traceFlags: Number(flags), isRemote: true });
  }
}

/** An SDK that is registered until `remove` is called. */
export class Sdk {
  private readonly exporter = new InMemorySpanExporter();

  constructor({ off = false } = {}) {
    const provider = new BasicTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(this.exporter)],
      ...(off ? { sampler: new AlwaysOffSampler() } : {}),
    });
    trace.setGlobalTracerProvider(provider);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new TraceParent());
  }

  /** What has been exported. */
  get spans(): ReadableSpan[] {
    return this.exporter.getFinishedSpans();
  }

  static remove(): void {
    trace.disable();
    context.disable();
    propagation.disable();
  }
}

/** A request head with what a tracer uses of it. */
export function head(given: Readonly<Record<string, string>> = {}): RequestHeaders {
  const fields = new Map(Object.entries(given));
  return {
    get: (name: string) => fields.get(name),
    getAll: (name: string) => [fields.get(name) ?? []].flat(),
    has: (name: string) => fields.has(name),
    entries: () => fields.entries(),
    set: (name: string, value: string) => {
      if (/ /.test(name)) throw new TypeError('not a field');
      fields.set(name, value);
    },
  } as unknown as RequestHeaders;
}

/** 2026-01-01T00:00:00Z in microseconds. */
export const START_US = Date.UTC(2026, 0, 1) * 1000;
export const START: SpanStart = { operation: 'svc', startUs: START_US + 0.5, kind: 'server' };

/** What configured, made. */
export function made({ definition, config }: ConfiguredTracer): Tracer {
  return definition.create(config, { random: Math.random } as unknown as ObserverContext);
}

/** A tracer with spans that remember what they are told; `x-parent: <trace>-<span>` is the caller. */
export class PlainSpan implements Span {
  readonly calls: unknown[][] = [];
  readonly localDecision = true;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  sampled: boolean;

  constructor(parent: SpanIds | undefined, start: SpanStart, sampled: boolean) {
    const given = start.ids?.(parent, sampled);
    this.traceId = parent?.traceId ?? given?.traceId ?? '00000000000000aa';
    this.spanId = given?.spanId ?? '00000000000000bb';
    this.parentId = parent?.spanId ?? '';
    this.sampled = sampled;
  }

  setOperation(...call: unknown[]): void {
    this.calls.push(['setOperation', ...call]);
  }
  setTag(...call: unknown[]): void {
    this.calls.push(['setTag', ...call]);
  }
  annotate(...call: unknown[]): void {
    this.calls.push(['annotate', ...call]);
  }
  setSampled(sampled: boolean): void {
    this.sampled = sampled;
  }
  startChild(start: SpanStart): Span {
    const child = new PlainSpan(this, start, this.sampled);
    started.push(child);
    return child;
  }
  inject(headers: RequestHeaders): void {
    headers.set('x-span', this.spanId);
  }
  finish(...call: unknown[]): void {
    this.calls.push(['finish', ...call]);
  }
}

/** Spans of {@link plain}, in the order in which they began. */
export const started: PlainSpan[] = [];

/** The tracer of {@link PlainSpan}. */
export const plain = defineTracer({
  name: 'test.plain',
  config: string(),
  create: () => ({
    startSpan(headers, start, traced) {
      const [traceId, spanId] = headers.get('x-parent')?.split('-') ?? [];
      if (traceId === 'broken') return undefined;
      const parent = traceId === undefined || spanId === undefined ? undefined : { traceId, spanId };
      started.push(new PlainSpan(parent, start, traced));
      return started.at(-1);
    },
    close: () => void (started.length = 0),
  }),
});
