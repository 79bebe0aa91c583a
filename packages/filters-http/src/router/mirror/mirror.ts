/**
 * One mirrored request: sent, and whatever comes back is thrown away. Invariants: it never slows the original down;
 * what waits for the mirror is bounded, and a mirror that does not keep up is given up; it outlives the original only
 * when its own request is whole, and then for at most the route's timeout.
 */
import {
  type Headers,
  type Host,
  isGrpc,
  type MirrorSpan,
  type PickContext,
  type RequestHeaders,
  type RequestWriter,
  type ResponseHeaders,
  TimerEntry,
  type Timers,
  type TransportOptions,
  type UpstreamCluster,
  type UpstreamFailure,
  type UpstreamRequest,
  type UpstreamTicket,
} from '@mesh/core';
import { failureFlag, failureReason, failureStatus } from '../failure.ts';
import { judgeFailure, judgeHead } from '../passive-checks.ts';

export class Mirror extends TimerEntry implements UpstreamRequest, PickContext {
  readonly headers: RequestHeaders;
  readonly transport: TransportOptions | undefined;
  private readonly cluster: UpstreamCluster;
  private readonly timers: Timers;
  /** 0 is none. */
  private readonly timeoutMs: number;
  private readonly limitBytes: number;
  private ticket: UpstreamTicket | undefined = undefined;
  private writer: RequestWriter | undefined = undefined;
  private host: Host | undefined = undefined;
  /** Body pieces that wait for a connection. */
  private waiting: Uint8Array[] | undefined = undefined;
  private waitingBytes = 0;
  private lastTrailers: Headers | undefined = undefined;
  private requestComplete = false;
  private completeMs = 0;
  private blocked = false;
  private awaitingHead = true;
  private done = false;
  private readonly span: MirrorSpan | undefined;

  constructor(
    headers: RequestHeaders,
    cluster: UpstreamCluster,
    timers: Timers,
    timeoutMs: number,
    limitBytes: number,
    transport?: TransportOptions,
    span?: MirrorSpan,
  ) {
    super();
    this.span = span;
    this.transport = transport;
    this.headers = headers;
    this.cluster = cluster;
    this.timers = timers;
    this.timeoutMs = timeoutMs;
    this.limitBytes = limitBytes;
  }

  start(end: boolean): void {
    const host = this.cluster.pick(this);
    if (host === undefined) {
      this.close(503);
      return;
    }
    if (end) this.complete();
    this.host = host;
    this.span?.chose(host);
    const ticket = this.cluster.open(host, this);
    if (!this.done && this.writer === undefined) this.ticket = ticket;
  }

  // The request

  data(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (this.done) return;
    if (end) this.complete();
    const { writer } = this;
    if (writer === undefined) {
      this.hold(chunk, owned);
      return;
    }
    if (this.blocked) {
      this.lag();
      return;
    }
    writer.writeData(chunk, end, owned);
    this.flush();
  }

  trailers(trailers: Headers): void {
    if (this.done) return;
    this.complete();
    this.lastTrailers = trailers;
    this.writer?.writeTrailers(trailers);
    this.flush();
  }

  private hold(chunk: Uint8Array, owned: boolean): void {
    this.waitingBytes += chunk.length;
    if (this.waitingBytes > this.limitBytes) this.lag();
    else if (chunk.length > 0) (this.waiting ??= []).push(owned ? chunk : new Uint8Array(chunk));
  }

  /** It cannot keep up, and the original does not wait. */
  private lag(): void {
    this.cluster.traffic.retry_or_shadow_abandoned.inc();
    this.cancel();
  }

  /** The response must come within the route's timeout from here. */
  private complete(): void {
    this.requestComplete = true;
    this.completeMs = this.timers.nowMs();
    if (this.timeoutMs > 0) this.timers.arm(this, this.timeoutMs);
  }

  private flush(): void {
    if (this.done || this.writer === undefined || this.writer.flush() || this.blocked) return;
    this.blocked = true;
    this.cluster.traffic.upstream_flow_control_backed_up_total.inc();
  }

  // UpstreamRequest

  onReady(writer: RequestWriter, host: Host, _reused?: boolean, http2 = false): void {
    this.ticket = undefined;
    this.span?.ready(http2);
    this.writer = writer;
    this.host = host;
    host.outlier?.onLocalOrigin(true, 0);
    const { waiting, lastTrailers } = this;
    const whole = this.requestComplete && lastTrailers === undefined;
    writer.writeHead(this.headers, whole && waiting === undefined);
    if (waiting !== undefined) {
      this.waiting = undefined;
      for (let i = 0; i < waiting.length; i++) {
        writer.writeData(waiting[i] as Uint8Array, whole && i === waiting.length - 1, true);
      }
    }
    if (lastTrailers !== undefined) writer.writeTrailers(lastTrailers);
    this.flush();
  }

  onFailure(failure: UpstreamFailure): void {
    this.ticket = undefined;
    if (this.done) return;
    this.failed(failure);
    this.close(failureStatus(failure));
  }

  onReset(failure: UpstreamFailure): void {
    if (this.done) return;
    this.writer = undefined;
    this.failed(failure);
    this.close(failure.responseStarted ? 0 : failureStatus(failure));
  }

  private failed(failure: UpstreamFailure): void {
    if (this.host !== undefined) judgeFailure(this.host, failure.reason);
    this.span?.failed(failureReason(failure), failureFlag(failure), failure.hostUnasked === true);
  }

  onWritable(): void {
    if (!this.blocked) return;
    this.blocked = false;
    this.cluster.traffic.upstream_flow_control_drained_total.inc();
  }

  onInterim(): void {}

  onHead(head: ResponseHeaders, end: boolean): void {
    if (this.done) return;
    this.awaitingHead = false;
    this.span?.responseHead(head);
    if (this.host !== undefined) judgeHead(this.host, head, isGrpc(this.headers.get('content-type')));
    this.cluster.chargeStatus(this.host, head.status, true);
    if (end) this.ended();
  }

  onData(_chunk: Uint8Array, end: boolean): void {
    if (end && !this.done) this.ended();
  }

  onTrailers(trailers: Headers): void {
    if (this.done) return;
    this.span?.responseTrailers(trailers);
    this.ended();
  }

  onBatchEnd(): void {}

  // The end

  private ended(): void {
    if (this.requestComplete) this.cluster.chargeTime(this.timers.nowMs() - this.completeMs, true);
    this.writer = undefined;
    this.close(0);
  }

  /** The route's timeout. */
  onDue(): void {
    if (this.done) return;
    this.cluster.traffic.upstream_rq_timeout.inc();
    if (this.host !== undefined) {
      this.host.stats.rqTimeout++;
      if (this.writer !== undefined && this.awaitingHead) this.host.outlier?.onLocalOrigin(false, 504);
    }
    this.abandon();
    this.close(504);
  }

  /** The original is over: a mirror whose request cannot become whole any more goes with it. */
  release(): void {
    if (!this.requestComplete) this.cancel();
  }

  private cancel(): void {
    if (this.done) return;
    this.abandon();
    this.close(0);
  }

  private abandon(): void {
    this.span?.canceled();
    this.ticket?.cancel();
    this.ticket = undefined;
    const { writer } = this;
    this.writer = undefined;
    writer?.reset();
  }

  /** `status` stands for the answer that did not come; 0 when one did, or none was waited for. */
  private close(status: number): void {
    this.done = true;
    this.disarm();
    this.waiting = undefined;
    this.span?.finish();
    if (status > 0) this.cluster.chargeStatus(this.host, status, true);
  }
}
