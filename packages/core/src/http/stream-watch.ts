/**
 * The one timer entry that the streams of an HTTP/1 connection share, one after the other. It stays armed from stream to
 * stream and is moved only to an earlier time, so that on a busy connection a deadline costs a stream one comparison:
 * what it was armed for is looked at when it comes due, and then it is armed for what is due by now.
 */
import { TimerEntry, type TimerWheel } from '../runtime/timer-wheel.ts';

/** What is watched: the stream under way. */
export interface Watched {
  /** Monotonic ms; infinite when there is no deadline. */
  readonly dueMs: number;
  /** The deadline has passed. It may set a new one. */
  onDeadline(): void;
}

/** Who looks after the deadlines of streams. */
export interface DeadlineWatch {
  /** `watched` has a new deadline. */
  watch(watched: Watched): void;
  /** The exchange is over. */
  leave(watched: Watched): void;
  /** Nothing is watched any more, for good. */
  stop(): void;
}

export class StreamWatch extends TimerEntry implements DeadlineWatch {
  private readonly wheel: TimerWheel;
  private watched: Watched | undefined = undefined;
  private armedMs = Number.POSITIVE_INFINITY;

  constructor(wheel: TimerWheel) {
    super();
    this.wheel = wheel;
  }

  /** `watched` has a new deadline. */
  watch(watched: Watched): void {
    this.watched = watched;
    if (watched.dueMs < this.armedMs) this.armFor(watched.dueMs);
  }

  /** The stream is over. The entry stays where it is: the next stream is likely to be content with it. */
  leave(): void {
    this.watched = undefined;
  }

  /** Nothing is watched any more, for good. */
  stop(): void {
    this.watched = undefined;
    this.disarm();
  }

  private armFor(dueMs: number): void {
    this.armedMs = dueMs;
    this.wheel.armAt(this, dueMs);
  }

  onDue(): void {
    this.armedMs = Number.POSITIVE_INFINITY;
    const { watched } = this;
    if (watched === undefined) return;
    if (this.wheel.nowMs() >= watched.dueMs) watched.onDeadline();
    // The stream may be over now, or another one in its place.
    const next = this.watched;
    if (next !== undefined && next.dueMs < this.armedMs) this.armFor(next.dueMs);
  }
}
