/** A tracer that keeps its spans, for tests of filters and of whole proxies. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type ConfiguredTracer,
  defineTracer,
  type RequestHeaders,
  type Span,
  type SpanKind,
  type SpanStart,
  type Tracer,
  type TracerDefinition,
} from '@mesh/core';

/** A span as it was when it ended. Times are Unix microseconds. */
export interface RecordedSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly traceId: string;
  readonly spanId: string;
  /** '' for the first span of a trace. */
  readonly parentId: string;
  readonly sampled: boolean;
  /** In the order of their first setting. */
  readonly tags: Readonly<Record<string, string>>;
  readonly annotations: readonly { readonly event: string; readonly atUs: number }[];
  readonly startUs: number;
  readonly endUs: number;
}

/** Options of {@link recordingTracer}. */
export interface RecordingTracerOptions {
  /** The span of a request is the active one while its filters run, and in what they begin: see `active`. Default false. */
  readonly within?: boolean;
}

/** What {@link recordingTracer} returns. */
export interface RecordingTracer {
  /** For `http({ tracing: { provider } })`. */
  readonly provider: ConfiguredTracer;
  /** For `extensions` of a proxy whose YAML names it: `mesh.tracers.recording`. */
  readonly extension: TracerDefinition;
  /** Spans that ended and were sampled, in the order of their ends. */
  readonly spans: readonly RecordedSpan[];
  /** Spans that ended and were not sampled. */
  readonly unsampled: readonly RecordedSpan[];
  /** How many tracers there have been, and how many of them are closed. */
  readonly made: number;
  readonly closed: number;
  /** The span of the filter hook that is running, or whose promise goes on; needs `within`. */
  active(): Span | undefined;
  /** The names of `spans`, each below its parent and indented by two spaces more; roots in the order of their ends. */
  tree(): string;
  /** Forgets the spans so far. */
  clear(): void;
}

/** The context travels in a field of W3C Trace Context. */
const FIELD = 'traceparent';
const CONTEXT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])$/;

/**
 * A tracer that keeps what it is told. Ids count up from 1; the context travels in `traceparent`.
 *
 * @example
 * const traces = recordingTracer();
 * const proxy = await startProxy({ http: { tracing: { provider: traces.provider } }, … });
 * await fetch(proxy.url('/'));
 * expect(traces.spans[0]?.tags['http.status_code']).toBe('200');
 */
export function recordingTracer(options: RecordingTracerOptions = {}): RecordingTracer {
  const recording = new Recording(options.within === true);
  const extension = defineTracer({
    name: 'mesh.tracers.recording',
    config: NO_CONFIG,
    create: () => recording.tracer(),
  });
  return Object.assign(recording, { extension: extension as TracerDefinition, provider: extension() });
}

/** A schema that takes any map. */
const NO_CONFIG = {
  '~standard': { version: 1, vendor: 'mesh', validate: (value: unknown) => ({ value }) },
} as const;

class Recording {
  readonly spans: RecordedSpan[] = [];
  readonly unsampled: RecordedSpan[] = [];
  made = 0;
  closed = 0;
  private ids = 0;
  private readonly storage: AsyncLocalStorage<Span> | undefined;

  constructor(within: boolean) {
    this.storage = within ? new AsyncLocalStorage() : undefined;
  }

  tracer(): Tracer {
    this.made++;
    const { storage } = this;
    return {
      startSpan: (headers, start, traced) => this.start(headers, start, traced),
      close: () => void this.closed++,
      ...(storage && { within: (span: Span, hook: () => unknown) => storage.run(span, hook) }),
    };
  }

  private start(headers: RequestHeaders, start: SpanStart, traced: boolean): Span {
    const [, traceId, parentId, flags] = CONTEXT.exec(headers.get(FIELD) ?? '') ?? [];
    if (traceId === undefined || parentId === undefined) {
      const id = this.nextId();
      return new OpenSpan(
        this,
        start,
        { traceId: `${'0'.repeat(16)}${id}`, spanId: id, parentId: '', sampled: traced },
        true,
      );
    }
    return new OpenSpan(this, start, { traceId, spanId: this.nextId(), parentId, sampled: flags === '01' }, false);
  }

  nextId(): string {
    return (++this.ids).toString(16).padStart(16, '0');
  }

  ended(span: RecordedSpan): void {
    (span.sampled ? this.spans : this.unsampled).push(span);
  }

  active(): Span | undefined {
    return this.storage?.getStore();
  }

  tree(): string {
    const known = new Set(this.spans.map(({ spanId }) => spanId));
    const below = (parentId: string, indent: string): string[] =>
      this.spans
        .filter((span) => (known.has(span.parentId) ? span.parentId : '') === parentId)
        .sort((a, b) => a.startUs - b.startUs || (a.spanId < b.spanId ? -1 : 1))
        .flatMap((span) => [`${indent}${span.name}`, ...below(span.spanId, `${indent}  `)]);
    return below('', '').join('\n');
  }

  clear(): void {
    this.spans.length = 0;
    this.unsampled.length = 0;
  }
}

interface Identity {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly sampled: boolean;
}

class OpenSpan implements Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly localDecision: boolean;
  sampled: boolean;
  private readonly recording: Recording;
  private readonly start: SpanStart;
  private readonly parentId: string;
  private readonly tags: Record<string, string> = {};
  private readonly annotations: { readonly event: string; readonly atUs: number }[] = [];
  private name: string;
  private over = false;

  constructor(recording: Recording, start: SpanStart, identity: Identity, localDecision: boolean) {
    this.recording = recording;
    this.start = start;
    this.name = start.operation;
    this.traceId = identity.traceId;
    this.spanId = identity.spanId;
    this.parentId = identity.parentId;
    this.sampled = identity.sampled;
    this.localDecision = localDecision;
  }

  setOperation(operation: string): void {
    this.name = operation;
  }

  setTag(name: string, value: string): void {
    this.tags[name] = value;
  }

  annotate(atUs: number, event: string): void {
    this.annotations.push({ event, atUs });
  }

  setSampled(sampled: boolean): void {
    this.sampled = sampled;
  }

  startChild(start: SpanStart): Span {
    const { recording, sampled, spanId, traceId } = this;
    return new OpenSpan(recording, start, { traceId, spanId: recording.nextId(), parentId: spanId, sampled }, false);
  }

  inject(headers: RequestHeaders): void {
    headers.set(FIELD, `00-${this.traceId}-${this.spanId}-${this.sampled ? '01' : '00'}`);
  }

  finish(endUs: number): void {
    if (this.over) return;
    this.over = true;
    const { name, parentId, sampled, spanId, tags, annotations, traceId } = this;
    const { kind, startUs } = this.start;
    this.recording.ended({ name, kind, traceId, spanId, parentId, sampled, tags, annotations, startUs, endUs });
  }
}
