/** Tracing of one connection manager: which exchanges have spans, what these say, and what travels on to upstreams. */
import type { Clock } from '../api/clock.ts';
import type { RequestHeaders } from '../api/headers.ts';
import type { TerminalStream } from '../api/http-stream.ts';
import type { NodeIdentity } from '../api/observer.ts';
import type { Span, SpanKind, Tracer } from '../api/tracer.ts';
import type {
  AttemptSpan,
  AttemptStart,
  MirrorSpan,
  RouteTracing,
  SpanName,
  SpanTag,
  StreamTracing,
  TraceReason,
} from '../api/tracing.ts';
import type { UpstreamCluster } from '../api/upstream.ts';
import { ResponseFlag } from '../errors.ts';
import { textOfWire } from '../format/value.ts';
import type { ResponseHead } from '../headers/header-map.ts';
import type { Stream } from '../http/stream.ts';
import type { ResponseStream } from '../http/stream-response.ts';
import type { RequestTracing } from '../http/watchers.ts';
import type { Counter, HttpTracingStats } from '../stats/index.ts';
import { onRejection } from './rejection.ts';
import { SpanClock } from './span-clock.ts';
import { tagExchange } from './span-tags.ts';
import type { TraceDecision } from './trace-decision.ts';
import { annotate, UpstreamSpan, type UpstreamSpanPlan } from './upstream-span.ts';

const DECORATOR = 'x-envoy-decorator-operation';
const NO_TAGS: readonly SpanTag[] = [];
/** The client went away without an answer: as in Envoy it is not counted why the exchange was traced. */
const CLIENT_GONE = ResponseFlag.DC | ResponseFlag.DR;

/** What {@link HttpTracing} is made of. */
export interface HttpTracingOptions {
  /** Without one requests are judged and counted, and none has a span. */
  readonly tracer: Tracer | undefined;
  readonly decision: TraceDecision;
  readonly stats: HttpTracingStats;
  readonly clock: Clock;
  readonly node: Pick<NodeIdentity, 'id' | 'zone'>;
  /** The requests are this side's own: it is the client. */
  readonly egress: boolean;
  readonly verbose: boolean;
  readonly maxPathLength: number;
  readonly tags: readonly SpanTag[];
  readonly operation: SpanName | undefined;
  readonly upstreamOperation: SpanName | undefined;
  /** Attempts have spans of their own. */
  readonly spawnsUpstreamSpans: boolean;
  /** Upstreams are not told of spans. */
  readonly keepsContext: boolean;
  /** A call of the tracer threw. */
  failed(error: unknown): void;
}

export class HttpTracing implements RequestTracing, StreamTracing {
  private readonly options: HttpTracingOptions;
  private readonly tracer: Tracer | undefined;
  private readonly clock: SpanClock;
  private readonly kind: SpanKind;
  private readonly childKind: SpanKind;
  private readonly counters: Readonly<Record<TraceReason, Counter>>;
  private readonly upstreamPlan: UpstreamSpanPlan;
  private readonly mirrorPlan: UpstreamSpanPlan;
  /** By the tags of a route. */
  private readonly mergedTags = new WeakMap<readonly SpanTag[], readonly SpanTag[]>();

  constructor(options: HttpTracingOptions) {
    const { egress, spawnsUpstreamSpans, stats, tags, upstreamOperation, verbose } = options;
    this.options = options;
    this.tracer = options.tracer;
    this.clock = new SpanClock(options.clock);
    this.kind = egress && !spawnsUpstreamSpans ? 'client' : 'server';
    // As in Envoy: without spans of their own asked for here, the attempts of an ingress are part of the serving.
    this.childKind = egress || spawnsUpstreamSpans ? 'client' : 'server';
    this.counters = {
      none: stats.not_traceable,
      sampling: stats.random_sampling,
      service: stats.service_forced,
      client: stats.client_enabled,
    };
    const failed = (error: unknown) => options.failed(error);
    const { clock } = this;
    this.upstreamPlan = { clock, verbose, tags, name: upstreamOperation, failed };
    this.mirrorPlan = { clock, verbose: false, tags: NO_TAGS, name: undefined, failed };
  }

  // RequestTracing

  decide(stream: Stream): void {
    // As in Envoy the further runs of an exchange are not judged again: their parent is the span of the first one.
    if (stream.recreated) return;
    stream.traceReason = this.options.decision.decide(stream.requestHeaders, stream.route?.tracing?.sampling);
  }

  begin(stream: Stream): void {
    if (this.tracer === undefined) return;
    try {
      this.startSpan(stream, this.tracer);
    } catch (error) {
      this.options.failed(error);
    }
  }

  private startSpan(stream: Stream, tracer: Tracer): void {
    const head = stream.requestHeaders;
    this.clock.look(stream.startMs);
    const startUs = this.clock.us(stream.startMs);
    const start = { operation: textOfWire(head.rawAuthority), startUs, kind: this.kind };
    const span = tracer.startSpan(head, start, stream.traceReason !== 'none');
    if (span === undefined) return;
    stream.span = span;
    stream.tracing = this;
    const { id, zone } = this.options.node;
    if (span.sampled && id !== '') span.setTag('node_id', id);
    if (span.sampled && zone !== '') span.setTag('zone', zone);
    const own = stream.route?.tracing;
    // A name by format takes the place of all decorators.
    if (this.nameOf(own) === undefined) this.decorate(stream, span, own?.decorator);
  }

