/** One try of a request with one host: it takes what the pool and the codec say to its exchange, while it is in the race. */
import {
  type AttemptSpan,
  type Headers,
  type Host,
  type RequestWriter,
  type ResponseHeaders,
  TimerEntry,
  type Timers,
  type TransportOptions,
  type UpstreamFailure,
  type UpstreamRequest,
  type UpstreamTicket,
} from '@mesh/core';
import { failureFlag, failureReason } from './failure.ts';
import type { AttemptMeasure } from './tracking/index.ts';
import type { AttemptLog } from './upstream-log/index.ts';

/** Which of an attempt's limits has passed. */
export type AttemptLimit = 'per-try' | 'per-try-idle' | 'stream-duration';

/** What an attempt tells: the exchange. */
export interface AttemptOwner {
  attemptReady(attempt: Attempt, writer: RequestWriter, reused: boolean, http2: boolean): void;
  attemptFailed(attempt: Attempt, failure: UpstreamFailure): void;
  attemptInterim(attempt: Attempt, head: ResponseHeaders): void;
  attemptHead(attempt: Attempt, head: ResponseHeaders, end: boolean): void;
  attemptData(attempt: Attempt, chunk: Uint8Array, end: boolean, owned: boolean): void;
  attemptTrailers(attempt: Attempt, trailers: Headers): void;
  attemptBatchEnd(): void;
  attemptWritable(): void;
  attemptExpired(attempt: Attempt, limit: AttemptLimit): void;
}

export class Attempt implements UpstreamRequest {
  readonly host: Host;
  /** Asked for because the last connection had gone stale. */
  readonly freshConnection: boolean;
  readonly downstreamHttp2: boolean;
  readonly transport: TransportOptions | undefined;
  /** `undefined` while it waits for a connection, and when it is over. */
  writer: RequestWriter | undefined = undefined;
  awaitingHead = true;
  /** Its time has passed, and it goes on beside another attempt. */
  slow = false;
  /** Another attempt was started beside it: its own failure is no reason for one more. */
  hedged = false;
  /** The attempt that was started before this one and is still in the race. */
  next: Attempt | undefined = undefined;
  /** Its own span; absent unless it is to be reported. */
  span: AttemptSpan | undefined = undefined;
  /** Its access log; absent without `upstream_log`. */
  log: AttemptLog | undefined = undefined;
  /** Its sizes and times; absent without `track_cluster_stats`. */
  measure: AttemptMeasure | undefined = undefined;
  private readonly owner: AttemptOwner;
  private ticket: UpstreamTicket | undefined = undefined;
  private over = false;
  private perTry: LimitTimer | undefined = undefined;
  private idle: LimitTimer | undefined = undefined;
  private duration: LimitTimer | undefined = undefined;
  private idleMs = 0;

  constructor(
    owner: AttemptOwner,
    host: Host,
    freshConnection: boolean,
    downstreamHttp2: boolean,
    transport: TransportOptions | undefined,
  ) {
    this.owner = owner;
    this.host = host;
    this.freshConnection = freshConnection;
    this.downstreamHttp2 = downstreamHttp2;
    this.transport = transport;
  }

  /** Keeps what cancels the wait for a connection. It may already be over: pools answer at once when they can. */
  waitWith(ticket: UpstreamTicket | undefined): void {
    if (!this.over && this.writer === undefined) this.ticket = ticket;
  }

  // UpstreamRequest

  onReady(writer: RequestWriter, _host: Host, connectionReused: boolean, http2 = false): void {
    this.ticket = undefined;
    this.writer = writer;
    if (this.span !== undefined) this.span.ready(http2);
    if (this.measure !== undefined) this.measure.ready();
    this.owner.attemptReady(this, writer, connectionReused, http2);
    if (this.log !== undefined) this.log.ready(http2);
  }

  onFailure(failure: UpstreamFailure): void {
    this.fail(failure);
  }

  onReset(failure: UpstreamFailure): void {
    this.fail(failure);
  }

