/** Times of spans: Unix microseconds out of the monotonic milliseconds that streams record. */
import type { Clock } from '../api/clock.ts';

/** How far calendar time may run away from monotonic time before it counts as set anew. */
const STEP_MS = 2;
/** Two clocks are asked, which a busy proxy would feel; by then so many looks have made the difference exact. */
const LOOK_EACH_MS = 10;
const FIRST_LOOKS = 100;

export class SpanClock {
  private readonly clock: Clock;
  /** Calendar minus monotonic milliseconds. */
  private offsetMs = Number.NEGATIVE_INFINITY;
  private nextLookMs = Number.NEGATIVE_INFINITY;
  private looks = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /**
   * Looks at calendar time, unless it did so a moment before `turnMs`, the monotonic time of the turn. Calendar time comes
   * in whole milliseconds, rounded down: the largest difference seen is the true one, which is what makes spans of one
   * process stand in order.
   */
  look(turnMs: number): void {
    if (turnMs < this.nextLookMs) return;
    if (++this.looks > FIRST_LOOKS) this.nextLookMs = turnMs + LOOK_EACH_MS;
    const offset = this.clock.wallMs() - this.clock.nowMs();
    if (offset > this.offsetMs || offset < this.offsetMs - STEP_MS) this.offsetMs = offset;
  }

  /** The monotonic time of this moment: streams record the time at which the turn of the event loop began. */
  nowMs(): number {
    return this.clock.nowMs();
  }

  /** A monotonic time as Unix microseconds. */
  us(monotonicMs: number): number {
    return Math.round((monotonicMs + this.offsetMs) * 1000);
  }
}