  private decorate(stream: Stream, span: Span, decorator: RouteTracing['decorator']): void {
    const head = stream.requestHeaders;
    if (decorator !== undefined) {
      span.setOperation(textOfWire(decorator.operation));
      if (decorator.propagate && this.options.egress) head.put(DECORATOR, decorator.operation);
      else if (decorator.propagate) stream.decorator = decorator.operation;
    }
    if (this.options.egress) return;
    const asked = head.value(DECORATOR);
    if (asked === undefined) return;
    head.drop(DECORATOR);
    if (asked === '') return;
    span.setOperation(textOfWire(asked));
    stream.decorator = '';
  }

  head(head: ResponseHead, stream: ResponseStream): void {
    this.count(stream);
    if (stream.decorator !== '') head.put(DECORATOR, stream.decorator);
    if (!this.options.egress || this.nameOf(stream.route?.tracing) !== undefined) return;
    const asked = head.value(DECORATOR);
    if (asked === undefined) return;
    head.drop(DECORATOR);
    if (asked === '' || stream.span === undefined) return;
    try {
      stream.span.setOperation(textOfWire(asked));
    } catch (error) {
      this.options.failed(error);
    }
  }

  private count({ traceReason }: ResponseStream): void {
    this.counters[traceReason].value++;
  }

  end(stream: ResponseStream): void {
    // Of a run that ends in an internal redirect.
    if (!stream.responseCommitted && (stream.flags & CLIENT_GONE) === 0) this.count(stream);
    const { span } = stream;
    if (span === undefined) return;
    try {
      if (span.sampled) this.write(span, stream);
      const answer: unknown = span.finish(this.clock.us(span.sampled ? this.clock.nowMs() : stream.endMs));
      if (answer !== undefined) onRejection(answer, this.options.failed);
    } catch (error) {
      this.options.failed(error);
    }
  }

  undecided(): void {
    this.counters.none.value++;
  }

  private write(span: Span, stream: ResponseStream): void {
    const own = stream.route?.tracing;
    if (this.options.verbose) this.annotate(span, stream);
    tagExchange(span, stream, this.options.maxPathLength, this.tagsOf(own));
    const name = this.nameOf(own);
    if (name !== undefined) span.setOperation(textOfWire(name(stream)));
  }

  private annotate(span: Span, stream: ResponseStream): void {
    const { clock } = this;
    annotate(span, clock, stream.requestCompleteMs, 'last_downstream_rx_byte_received');
    annotate(span, clock, stream.upstreamTxBeginMs, 'first_upstream_tx_byte_sent');
    annotate(span, clock, stream.upstreamTxEndMs, 'last_upstream_tx_byte_sent');
    annotate(span, clock, stream.upstreamFirstByteMs, 'first_upstream_rx_byte_received');
    annotate(span, clock, stream.upstreamRxEndMs, 'last_upstream_rx_byte_received');
    annotate(span, clock, stream.downstreamTxBeginMs, 'first_downstream_tx_byte_sent');
    if (stream.responseEnded) annotate(span, clock, stream.endMs, 'last_downstream_tx_byte_sent');
  }

  private nameOf(own: RouteTracing | undefined): SpanName | undefined {
    return own?.operation ?? this.options.operation;
  }

  /** The route's tags, and of the connection manager's those that the route has not. */
  private tagsOf(own: RouteTracing | undefined): readonly SpanTag[] {
    const { tags } = this.options;
    if (own === undefined || own.tags.length === 0) return tags;
    const known = this.mergedTags.get(own.tags);
    if (known !== undefined) return known;
    const names = new Set(own.tags.map(({ name }) => name));
    const merged = [...tags.filter(({ name }) => !names.has(name)), ...own.tags];
    this.mergedTags.set(own.tags, merged);
    return merged;
  }

  // StreamTracing

  beginAttempt(stream: TerminalStream, headers: RequestHeaders, start: AttemptStart): AttemptSpan | undefined {
    const { span } = stream;
    if (span === undefined) return undefined;
    const { keepsContext, spawnsUpstreamSpans } = this.options;
    try {
      const { attempt, cluster, host } = start;
      const upstream = { cluster: cluster.name, host };
      if (!spawnsUpstreamSpans && !start.ownSpan) {
        if (!keepsContext) span.inject(headers, upstream);
        return undefined;
      }
      const child = this.child(
        stream,
        span,
        `router ${cluster.observabilityName ?? cluster.name} egress`,
        this.childKind,
      );
      if (!keepsContext) child.inject(headers, upstream);
      if (!child.sampled) return undefined;
      return new UpstreamSpan(child, stream, this.planOf(stream.route?.tracing), cluster, host, attempt);
    } catch (error) {
      this.options.failed(error);
      return undefined;
    }
  }

  beginMirror(stream: TerminalStream, headers: RequestHeaders, cluster: UpstreamCluster): MirrorSpan | undefined {
    const { span } = stream;
    if (span === undefined) return undefined;
    try {
      const child = this.child(stream, span, 'mirror', 'client');
      // As in Envoy the context goes with copies even where it stays here otherwise.
      child.inject(headers, { cluster: cluster.name, host: undefined });
      return child.sampled ? new UpstreamSpan(child, stream, this.mirrorPlan, cluster, undefined, 1) : undefined;
    } catch (error) {
      this.options.failed(error);
      return undefined;
    }
  }

  private child(stream: TerminalStream, span: Span, operation: string, kind: SpanKind): Span {
    const nowMs = span.sampled ? this.clock.nowMs() : stream.timers.nowMs();
    return span.startChild({ operation, startUs: this.clock.us(nowMs), kind });
  }

  private planOf(own: RouteTracing | undefined): UpstreamSpanPlan {
    if (own === undefined) return this.upstreamPlan;
    const { upstreamPlan } = this;
    return { ...upstreamPlan, tags: this.tagsOf(own), name: own.upstreamOperation ?? upstreamPlan.name };
  }
}