  private fail(failure: UpstreamFailure): void {
    if (this.over) return;
    this.log?.failed(failureFlag(failure), failure.detail ?? '');
    this.span?.failed(failureReason(failure), failureFlag(failure), failure.hostUnasked === true);
    this.finish();
    this.owner.attemptFailed(this, failure);
  }

  onInterim(head: ResponseHeaders): void {
    if (!this.over) this.owner.attemptInterim(this, head);
  }

  onHead(head: ResponseHeaders, end: boolean): void {
    if (this.over) return;
    this.awaitingHead = false;
    if (this.log !== undefined) this.log.head(head);
    if (this.measure !== undefined) this.measure.head(head);
    if (this.span !== undefined) {
      this.span.responseHead(head);
      if (end) this.span.responseEnded();
    }
    this.touch();
    this.owner.attemptHead(this, head, end);
  }

  onData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (this.over) return;
    if (end && this.span !== undefined) this.span.responseEnded();
    if (this.log !== undefined) this.log.data(chunk.length);
    if (this.measure !== undefined) this.measure.data(chunk.length);
    this.touch();
    this.owner.attemptData(this, chunk, end, owned);
  }

  onTrailers(trailers: Headers): void {
    if (this.over) return;
    this.log?.trailers(trailers);
    this.span?.responseTrailers(trailers);
    this.span?.responseEnded();
    this.owner.attemptTrailers(this, trailers);
  }

  onBatchEnd(): void {
    this.owner.attemptBatchEnd();
  }

  onWritable(): void {
    if (!this.over) this.owner.attemptWritable();
  }

  // Limits

  /** Starts the limits of this try; 0 is none. */
  limitTry(timers: Timers, perTryMs: number, idleMs: number): void {
    if (perTryMs > 0) {
      this.perTry ??= new LimitTimer(this, 'per-try', timers);
      timers.arm(this.perTry, perTryMs);
    }
    if (idleMs > 0) {
      this.idleMs = idleMs;
      this.idle ??= new LimitTimer(this, 'per-try-idle', timers);
      timers.arm(this.idle, idleMs);
    }
  }

  limitDuration(timers: Timers, durationMs: number): void {
    this.duration = new LimitTimer(this, 'stream-duration', timers);
    timers.arm(this.duration, durationMs);
  }

  private touch(): void {
    const { idle } = this;
    if (idle !== undefined) idle.timers.arm(idle, this.idleMs);
  }

  /** @internal */
  expired(limit: AttemptLimit): void {
    if (this.over) return;
    // One of the two is enough: the other must not ask for one more attempt.
    if (limit === 'per-try') this.stopIdle();
    if (limit === 'per-try-idle') this.perTry?.disarm();
    this.owner.attemptExpired(this, limit);
  }

  /** The limits of the try are off; that of the stream's duration stays. */
  unlimit(): void {
    this.perTry?.disarm();
    this.stopIdle();
  }

  private stopIdle(): void {
    this.idle?.disarm();
    this.idle = undefined;
  }

  // The end

  /** Its span, which is to be ended by who asks. */
  takeSpan(): AttemptSpan | undefined {
    const { span } = this;
    this.span = undefined;
    return span;
  }

  /** Out of the race: nothing is reported any more. The connection is not touched. */
  finish(): void {
    this.over = true;
    this.ticket = undefined;
    this.writer = undefined;
    this.perTry?.disarm();
    this.stopIdle();
    this.duration?.disarm();
    if (this.span !== undefined) this.span.finish();
    if (this.log !== undefined) this.log.ended();
    if (this.measure !== undefined) this.measure.ended();
  }

  /** Out of the race, and given up: its connection is reset. */
  abandon(): void {
    const { ticket, writer } = this;
    if (this.span !== undefined) this.span.canceled();
    this.finish();
    ticket?.cancel();
    writer?.reset();
  }
}

class LimitTimer extends TimerEntry {
  readonly timers: Timers;
  private readonly attempt: Attempt;
  private readonly limit: AttemptLimit;

  constructor(attempt: Attempt, limit: AttemptLimit, timers: Timers) {
    super();
    this.attempt = attempt;
    this.limit = limit;
    this.timers = timers;
  }

  onDue(): void {
    this.attempt.expired(this.limit);
  }
}
