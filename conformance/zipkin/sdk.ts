/** The OpenTelemetry SDK of an application. It is a development dependency of the package that is tested with it. */
import { createRequire } from 'node:module';

const load = createRequire(new URL('../../packages/tracing-opentelemetry/package.json', import.meta.url));

/** A span as an exporter gets it. */
export interface ExportedSpan {
  readonly name: string;
  readonly parentSpanContext?: { readonly spanId: string };
  readonly attributes: Readonly<Record<string, unknown>>;
  spanContext(): { readonly traceId: string; readonly spanId: string };
}

interface Api {
  readonly trace: {
    setGlobalTracerProvider(provider: unknown): void;
    getTracer(name: string): { startSpan(name: string): { end(): void } };
    disable(): void;
  };
  readonly context: { setGlobalContextManager(manager: unknown): void; disable(): void };
}

const { context, trace } = load('@opentelemetry/api') as Api;

/** Registers one that keeps what is exported. */
export function registerSdk() {
  const { AsyncLocalStorageContextManager } = load('@opentelemetry/context-async-hooks') as {
    AsyncLocalStorageContextManager: new () => { enable(): unknown };
  };
  const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = load('@opentelemetry/sdk-trace-base') as {
    BasicTracerProvider: new (options: object) => unknown;
    InMemorySpanExporter: new () => { getFinishedSpans(): ExportedSpan[] };
    SimpleSpanProcessor: new (exporter: unknown) => unknown;
  };
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  return {
    spans: () => exporter.getFinishedSpans(),
    /** A span as application code starts it: below the active one. */
    work: (name: string) => trace.getTracer('application').startSpan(name).end(),
    remove() {
      trace.disable();
      context.disable();
    },
  };
}
