/** The span of one attempt, or of a copy of the request that goes elsewhere: what it is told is written down when it ends. */
import type { Host } from '../api/cluster.ts';
import type { Headers, ResponseHeaders } from '../api/headers.ts';
import type { TerminalStream } from '../api/http-stream.ts';
import type { Span } from '../api/tracer.ts';
import type { MirrorSpan, SpanName, SpanTag } from '../api/tracing.ts';
import type { UpstreamCluster } from '../api/upstream.ts';
import { textOfWire } from '../format/value.ts';
import { onRejection } from './rejection.ts';
import type { SpanClock } from './span-clock.ts';
import { tagCustom, tagGrpcResponse, tagOutcome } from './span-tags.ts';

/** What a span of an attempt gets from the configuration. */
export interface UpstreamSpanPlan {
  readonly clock: SpanClock;
  readonly verbose: boolean;
  readonly tags: readonly SpanTag[];
  readonly name: SpanName | undefined;
  /** A call of the tracer threw. */
  failed(error: unknown): void;
}

export class UpstreamSpan implements MirrorSpan {
  private readonly span: Span;
  private readonly stream: TerminalStream;
  private readonly plan: UpstreamSpanPlan;
  private readonly cluster: UpstreamCluster;
  private readonly attempt: number;
  private host: Host | undefined;
  private protocol = '-';
  private status = 0;
  private flags = 0;
  private reason = '';
  private isCanceled = false;
  private isOver = false;
  private grpc: Headers | undefined = undefined;
  private txBeginMs = 0;
  private txEndMs = 0;
  private rxBeginMs = 0;
  private rxEndMs = 0;

  /** `attempt` is 1 for the first. */
  constructor(
    span: Span,
    stream: TerminalStream,
    plan: UpstreamSpanPlan,
    cluster: UpstreamCluster,
    host: Host | undefined,
    attempt: number,
  ) {
    this.span = span;
    this.stream = stream;
    this.plan = plan;
    this.cluster = cluster;
    this.host = host;
    this.attempt = attempt;
  }

  private get nowMs(): number {
    return this.plan.clock.nowMs();
  }

  /** Who ends it may have done something else in between. */
  private get endMs(): number {
    const whole = this.rxEndMs > 0 && !this.isCanceled;
    return whole ? Math.max(this.rxEndMs, this.txEndMs) : this.nowMs;
  }

  chose(host: Host): void {
    this.host = host;
  }

  ready(http2: boolean): void {
    if (this.stream.info.upstreamTunnel !== true) this.protocol = http2 ? 'HTTP/2' : 'HTTP/1.1';
  }

  requestBegun(): void {
    this.txBeginMs = this.nowMs;
  }

  requestEnded(): void {
    this.txEndMs = this.nowMs;
  }

  responseHead(head: ResponseHeaders): void {
    this.rxBeginMs = this.nowMs;
    this.status = head.status;
    this.grpc = head;
  }

  responseTrailers(trailers: Headers): void {
    if (trailers.get('grpc-status') !== undefined) this.grpc = trailers;
  }

  responseEnded(): void {
    this.rxEndMs = this.nowMs;
  }

  flag(flags: number): void {
    this.flags |= flags;
  }

  failed(reason: string, flags: number, hostUnasked: boolean): void {
    this.reason = reason;
    this.flags |= flags;
    if (hostUnasked) this.host = undefined;
  }

  canceled(): void {
    this.isCanceled = true;
  }

  finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    try {
      this.write();
      const answer: unknown = this.span.finish(this.plan.clock.us(this.endMs));
      if (answer !== undefined) onRejection(answer, this.plan.failed);
    } catch (error) {
      this.plan.failed(error);
    }
  }

  private write(): void {
    const { attempt, host, plan, reason, span, stream } = this;
    if (attempt > 1) span.setTag('retry.count', String(attempt - 1));
    if (this.isCanceled) span.setTag('canceled', 'true');
    if (reason !== '') {
      span.setTag('error', 'true');
      span.setTag('error.reason', reason);
    }
    tagGrpcResponse(span, this.grpc);
    span.setTag('http.protocol', this.protocol);
    if (host !== undefined) {
      span.setTag('upstream_address', host.address);
      span.setTag('peer.address', host.address);
    }
    tagOutcome(span, stream, this.cluster.name, this.status, this.flags);
    if (plan.verbose) this.annotate();
    tagCustom(span, stream, plan.tags);
    if (plan.name !== undefined) span.setOperation(textOfWire(plan.name(stream)));
  }

  private annotate(): void {
    const { span, plan } = this;
    annotate(span, plan.clock, this.txBeginMs, 'first_upstream_tx_byte_sent');
    annotate(span, plan.clock, this.txEndMs, 'last_upstream_tx_byte_sent');
    annotate(span, plan.clock, this.rxBeginMs, 'first_upstream_rx_byte_received');
    annotate(span, plan.clock, this.rxEndMs, 'last_upstream_rx_byte_received');
  }
}

/** Notes an event that has happened: its time is not 0. */
export function annotate(span: Span, clock: SpanClock, atMs: number, event: string): void {
  if (atMs > 0) span.annotate(clock.us(atMs), event);
}
