/**
 * The deadlines of one exchange. They share one time at which to look (see `stream-watch`): being idle costs a stored
 * time per event, and that time is moved only when it has come.
 */
import type { Replied, ReplyHeaders, ReplyOptions, TerminalDeadline } from '../api/http-stream.ts';
import { ResponseFlag } from '../errors.ts';
import type { HttpManager } from './manager.ts';
import { type DeadlineWatch, StreamWatch, type Watched } from './stream-watch.ts';

const NEVER = Number.POSITIVE_INFINITY;
/** What the end of a stream's time is to a gRPC client. */
const DEADLINE_EXCEEDED = 4;

export abstract class TimedStream implements Watched {
  readonly manager: HttpManager;
  startMs: number;
  /** Response sent whole, or the exchange given up. */
  over = false;
  requestComplete = false;
  /** Answered by `reply`: request parts that still come are dropped. */
  replied = false;
  /** A response head has begun its way through the filters. */
  responseStarted = false;
  details = '';
  protected lastActivityMs: number;
  private idleTimeoutMs: number;
  private maxDurationMs: number;
  dueMs = NEVER;
  private terminalDueMs = NEVER;
  private terminal: TerminalDeadline | undefined = undefined;
  private readonly timer: DeadlineWatch;
  /** The watch is the stream's own, not that of a connection. */
  private readonly ownsTimer: boolean;

  constructor(manager: HttpManager, startMs: number, nowMs: number, watch: DeadlineWatch | undefined) {
    this.timer = watch ?? new StreamWatch(manager.wheel);
    this.ownsTimer = watch === undefined;
    this.manager = manager;
    this.startMs = startMs;
    this.lastActivityMs = nowMs;
    this.idleTimeoutMs = manager.settings.streamIdleTimeoutMs;
    this.maxDurationMs = manager.settings.maxStreamDurationMs;
  }

  abstract reply(status: number, body?: string | Uint8Array, headers?: ReplyHeaders, options?: ReplyOptions): Replied;
  abstract reset(flag?: number): void;

  /** Replaces the idle timeout of the connection manager; 0 disables. */
  setIdleTimeout(timeoutMs: number): void {
    this.idleTimeoutMs = timeoutMs;
    this.armDeadline();
  }

  /** Replaces `max_stream_duration` of the connection manager; counted from the start of the stream, 0 disables. */
  setMaxDuration(durationMs: number): void {
    this.maxDurationMs = durationMs;
    this.armDeadline();
  }

  setDeadline(deadline: TerminalDeadline, timeoutMs: number): void {
    this.terminal = deadline;
    this.terminalDueMs = this.manager.wheel.nowMs() + timeoutMs;
    if (this.terminalDueMs >= this.dueMs) return;
    this.dueMs = this.terminalDueMs;
    this.timer.watch(this);
  }

  /** What the timer is set for stays: it looks again when that has come. */
  clearDeadline(): void {
    this.terminalDueMs = NEVER;
  }

  protected armDeadline(): void {
    this.dueMs = Math.min(this.ownDueMs(), this.terminalDueMs);
    this.timer.watch(this);
  }

  /** When the first of the connection manager's limits is met. */
  private ownDueMs(): number {
    const { settings } = this.manager;
    let due = NEVER;
    if (this.idleTimeoutMs > 0) due = this.lastActivityMs + this.idleTimeoutMs;
    if (settings.requestTimeoutMs > 0 && this.awaitsRequest) {
      due = Math.min(due, this.startMs + settings.requestTimeoutMs);
    }
    if (this.maxDurationMs > 0) due = Math.min(due, this.startMs + this.maxDurationMs);
    return due;
  }

  /** The exchange is over: no deadline holds any more. */
  protected dropDeadline(): void {
    if (this.ownsTimer) this.timer.stop();
    else this.timer.leave(this);
  }

  /** `request_timeout` ends with the request, or with the beginning of the response. */
  private get awaitsRequest(): boolean {
    return !this.requestComplete && !this.responseStarted;
  }

  /** The earliest deadline at the time of arming has passed; bytes since then may have moved the idle one. */
  onDeadline(): void {
    if (this.over) return;
    const { settings, stats, wheel } = this.manager;
    const now = wheel.nowMs();
    if (now >= this.terminalDueMs && this.terminalDueMs < this.ownDueMs()) {
      this.terminalDueMs = NEVER;
      this.terminal?.onDue();
      if (!this.over) this.armDeadline();
      return;
    }
    const late = this.requestComplete ? 504 : 408;
    if (this.maxDurationMs > 0 && now >= this.startMs + this.maxDurationMs) {
      stats.downstream_rq_max_duration_reached.value++;
      this.expire(late, 'downstream duration timeout', 0, 'max_duration_timeout');
    } else if (settings.requestTimeoutMs > 0 && this.awaitsRequest && now >= this.startMs + settings.requestTimeoutMs) {
      stats.downstream_rq_timeout.value++;
      this.expire(late, 'request timeout', 0, 'request_overall_timeout');
    } else if (this.idleTimeoutMs > 0 && now >= this.lastActivityMs + this.idleTimeoutMs) {
      stats.downstream_rq_idle_timeout.value++;
      this.expire(late, 'stream timeout', ResponseFlag.SI, 'stream_idle_timeout');
    } else this.armDeadline();
  }

  private expire(status: number, body: string, flag: number, details: string): void {
    if (!this.replied) {
      const spent = details === 'max_duration_timeout';
      this.reply(status, body, undefined, spent ? { flag, details, grpcStatus: DEADLINE_EXCEEDED } : { flag, details });
      return;
    }
    this.details = details;
    this.reset(flag);
  }
}
